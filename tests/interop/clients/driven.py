"""Does what the test says: reads one command a line as JSON, and answers each with a line.

Its argument has the options of the cluster; see `harness/driven.ts` for the commands.
"""

import hashlib
import json
import os
import sys

import dispy
import peer


def work(number, seconds, text=''):
    import time
    start = time.time()
    time.sleep(seconds)
    return {'number': number, 'node': dispy_node_ip_addr, 'start': start,  # noqa: F821
            'end': time.time(), 'text': text}


def read(number, path):
    import hashlib
    import os
    import time
    time.sleep(0.05)
    info = os.stat(path)
    digest = hashlib.sha256()
    with open(path, 'rb') as fd:
        while True:
            data = fd.read(1 << 20)
            if not data:
                break
            digest.update(data)
    return {'number': number, 'node': dispy_node_ip_addr,  # noqa: F821
            'digest': digest.hexdigest(), 'size': info.st_size, 'mode': info.st_mode & 0o777,
            'changed': int(info.st_mtime), 'files': sorted(os.listdir('.'))}


def send_back(number, path, size, relay):
    import os
    import time
    with open(path, 'wb') as fd:
        fd.truncate(size)
    os.chmod(path, 0o640)
    os.utime(path, (1000000000, 1000000000))
    time.sleep(0.05)
    return dispy_send_file(path, relay=relay, timeout=60)  # noqa: F821


def answer_big(number, seconds, size):
    import time
    time.sleep(seconds)
    return b'x' * size


def mark(number, seconds, path, size=0):
    import os
    import time
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, ('%s %s\n' % (number, dispy_node_ip_addr)).encode())  # noqa: F821
    os.close(fd)
    time.sleep(seconds)
    return {'number': number, 'node': dispy_node_ip_addr, 'text': 'x' * size}  # noqa: F821


def hold(number, path):
    import os
    import time
    while not os.path.exists(path):
        time.sleep(0.02)
    return {'number': number, 'node': dispy_node_ip_addr}  # noqa: F821


def die_first(number, seconds, spared):
    import os
    import signal
    import time
    time.sleep(seconds)
    if number >= spared:
        os.kill(os.getpid(), signal.SIGKILL)
    return {'number': number, 'node': dispy_node_ip_addr}  # noqa: F821


def weigh(number, seconds, text):
    import hashlib
    import time
    time.sleep(seconds)
    return {'number': number, 'size': len(text), 'digest': hashlib.sha256(text.encode()).hexdigest()}


def refuse_setup():
    raise LookupError('the disk is missing')


def make(path, size):
    """A file with something in it up to 1 GB, with zeros beyond; tells its digest."""
    if os.path.dirname(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    digest, block = hashlib.sha256(), os.urandom(1000003)
    with open(path, 'wb') as fd:
        if size > 1 << 30:
            fd.truncate(size)
        else:
            for at in range(0, size, len(block)):
                part = block[:size - at]
                fd.write(part)
                digest.update(part)
    os.chmod(path, 0o640)
    os.utime(path, (1000000000, 1000000000))
    peer.emit('made', path=path, digest=digest.hexdigest())


def spoil(path, how):
    """What befalls a file between the moment that dispy notes its size and that it reads it."""
    size = os.stat(path).st_size
    if how == 'grow':
        with open(path, 'ab') as fd:
            fd.write(b'x' * 1000)
    elif how == 'shrink':
        os.truncate(path, size - 1000)
    else:
        os.remove(path)
    if how == 'unreadable':
        os.mkdir(path)


options = json.loads(sys.argv[1])
for path, size in options.pop('make', {}).items():
    make(path, size)
spoiled, note = options.pop('spoil', {}), dispy._XferFile.__init__


def note_and_spoil(self, dep, compute_id=None):
    note(self, dep, compute_id)
    if dep in spoiled:
        spoil(dep, spoiled.pop(dep))


dispy._XferFile.__init__ = note_and_spoil
function = {'work': work, 'read': read, 'send_back': send_back,
            'answer_big': answer_big, 'mark': mark, 'weigh': weigh,
            'die_first': die_first, 'hold': hold}[options.pop('function', 'work')]
if options.pop('refuse_setup', False):
    options['setup'] = refuse_setup
port = options.pop('port', None)
if port:
    import dispy.config  # not before 4.11
    dispy.config.DispyPort = port
if 'nodes' in options:
    options['nodes'] = [node if isinstance(node, str) else dispy.NodeAllocate(node[0], cpus=node[1])
                        for node in options['nodes']]
if options.pop('deaf', False):
    # Whatever the scheduler sends of results is lost; only answers to its own questions count.
    process = dispy._Cluster.job_reply_process

    def process_answers(self, reply, size, sock, addr):
        if addr[1] == cluster.scheduler_port:
            yield process(self, reply, size, sock, addr)
    dispy._Cluster.job_reply_process = process_answers
wait_nodes = options.pop('wait_nodes', 0)
peer.emit('started')
nodes = peer.Nodes(report=True)
try:
    cluster = peer.cluster(function, cluster_status=nodes.status, **options)
except Exception as error:
    peer.emit('refused', error='%s: %s' % (type(error).__name__, error))
    sys.exit(3)
peer.emit('created', id=cluster._compute.id, port=cluster._cluster.port)
nodes.wait_for(wait_nodes, timeout=600)
peer.emit('ready')
jobs = []


def submit(count, args, node=None, depends=()):
    global jobs
    kwargs = {'dispy_job_depends': list(depends)} if depends else {}
    given = [cluster.submit_node(node, number, *args, **kwargs) if node else
             cluster.submit(number, *args, **kwargs) for number in range(count)]
    jobs += [job for job in given if job]
    return [job.id if job else None for job in given]


def results(timeout=None):
    global jobs
    waiting, jobs = jobs, []
    told = []
    for job in waiting:
        done = job.finish.wait(timeout)
        if isinstance(job.result, bytes):
            job.result = len(job.result)
        told.append(dict(peer.described(job), done=done))
    return told


def send_file(path, node, relay):
    result = cluster.send_file(path, node, relay=relay)
    if result is None:
        return 0
    return result


def cancel():
    return [cluster.cancel(job) for job in jobs]


def call(method, *args):
    result = getattr(cluster, method)(*args)
    return [job.id for job in result] if method == 'node_jobs' else result


def file_stat(path):
    info = os.stat(path)
    return {'size': info.st_size, 'mode': info.st_mode & 0o777, 'changed': int(info.st_mtime)}


def known():
    """What the client knows of its nodes."""
    return {node.ip_addr: {
        'cpus': node.cpus, 'busy': node.busy, 'done': node.jobs_done,
        'avail': node.avail_info and [node.avail_info.cpu, node.avail_info.memory,
                                      node.avail_info.disk, node.avail_info.swap],
    } for node in cluster.status().nodes}


commands = {'submit': submit, 'make': make, 'send_file': send_file, 'stat': file_stat, 'results': results, 'cancel': cancel, 'call': call, 'known': known}
for line in sys.stdin:
    name, args = json.loads(line)
    if name == 'close':
        break
    try:
        peer.emit('answer', to=name, result=commands[name](*args))
    except Exception as error:
        peer.emit('answer', to=name, error='%s: %s' % (type(error).__name__, error))
cluster.close(**(args[0] if name == 'close' and args else {}))
peer.emit('closed')
