"""What happens in a job's own process: the third kind, forked from the template."""

import importlib.abc
import importlib.machinery
import resource

_channel = None


def run_job(channel, task, namespace):
    """Runs the job that `channel` tells of, tells its result there, and ends this process."""
    global _channel
    _channel = channel
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        result, trouble = _call(_receive_request(channel), task, namespace), None
        interrupted = False
    except BaseException as error:
        result, trouble = pickle.dumps(None), describe(error)
        interrupted = isinstance(error, KeyboardInterrupt)
    # The result is there: an interruption comes too late now.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass  # the job has put something else in its place
    _say(RESULT, {'exception': trouble, 'interrupted': interrupted}, result)
    # Threads and processes that are left end now, without a word: the job is over.
    os._exit(0)


def _call(request, task, namespace):
    """Calls the job's function; returns the pickle of what it returns."""
    header, args, kwargs = request
    os.environ.update(header['environment'])
    os.chdir(task['folder'])
    # Files may have come since setup looked.
    importlib.invalidate_caches()
    namespace['dispynode_logger'] = make_logger(_log)
    if task['memory_bytes'] is not None:
        limit_memory(task['memory_bytes'])
    if header['code']:
        exec(compile(header['code'], '<string>', 'exec', dont_inherit=True), namespace)
    args, kwargs = pickle.loads(args), pickle.loads(kwargs)
    result = eval(task['name'], namespace)(*args, **kwargs)
    return pickle.dumps(result, protocol=pickle.HIGHEST_PROTOCOL)


def limit_memory(size):
    """Makes allocations beyond `size` bytes fail, or beyond what the job was already allowed."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        size = min(size, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def _receive_request(channel):
    """What to do: a header, and the pickles of the arguments."""
    (size,) = struct.unpack('!I', receive_exactly(channel, 4))
    request = memoryview(receive_exactly(channel, size))
    header_size, args_size = struct.unpack_from('!II', request)
    header, rest = request[8:8 + header_size], request[8 + header_size:]
    return json.loads(bytes(header)), rest[:args_size], rest[args_size:]


def _say(kind, header, payload=b''):
    """Tells the node something over a connection of its own; returns that connection.

    So threads, processes that the job has made, and interruptions do not get into each other's way.
    """
    mine, theirs = socket.socketpair()
    try:
        with theirs:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [theirs.fileno()]))]
            _channel.sendmsg([b'\0'], rights)
        header = to_json(dict(header, kind=kind))
        mine.sendall(struct.pack('!IQ', len(header), len(payload)) + header)
        mine.sendall(payload)
        mine.shutdown(socket.SHUT_WR)
        return mine
    except BaseException:
        mine.close()
        raise


def _ask(kind, header, payload=b''):
    """Tells the node something and waits for its answer: 0 where it went well, otherwise -1."""
    if _channel is None:
        return -1
    try:
        with _say(kind, header, payload) as connection:
            return 0 if connection.recv(1) == b'\1' else -1
    except OSError:
        return -1


def _log(level, text):
    _ask(LOG_LINE, {'level': level, 'text': text})


def dispy_provisional_result(result, relay=False, timeout=None):
    """Sends a provisional result to the client.

    relay: whether it goes by way of the scheduler. timeout: seconds; by default the node's own.
    Returns 0 when the client has it, otherwise -1.
    """
    payload = pickle.dumps(result, protocol=pickle.HIGHEST_PROTOCOL)
    return _ask(PROVISIONAL_RESULT, {'relay': bool(relay), 'timeout': timeout}, payload)


def dispy_send_file(path, relay=False, timeout=None):
    """Sends a file to the client, which keeps it under the same path in its own folder.

    relay: whether it goes by way of the scheduler. timeout: seconds without progress; by default
    the node's own. Returns 0 when the client has it, otherwise -1.
    """
    path = os.fspath(path)
    if not isinstance(path, str) or not os.path.isfile(path):
        return -1
    header = {'name': path, 'path': os.path.abspath(path), 'relay': bool(relay),
              'timeout': timeout}
    return _ask(SEND_FILE, header)


class StandInFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives jobs that import dispy the little of it that makes sense in a job.

    Comes after all others: a dispy that the machine has is used instead.
    """

    STATUS = {'Created': 5, 'Running': 6, 'ProvisionalResult': 7, 'Cancelled': 8,
              'Terminated': 9, 'Abandoned': 10, 'Finished': 11}

    def __init__(self, namespace):
        self.namespace = namespace

    def find_spec(self, fullname, path=None, target=None):
        if fullname not in ('dispy', 'dispy.dispynode'):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=fullname == 'dispy')

    def exec_module(self, module):
        if module.__name__ == 'dispy':
            for name in ('DispyJob', 'DispyNode', 'DispyNodeAvailInfo', 'NodeAllocate'):
                setattr(module, name, type(name, (), {'__module__': 'dispy'}))
            for name, value in self.STATUS.items():
                setattr(module.DispyJob, name, value)
        else:
            for name in ('dispy_provisional_result', 'dispy_send_file', 'dispynode_logger'):
                setattr(module, name, self.namespace[name])
