"""The first process: between the node, on stdin and stdout, and everything of the computation."""

import selectors
import time


class _Job:
    """A job as the guard sees it: its process, and what is still to be passed on."""

    def __init__(self, number, channel, stdout, stderr):
        self.number = number
        self.channel = channel
        self.outputs = {stdout: STDOUT, stderr: STDERR}
        self.room = {}
        self.dropped = {STDOUT: 0, STDERR: 0}
        self.unsent = memoryview(b'')
        self.pid = None
        self.messages = set()
        self.terminating = False
        self.kill_at = None


class Guard:
    """Passes on what node and jobs have to say to each other, and ends whatever is left over."""

    def __init__(self):
        self.pid = os.getpid()
        self.selector = selectors.DefaultSelector()
        self.inbox = bytearray()
        self.jobs = {}
        self.by_pid = {}
        self.messages = {}
        self.unread = set()
        self.last_message = 0
        self.task = None
        self.template = None
        self.template_pid = None
        self.setup_children = set()
        self.takes_jobs = False
        self.closing = False

    # -- the node -----------------------------------------------------------------------------

    def emit(self, kind, number, payload=b''):
        """Tells the node. A node that is gone reads nothing: then everything ends."""
        data = memoryview(FRAME.pack(kind, number, len(payload)) + payload)
        try:
            while data:
                data = data[os.write(1, data):]
        except OSError:
            self.closing = True

    def run(self):
        adopt_orphans()
        wake_reader, wake_writer = os.pipe()
        os.set_blocking(wake_reader, False)
        os.set_blocking(wake_writer, False)
        signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, 'closing', True))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.wake_fds = (wake_reader, wake_writer)
        self.selector.register(0, selectors.EVENT_READ, self.on_node)
        self.selector.register(wake_reader, selectors.EVENT_READ, self.on_wake)
        version = '%d.%d.%d' % sys.version_info[:3]
        self.emit(HELLO, 0, to_json({'version': version}))
        while not self.closing:
            for key, events in self.selector.select(self.time_left()):
                # What an earlier event of this round has closed is no longer there.
                if self.selector.get_map().get(key.fd) is key:
                    key.data(key.fd, events)
            self.kill_overdue()
        self.end_everything()

    def on_node(self, fd, _):
        data = os.read(fd, CHUNK_BYTES)
        if not data:
            self.closing = True
        self.inbox += data
        while len(self.inbox) >= FRAME.size:
            kind, number, size = FRAME.unpack_from(self.inbox)
            if len(self.inbox) < FRAME.size + size:
                return
            payload = bytes(memoryview(self.inbox)[FRAME.size:FRAME.size + size])
            del self.inbox[:FRAME.size + size]
            self.on_request(kind, number, payload)

    def on_request(self, kind, number, payload):
        if kind == OPEN:
            self.open(json.loads(payload))
        elif kind in (SETUP, CLEANUP):
            self.takes_jobs = False
            self.tell_template(kind, 0, payload)
        elif kind == JOB:
            self.start_job(number, payload)
        elif kind == ANSWER:
            self.answer(number, payload)
        elif kind == TERMINATE and number in self.jobs:
            self.terminate(self.jobs[number])
        elif kind == PING:
            self.emit(PONG, number)

    # -- the template -------------------------------------------------------------------------

    def open(self, task):
        self.task = task
        self.template, theirs = socket.socketpair()
        log_reader, log_writer = os.pipe()
        self.template_pid = os.fork()
        if self.template_pid == 0:
            self.become_template(theirs, log_reader, log_writer)
        theirs.close()
        os.close(log_writer)
        self.selector.register(self.template, selectors.EVENT_READ, self.on_template)
        self.watch(log_reader, self.on_print)

    def become_template(self, control, log_reader, log_writer):
        """In the forked process: lets go of what is the guard's, and never returns."""
        try:
            signal.set_wakeup_fd(-1)
            self.selector.close()
            self.template.close()
            for fd in (log_reader,) + self.wake_fds:
                os.close(fd)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((nothing, 0), (log_writer, 1), (log_writer, 2)):
                os.dup2(source, target, inheritable=True)
            os.close(nothing)
            os.close(log_writer)
            die_with(self.pid)
            Template(control, self.task).run()
        except BaseException:
            report_trouble()
        finally:
            os._exit(1)

    def tell_template(self, *frame, **more):
        try:
            send_frame(self.template, *frame, **more)
        except OSError:
            pass  # it has ended: on_template says so

    def on_template(self, _, __):
        try:
            kind, number, payload, _ = receive_frame(self.template)
        except (EOFError, OSError):
            self.selector.unregister(self.template)
            self.template.close()
            status = self.reap(self.template_pid)
            self.template_pid = None
            self.emit(LOST, 0, to_json({'status': status}))
            for job in list(self.jobs.values()):
                if job.pid is not None:
                    kill_group(job.pid)
                self.end_job(job, None)
            return
        if kind == FORKED:
            self.on_forked(number, json.loads(payload))
        elif kind == EXITED:
            job = self.by_pid.get(number)
            if job is not None:
                self.end_job(job, json.loads(payload))
        else:
            if kind == SET_UP:
                self.setup_children = set(own_children()) - {self.template_pid}
                self.takes_jobs = True
            self.emit(kind, number, payload)

    def on_print(self, fd, _):
        """Something that setup or cleanup has printed."""
        data = os.read(fd, CHUNK_BYTES)
        if not data:
            self.forget(fd)
            os.close(fd)
        for line in data.decode(errors='replace').splitlines():
            self.emit(LOG, 0, to_json({'level': 'debug', 'text': line}))

    # -- jobs ---------------------------------------------------------------------------------

    def start_job(self, number, request):
        channel, theirs = socket.socketpair()
        stdout, stdout_writer = os.pipe()
        stderr, stderr_writer = os.pipe()
        job = self.jobs[number] = _Job(number, channel, stdout, stderr)
        job.unsent = memoryview(struct.pack('!I', len(request)) + request)
        job.room = dict.fromkeys((STDOUT, STDERR), self.task['output_bytes'])
        channel.setblocking(False)
        self.selector.register(channel, selectors.EVENT_READ | selectors.EVENT_WRITE,
                               lambda _, events: self.on_channel(job, events))
        for fd in job.outputs:
            self.watch(fd, lambda fd, _: self.on_output(job, fd))
        self.tell_template(FORK, number, fds=[theirs.fileno(), stdout_writer, stderr_writer])
        theirs.close()
        os.close(stdout_writer)
        os.close(stderr_writer)
        if self.template_pid is None:
            self.end_job(job, None)

    def on_forked(self, number, outcome):
        job = self.jobs[number]
        if outcome['error'] is not None:
            self.end_job(job, {'error': outcome['error']})
            return
        job.pid = outcome['pid']
        self.by_pid[job.pid] = job
        self.emit(STARTED, number, struct.pack('!I', job.pid))
        if job.terminating:
            self.terminate(job)

    def on_channel(self, job, events):
        if events & selectors.EVENT_WRITE:
            try:
                job.unsent = job.unsent[job.channel.send(job.unsent[:CHUNK_BYTES]):]
            except BlockingIOError:
                pass
            except OSError:
                job.unsent = job.unsent[:0]
            if not job.unsent:
                self.selector.modify(job.channel, selectors.EVENT_READ,
                                     lambda _, events: self.on_channel(job, events))
        if events & selectors.EVENT_READ:
            try:
                if not self.accept_message(job):
                    self.forget(job.channel)
            except BlockingIOError:
                pass

    def accept_message(self, job):
        """Takes a connection over which the job says something; tells whether more may come."""
        try:
            mark, fds = receive_files(job.channel, 1)
        except ConnectionError:
            mark, fds = b'', []
        for fd in fds:
            self.last_message += 1
            number = self.last_message
            connection = socket.socket(fileno=fd)
            self.messages[number] = connection
            self.unread.add(number)
            job.messages.add(number)
            self.emit(MESSAGE, number, struct.pack('!I', job.number))
            connection.setblocking(False)
            self.selector.register(connection, selectors.EVENT_READ,
                                   lambda _, __: self.read_message(number))
        return bool(mark)

    def read_message(self, number):
        """Passes on a part of a message; tells whether there was any."""
        connection = self.messages[number]
        try:
            data = connection.recv(CHUNK_BYTES)
        except BlockingIOError:
            return False
        except ConnectionError:
            data = b''
        if data:
            self.emit(MESSAGE_DATA, number, data)
            return True
        self.unread.discard(number)
        self.forget(connection)
        self.emit(MESSAGE_END, number)
        return False

    def answer(self, number, payload):
        connection = self.messages.pop(number, None)
        if connection is None:
            return
        try:
            connection.send(payload)
        except OSError:
            pass  # whoever has asked no longer waits
        self.forget(connection)
        connection.close()

    def on_output(self, job, fd, most=CHUNK_BYTES):
        """Passes on what a job prints, up to the limit; tells whether there was anything."""
        try:
            data = os.read(fd, most)
        except BlockingIOError:
            return False
        if not data:
            self.forget(fd)
            return False
        kind = job.outputs[fd]
        kept = data[:job.room[kind]]
        job.room[kind] -= len(kept)
        job.dropped[kind] += len(data) - len(kept)
        if kept:
            self.emit(kind, job.number, kept)
        return True

    def terminate(self, job):
        """Interrupts a job, which then has some time to end by itself."""
        job.terminating = True
        if job.pid is None or job.kill_at is not None:
            return
        job.kill_at = time.monotonic() + self.task['grace_ms'] / 1000
        try:
            os.kill(job.pid, signal.SIGINT)
        except ProcessLookupError:
            pass

    def time_left(self):
        times = [job.kill_at for job in self.by_pid.values() if job.kill_at is not None]
        return max(0, min(times) - time.monotonic()) if times else None

    def kill_overdue(self):
        now = time.monotonic()
        for job in list(self.by_pid.values()):
            if job.kill_at is not None and job.kill_at <= now:
                job.kill_at = None
                kill_group(job.pid)

    def end_job(self, job, outcome):
        """The job's process is gone: passes on what it has left, and ends what it has left behind."""
        del self.jobs[job.number]
        self.by_pid.pop(job.pid, None)
        self.kill_leftovers()
        try:
            while self.accept_message(job):
                pass
        except BlockingIOError:
            pass
        self.forget(job.channel)
        job.channel.close()
        for number in job.messages & self.messages.keys():
            while number in self.unread and self.read_message(number):
                pass
            self.unread.discard(number)
            connection = self.messages.pop(number)
            self.forget(connection)
            connection.close()
        for fd in job.outputs:
            # Somebody who got away may still be printing: no more than a pipe holds.
            for _ in range(16):
                if not self.on_output(job, fd, 1 << 16):
                    break
            self.forget(fd)
            os.close(fd)
        self.emit(ENDED, job.number, to_json({
            'outcome': outcome,
            'dropped': [job.dropped[STDOUT], job.dropped[STDERR]],
        }))

    # -- processes ----------------------------------------------------------------------------

    def on_wake(self, fd, _):
        """A signal has come: a child of ours has ended, or changed hands."""
        os.read(fd, 4096)
        self.continue_template()
        # Where there is no waitid, as in older Pythons on macOS, orphans do not come to us either.
        while hasattr(os, 'waitid'):
            try:
                # The template is waited for when its connection ends: see on_template.
                gone = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if gone is None or gone.si_pid == self.template_pid:
                break
            self.reap(gone.si_pid)
        self.kill_leftovers()

    def continue_template(self):
        """A template that a job has stopped would neither make jobs nor tell of their ends."""
        if self.template_pid is None or not hasattr(os, 'waitid'):
            return
        try:
            if os.waitid(os.P_PID, self.template_pid, os.WSTOPPED | os.WNOHANG) is not None:
                os.kill(self.template_pid, signal.SIGCONT)
        except (ChildProcessError, ProcessLookupError):
            pass

    def reap(self, pid):
        self.setup_children.discard(pid)
        try:
            return wait_outcome(os.waitpid(pid, 0)[1])
        except ChildProcessError:
            return None

    def kill_leftovers(self):
        """Ends our children that nobody answers for: those of jobs that have ended.

        Jobs adopt their own orphans while they live, so an orphan here is of a job that is gone,
        or has been left by setup, for the jobs to use.
        """
        if not self.takes_jobs:
            return
        for pid in own_children():
            if pid != self.template_pid and pid not in self.setup_children:
                kill_group(pid)

    def end_everything(self):
        """Kills all that is left, and waits until it is gone."""
        deadline = time.monotonic() + 5
        for pid in list(self.by_pid):
            kill_group(pid)
        while time.monotonic() < deadline:
            for pid in own_children() or [self.template_pid]:
                if pid:
                    kill_group(pid)
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    time.sleep(0.005)
            except ChildProcessError:
                break
        os._exit(0)

    # -- the selector -------------------------------------------------------------------------

    def watch(self, fd, callback):
        os.set_blocking(fd, False)
        self.selector.register(fd, selectors.EVENT_READ, callback)

    def forget(self, fileobj):
        """Stops watching; tells whether it was watched."""
        try:
            self.selector.unregister(fileobj)
            return True
        except (KeyError, ValueError):
            return False
