"""The second process: runs the computation's code and its setup, then forks itself for each job."""

import gc
import importlib
import linecache
import logging
import pickle
import select
import traceback
import types
import warnings

# What dispynode has imported, and so what functions written for it find without importing it.
USUAL_MODULES = (
    'copy', 'errno', 'glob', 'hashlib', 'io', 'marshal', 'multiprocessing', 'os', 'pickle',
    'platform', 're', 'shutil', 'signal', 'socket', 'stat', 'struct', 'subprocess', 'sys',
    'tempfile', 'threading', 'time', 'traceback',
)

# What setup may return; dispy gives them meanings that make no difference to a fork.
SETUP_DONE = (0, 1, 2)


class Template:
    """The process that jobs begin as: they see what setup has left in it."""

    def __init__(self, control, task):
        self.control = control
        self.task = task
        self.code = None
        self.setup_args = ()
        self.jobs = set()
        self.namespace = {}

    def run(self):
        self.prepare()
        self.tell(OPENED, 0, to_json({'error': self.compile()}))
        if self.code is None:
            return
        wake_reader, wake_writer = os.pipe()
        self.own_fds = (wake_reader, wake_writer)
        os.set_blocking(wake_reader, False)
        os.set_blocking(wake_writer, False)
        while True:
            # Setup may have changed them.
            signal.signal(signal.SIGCHLD, lambda *_: None)
            signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
            readable, _, _ = select.select([self.control, wake_reader], [], [])
            if wake_reader in readable:
                os.read(wake_reader, 4096)
                self.reap_jobs()
            if self.control in readable:
                try:
                    self.on_request(*receive_frame(self.control))
                except (EOFError, ConnectionError):
                    # The guard is gone, and so is everybody who could want what jobs are doing.
                    for pid in self.jobs:
                        kill_group(pid)
                    return

    def tell(self, *frame):
        send_frame(self.control, *frame)

    def prepare(self):
        """Makes this the process that user code expects: an ordinary Python with a `__main__`."""
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(signum, signal.SIG_DFL)
        open_standard_streams()
        sys.argv = ['']
        main = types.ModuleType('__main__')
        sys.modules['__main__'] = main
        self.namespace = main.__dict__
        for name in USUAL_MODULES:
            self.namespace[name] = importlib.import_module(name)
        sys.meta_path.append(StandInFinder(self.namespace))
        self.namespace.update({
            'dispy_node_name': self.task['node_name'],
            'dispy_node_ip_addr': self.task['node_ip_addr'],
            'dispy_job_path': self.task['folder'],
            'dispynode_logger': make_logger(self.log),
            'dispy_provisional_result': dispy_provisional_result,
            'dispy_send_file': dispy_send_file,
        })

    def log(self, level, text):
        self.tell(LOG, 0, to_json({'level': level, 'text': text}))

    def compile(self):
        """Compiles the computation's code; returns what is wrong with it, without quoting it."""
        try:
            self.code = compile(self.task['code'], '<string>', 'exec', dont_inherit=True)
        except SyntaxError as error:
            return 'line %s: %s' % (error.lineno, error.msg)
        except Exception as error:
            return '%s: %s' % (type(error).__name__, error)
        return None

    def on_request(self, kind, number, payload, fds):
        if kind == SETUP:
            self.tell(SET_UP, 0, to_json({'error': self.set_up(payload)}))
        elif kind == FORK:
            self.fork_job(number, fds)
        elif kind == CLEANUP:
            self.clean_up()
            self.tell(CLEANED_UP, 0)

    def set_up(self, setup_args):
        """Runs the computation's code and its setup; returns what is wrong, if anything is."""
        setup = self.task['setup']
        try:
            os.chdir(self.task['folder'])
            sys.path.insert(0, self.task['folder'])
            self.setup_args = pickle.loads(setup_args)
            exec(self.code, self.namespace)
            status = 0 if setup is None else eval(setup, self.namespace)(*self.setup_args)
            if any(status == done for done in SETUP_DONE):
                # What is there now is shared with all jobs: no need to look at it again in each.
                gc.freeze()
                return None
            return '"setup" failed with %s' % (status,)
        except BaseException as error:
            what = 'loading "depends"' if setup is None else '"setup"'
            return '%s failed with %s' % (what, describe(error))

    def clean_up(self):
        cleanup = self.task['cleanup']
        if cleanup is None:
            return
        try:
            eval(cleanup, self.namespace)(*self.setup_args)
        except BaseException as error:
            self.log('warning', '"cleanup" failed with %s' % describe(error))

    def fork_job(self, number, fds):
        channel, stdout, stderr = fds
        template = os.getpid()
        try:
            with warnings.catch_warnings():
                # Threads that setup has started: it is up to setup whether a fork harms them.
                warnings.simplefilter('ignore', DeprecationWarning)
                pid = os.fork()
        except OSError as error:
            pid, trouble = None, 'cannot make a process for the job: %s' % error.strerror
        else:
            trouble = None
        if pid == 0:
            try:
                self.become_job(template, channel, stdout, stderr)
            except BaseException:
                report_trouble()
            finally:
                os._exit(1)
        for fd in fds:
            os.close(fd)
        if pid is not None:
            self.jobs.add(pid)
        self.tell(FORKED, number, to_json({'pid': pid, 'error': trouble}))

    def become_job(self, template, channel, stdout, stderr):
        """In the forked process: lets go of what is the template's, and runs the job."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        die_with(template)
        adopt_orphans()
        self.control.close()
        for fd in self.own_fds:
            os.close(fd)
        for source, target in ((stdout, 1), (stderr, 2)):
            os.dup2(source, target, inheritable=True)
            os.close(source)
        open_standard_streams()
        run_job(socket.socket(fileno=channel), self.task, self.namespace)

    def reap_jobs(self):
        for pid in list(self.jobs):
            try:
                if hasattr(os, 'waitid'):
                    # While the process is waited for, its group cannot become somebody else's.
                    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
                    if os.waitid(os.P_PID, pid, flags) is None:
                        continue
                    kill_group(pid)
                gone, status = os.waitpid(pid, os.WNOHANG)
                outcome = wait_outcome(status)
            except ChildProcessError:
                gone, outcome = pid, None  # something that setup has started took the news
            if gone:
                self.jobs.discard(pid)
                self.tell(EXITED, pid, to_json(outcome))


def open_standard_streams():
    """New `sys.stdin`, `sys.stdout` and `sys.stderr` for the files that are open as 0, 1 and 2.

    Lines are passed on as they are printed, so that those of a job that is killed are not lost.
    """
    sys.stdin = open(0, encoding='utf-8', closefd=False)
    sys.stdout = open(1, 'w', buffering=1, encoding='utf-8', errors='backslashreplace',
                      closefd=False)
    sys.stderr = open(2, 'w', buffering=1, encoding='utf-8', errors='backslashreplace',
                      closefd=False)


def describe(error):
    """The traceback of an error, without what is of the harness in it."""
    tb = error.__traceback__
    while tb is not None and tb.tb_frame.f_globals is globals():
        tb = tb.tb_next
    try:
        # Python takes the harness's own text for that of '<string>', the name of user code.
        linecache.cache.pop('<string>', None)
        return ''.join(traceback.format_exception(type(error), error, tb))
    except Exception as trouble:
        return '%s (its traceback cannot be told: %s)' % (
            type(error).__name__, type(trouble).__name__)


class _LogHandler(logging.Handler):
    """Hands log records to a function that takes their level and text."""

    def __init__(self, write):
        super().__init__()
        self.write = write

    def emit(self, record):
        levels = ((logging.ERROR, 'error'), (logging.WARNING, 'warning'), (logging.INFO, 'info'))
        level = next((name for at, name in levels if record.levelno >= at), 'debug')
        try:
            self.write(level, self.format(record))
        except Exception:
            self.handleError(record)


def make_logger(write):
    """`dispynode_logger`, for the node's log. Jobs have another than setup: see run_job."""
    logger = logging.Logger('dispynode')
    logger.addHandler(_LogHandler(write))
    return logger
