"""The rows of the matrix of releases, with whatever dispy and Python run this.

Arguments: the address of the two nodes, a folder for traces, and the rows to go through. Each row
has clusters and jobs of its own and is told as a line `row` with its problem, if there was one. A
row that fails ends the program: what it has left behind would spoil the others.
"""

import functools
import os
import subprocess
import sys
import threading
import time
import traceback

import dispy
import peer

ONE, TWO, TRACES = sys.argv[1:4]
VERSION = tuple(int(part) for part in dispy._dispy_version.split('.'))
LIMIT_S = 90

ENDS = (dispy.DispyJob.Cancelled, dispy.DispyJob.Terminated, dispy.DispyJob.Abandoned,
        dispy.DispyJob.Finished)

ROWS = {}


def row(name):
    def register(function):
        ROWS[name] = function
        return function
    return register


def equal(got, wanted, what='value'):
    if got != wanted:
        raise AssertionError('%s is %r, not %r' % (what, got, wanted))


def until(what, condition, timeout=60):
    deadline = time.time() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.time() > deadline:
            raise AssertionError('never %s' % what)
        time.sleep(0.05)


class Cluster(object):
    """A cluster with its nodes ready."""

    def __init__(self, computation, count=2, **options):
        self.nodes = peer.Nodes()
        self.cluster = peer.cluster(computation, cluster_status=self.nodes.status, **options)
        self.nodes.wait_for(count, 12)

    def __enter__(self):
        return self

    def __exit__(self, error_type, error, trace):
        if error_type is None:
            self.cluster.close()

    def __getattr__(self, name):
        return getattr(self.cluster, name)

    def submit(self, *args, **kwargs):
        return accepted(self.cluster.submit(*args, **kwargs))

    def submit_node(self, *args, **kwargs):
        return accepted(self.cluster.submit_node(*args, **kwargs))


def accepted(job):
    if not job:
        raise AssertionError('a job was not taken')
    return job


def done(job, status=dispy.DispyJob.Finished):
    deadline = time.time() + 60
    # dispy 4.6 sets `finish` with each provisional result; all releases set the status first, then
    # what the job has said, then `finish`.
    while job.status not in ENDS or not job.finish.is_set():
        if time.time() > deadline:
            raise AssertionError('a job has status %s and no end' % job.status)
        time.sleep(0.02)
    if job.status != status:
        raise AssertionError('a job has status %s, not %s: %s' % (job.status, status,
                                                                  job.exception))
    return job


def text(value):
    return value if isinstance(value, str) else value.decode()


def write(path, content):
    with open(path, 'w') as fd:
        fd.write(content)
    return path


def trace(name):
    path = os.path.join(TRACES, name)
    if not os.path.exists(path):
        return ''
    with open(path) as fd:
        return fd.read()


# What the jobs run: dispy sends the source of each function. None ends at once: that kills now and
# then what sends a dispynode's results.

def answer(n, factor=2, seconds=0.05):
    import sys
    import time
    time.sleep(seconds)
    sys.stdout.write('out %s\n' % n)
    sys.stderr.write('err %s\n' % n)
    return n * factor


def linger(seconds, path=None):
    import time
    if path:
        with open(path, 'a') as fd:
            fd.write('run ')
    time.sleep(seconds)
    return 'lingered'


@row('jobs')
def jobs():
    with Cluster(answer) as cluster:
        submitted = [cluster.submit(n, factor=3) for n in range(6)]
        for n, job in enumerate(submitted):
            done(job)
            equal(job.result, n * 3, 'result')
            equal(job(), n * 3, 'what the job returns')
            equal(text(job.stdout), 'out %s\n' % n, 'stdout')
            equal(text(job.stderr), 'err %s\n' % n, 'stderr')
            if not job.start_time < job.end_time < time.time() + 1:
                raise AssertionError('times are %s, %s' % (job.start_time, job.end_time))
        equal(set(job.ip_addr for job in submitted), set([ONE, TWO]), 'nodes that were used')
        values = [None, 2.5, u'\xe4\u20ac', b'\x00\xff', [1, (2, {3: 'x'})], 10 ** 30, set([1])]
        for value in values:
            equal(done(cluster.submit([value], factor=1)).result, [value], 'result')


@row('depends')
def depends():
    def helped(name, own):
        import time
        time.sleep(0.05)
        with open(name) as fd:
            content = fd.read()
        with open(own) as fd:
            content += fd.read()
        return help_out(content)  # noqa: F821

    with Cluster(helped, depends=[help_out, write('all.txt', 'of all ')]) as cluster:
        submitted = [cluster.submit('all.txt', name, dispy_job_depends=[write(name, 'of ' + name)])
                     for name in ('one.txt', 'two.txt')]
        for name, job in zip(('one.txt', 'two.txt'), submitted):
            equal(done(job).result, 'helped of all of %s' % name, 'result')


def help_out(content):
    return 'helped ' + content


class Point(object):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def moved(self, x):
        return Point(self.x + x, self.y)


class Grid(object):
    __slots__ = ('points',)

    def __init__(self, points):
        self.points = points

    def __getstate__(self):
        return {'points': self.points}

    def __setstate__(self, state):
        self.points = state['points']


@row('user objects')
def user_objects():
    def move(grid, x):
        import time
        time.sleep(0.05)
        return Grid([point.moved(x) for point in grid.points])

    with Cluster(move, depends=[Point, Grid]) as cluster:
        result = done(cluster.submit(Grid([Point(1, 'a'), Point(2, u'\xe4')]), x=10)).result
        equal(type(result), Grid, 'type of the result')
        equal([(point.x, point.y) for point in result.points], [(11, 'a'), (12, u'\xe4')],
              'result')


@row('exceptions')
def exceptions():
    def fail(what):
        import sys
        import time
        time.sleep(0.05)
        sys.stdout.write('so far')
        raise ValueError('bad ' + what)

    with Cluster(fail) as cluster:
        job = done(cluster.submit('number'), dispy.DispyJob.Terminated)
        if VERSION != (4, 10, 0):  # Its client leaves the result of such a job as it came.
            equal(job.result, None, 'result')
        equal(text(job.stdout), 'so far', 'stdout')
        if 'ValueError: bad number' not in text(job.exception):
            raise AssertionError('exception is %r' % job.exception)


@row('provisional results')
def provisional():
    def step(count):
        import time
        for number in range(count):
            dispy_provisional_result({'step': number})  # noqa: F821
            time.sleep(0.1)
        return 'done'

    seen = []

    def changed(job):
        if job.status == dispy.DispyJob.ProvisionalResult:
            seen.append(job.result)

    with Cluster(step, job_status=changed) as cluster:
        equal(done(cluster.submit(3)).result, 'done', 'result')
        until('three provisional results', lambda: len(seen) == 3)
        equal(sorted(each['step'] for each in seen), [0, 1, 2], 'provisional results')


def prepare(name, traces):
    global prepared
    prepared = 'prepared ' + name
    with open('%s/%s' % (traces, name), 'a') as fd:
        fd.write('setup ')
    return 0


def tidy(name, traces):
    with open('%s/%s' % (traces, name), 'a') as fd:
        fd.write('cleanup')


def tell_prepared():
    import time
    time.sleep(0.05)
    return prepared  # noqa: F821


@row('setup, cleanup')
def setup():
    name = 'setup-%s' % os.getpid()
    if VERSION < (4, 11):
        options = {'setup': functools.partial(prepare, name, TRACES), 'nodes': [ONE],
                   'cleanup': functools.partial(tidy, name, TRACES)}
    else:
        options = {'setup': prepare, 'cleanup': tidy,
                   'nodes': [dispy.NodeAllocate(ONE, setup_args=(name, TRACES))]}
    with Cluster(tell_prepared, count=1, **options) as cluster:
        for job in [cluster.submit() for _ in range(3)]:
            equal(done(job).result, 'prepared ' + name, 'result')
        equal(trace(name), 'setup ', 'trace of the setup')
    until('cleaned up', lambda: trace(name) == 'setup cleanup')


@row('cancel')
def cancel():
    with Cluster(linger, count=1, nodes=[ONE]) as cluster:
        # Nodes before 4.7 cannot end a job that sleeps.
        seconds, limit = (60, 30) if VERSION >= (4, 7) else (4, 12)
        submitted = [cluster.submit(seconds) for _ in range(6)]
        until('two jobs run', lambda: [job.status for job in submitted].count(
            dispy.DispyJob.Running) == 2)
        running = [job for job in submitted if job.status == dispy.DispyJob.Running]
        waiting = [job for job in submitted if job.status == dispy.DispyJob.Created]
        for job in waiting + running:
            equal(cluster.cancel(job), 0, 'what cancel returns')
        for job in submitted:
            if not job.finish.wait(limit):
                raise AssertionError('a cancelled job has status %s and no end' % job.status)
        equal(set(job.status for job in waiting), set([dispy.DispyJob.Cancelled]),
              'status of jobs that waited')
        ends = set([dispy.DispyJob.Cancelled, dispy.DispyJob.Terminated] +
                   ([dispy.DispyJob.Finished] if VERSION < (4, 7) else []))
        if not set(job.status for job in running) <= ends:
            raise AssertionError('running jobs ended as %s' % [job.status for job in running])
        equal(done(cluster.submit(0.05)).result, 'lingered', 'result of the next job')


@row('two clients')
def two_clients():
    other = subprocess.Popen([sys.executable] + sys.argv[:4] + ['=other'],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
    try:
        line = other.stdout.readline()
        while line and b'other is ready' not in line:
            line = other.stdout.readline()
        if not line:
            raise AssertionError('the other client has ended')
        with Cluster(answer) as cluster:
            submitted = [cluster.submit(n, seconds=0.3) for n in range(8)]
            other.stdin.write(b'go\n')
            other.stdin.flush()
            for n, job in enumerate(submitted):
                equal(done(job).result, n * 2, 'result')
        output = other.communicate()[0]
        if b'other is done' not in output:
            raise AssertionError('the other client ended so: %r' % output[-300:])
    finally:
        if other.poll() is None:
            other.kill()


def other_client():
    with Cluster(answer) as cluster:
        print('other is ready')
        sys.stdout.flush()
        sys.stdin.readline()
        for n, job in enumerate([cluster.submit(n, factor=5, seconds=0.1) for n in range(8)]):
            equal(done(job).result, n * 5, 'result')
    print('other is done')
    sys.stdout.flush()


@row('status, print_status')
def status():
    with Cluster(answer) as cluster:
        for job in [cluster.submit(n) for n in range(4)]:
            done(job)
        info = until('all is told', lambda: (lambda now: now if sum(
            node.jobs_done if hasattr(node, 'jobs_done') else 2 for node in now.nodes) >= 4
            else None)(cluster.status()))
        # The original also lists the client's own address.
        cpus = dict((node.ip_addr, node.cpus) for node in info.nodes)
        equal([cpus.get(ONE), cpus.get(TWO)], [2, 2], 'CPUs of the nodes')
        equal(info.jobs_pending, 0, 'pending jobs')
        printed = output_of(cluster.print_status)
        for node in ((ONE, 'node1'), (TWO, 'node2'), ('Total job time',)):
            if not any(each in printed for each in node):
                raise AssertionError('%s is not in %r' % (node[0], printed))


def output_of(function):
    class Output(object):
        def __init__(self):
            self.parts = []

        def write(self, part):
            self.parts.append(part)

        def flush(self):
            pass
    output, own = Output(), sys.stdout
    sys.stdout = output
    try:
        function()
    finally:
        sys.stdout = own
    return ''.join(output.parts)


@row('cluster_status')
def cluster_status():
    with Cluster(answer) as cluster:
        job = done(cluster.submit(1))
        nodes = cluster.nodes
        nodes.wait(lambda nodes: any(line[0] == dispy.DispyJob.Finished for line in nodes.log), 10)
        told = [line[0] for line in nodes.log if dispy.DispyJob.Created <= line[0] <= ENDS[-1]]
        equal(told, [dispy.DispyJob.Created, dispy.DispyJob.Running, dispy.DispyJob.Finished],
              'what was told of the job')
        equal([line[1] for line in nodes.log if line[0] == dispy.DispyJob.Finished],
              [job.ip_addr], 'the node of the job')
        equal(nodes.ready[ONE].cpus, 2, 'CPUs of a node')
        equal(nodes.ready[ONE].name, 'node1', 'name of a node')


@row('close')
def close():
    cluster = Cluster(linger)
    job = cluster.submit(0.3)
    cluster.close()
    equal(job.status, dispy.DispyJob.Finished, 'status of a job at the end')
    if VERSION < (4, 7):
        return
    cluster = Cluster(linger)
    job = cluster.submit(20)
    until('the job runs', lambda: job.status == dispy.DispyJob.Running)
    if cluster.cluster.close(timeout=0.1, terminate=False) is True:
        raise AssertionError('close did not say that jobs are left')
    start = time.time()
    cluster.cluster.close(timeout=1, terminate=True)
    if time.time() - start > 12:
        raise AssertionError('close took %s s' % (time.time() - start))
    with Cluster(linger) as cluster:
        for job in [cluster.submit(0.05) for _ in range(4)]:
            done(job)


@row('programs')
def programs():
    path = os.path.abspath(write('prog.sh', '#!/bin/sh\nsleep 0.05\necho "$1 and $2"\necho oops >&2\nexit 4\n'))
    os.chmod(path, 0o755)
    with Cluster(path) as cluster:
        for n, job in enumerate([cluster.submit(n, 'x') for n in range(3)]):
            done(job)
            equal(job.result, 4, 'exit code')
            equal(text(job.stdout), '%s and x\n' % n, 'stdout')
            equal(text(job.stderr), 'oops\n', 'stderr')


@row('submit_node')
def submit_node():
    with Cluster(linger) as cluster:
        submitted = [cluster.submit_node(TWO, 0.05) for _ in range(3)]
        submitted.append(cluster.submit_node(cluster.nodes.ready[TWO], 0.05))
        for job in submitted:
            equal(done(job).ip_addr, TWO, 'node of the job')


@row('node_jobs')
def node_jobs():
    with Cluster(linger) as cluster:
        job = cluster.submit_node(ONE, 1)
        until('the job runs', lambda: job.status == dispy.DispyJob.Running)
        equal(cluster.node_jobs(ONE), [job], 'node_jobs by the scheduler')
        equal(cluster.node_jobs(TWO), [], 'node_jobs of an idle node')
        done(job)


@row('node_jobs(from_node=True)')
def node_jobs_from_node():
    with Cluster(linger) as cluster:
        job = cluster.submit_node(ONE, 1)
        until('the job runs', lambda: job.status == dispy.DispyJob.Running)
        equal(cluster.node_jobs(ONE, from_node=True), [job], 'node_jobs by the node')
        equal(cluster.node_jobs(TWO, from_node=True), [], 'node_jobs of an idle node')
        done(job)


@row('set_node_cpus')
def set_node_cpus():
    with Cluster(linger, count=1, nodes=[ONE]) as cluster:
        for cpus in (1, 2):
            cluster.set_node_cpus(ONE, cpus)
            submitted = [cluster.submit(0.4) for _ in range(2)]
            first, second = sorted((done(job) for job in submitted),
                                   key=lambda job: job.start_time)
            equal(1 if second.start_time >= first.end_time else 2, cpus, 'jobs at once')


@row('allocate, deallocate, close_node')
def allocate():
    with Cluster(answer, count=1, nodes=[ONE]) as cluster:
        equal(cluster.allocate_node(TWO), 0, 'what allocate_node returns')
        cluster.nodes.wait_for(2, 10)
        equal(done(cluster.submit_node(TWO, 1)).result, 2, 'result')
        if VERSION < (4, 8):
            return
        equal(cluster.deallocate_node(TWO), 0, 'what deallocate_node returns')
        for job in [cluster.submit(n) for n in range(5)]:
            equal(done(job).ip_addr, ONE, 'node of a job after deallocate_node')
        cluster.close_node(TWO)
        cluster.nodes.wait(lambda nodes: TWO not in nodes.ready, 10)


@row('files to nodes')
def files_there():
    def read(name):
        import time
        time.sleep(0.05)
        with open(name) as fd:
            return fd.read()

    with Cluster(read) as cluster:
        path = write('sent.txt', 'content ' * 50000)
        for node in (ONE, cluster.nodes.ready[TWO]):
            equal(cluster.send_file(path, node), 0, 'what send_file returns')
        for node in (ONE, TWO):
            equal(done(cluster.submit_node(node, 'sent.txt')).result, 'content ' * 50000,
                  'result')


@row('files to clients')
def files_back():
    def make(name, size):
        import time
        time.sleep(0.05)
        with open(name, 'w') as fd:
            fd.write('x' * size)
        return dispy_send_file(name)  # noqa: F821

    with Cluster(make) as cluster:
        sizes = [0, 10, 300000]
        submitted = [cluster.submit('back-%s.txt' % size, size) for size in sizes]
        for size, job in zip(sizes, submitted):
            equal(done(job).result, 0, 'what dispy_send_file returns')
            with open('back-%s.txt' % size) as fd:
                equal(len(fd.read()), size, 'size of the file')


@row('NodeAllocate')
def node_allocate():
    with Cluster(answer, count=1, nodes=[dispy.NodeAllocate(ONE, cpus=1)]) as cluster:
        submitted = [cluster.submit(n, seconds=0.2) for n in range(3)]
        for job in submitted:
            equal(done(job).ip_addr, ONE, 'node of a job')
        for first, second in zip(submitted, submitted[1:]):
            if second.start_time < first.end_time:
                raise AssertionError('two jobs ran at once on one CPU')

    if VERSION < (4, 11):
        return

    def read_own():
        import time
        time.sleep(0.05)
        with open('own.txt') as fd:
            return fd.read()

    own = dispy.NodeAllocate(TWO, depends=[write('own.txt', 'of two')])
    with Cluster(read_own, count=1, nodes=[own]) as cluster:
        equal(done(cluster.submit()).result, 'of two', 'result')


@row('news of nodes (AvailInfo)')
def avail_info():
    with Cluster(linger) as cluster:
        job = cluster.submit(2)
        cluster.nodes.wait(lambda nodes: any(line[0] == dispy.DispyNode.AvailInfo
                                             for line in nodes.log), 12)
        equal(done(job).result, 'lingered', 'result')


@row('restart of the scheduler')
def restart():
    with Cluster(linger, count=1, nodes=[ONE]) as cluster:
        path = os.path.join(TRACES, 'restart')
        submitted = [cluster.submit(1.5, path) for _ in range(4)]
        until('jobs run', lambda: trace('restart').count('run') >= 2)
        peer.emit('kill', what='scheduler')
        for job in submitted:
            equal(done(job).result, 'lingered', 'result')
        equal(trace('restart').count('run'), 4, 'runs')


@row('pulses')
def pulses():
    with Cluster(linger, reentrant=True) as cluster:
        path = os.path.join(TRACES, 'pulses')
        submitted = [cluster.submit(1.5, path) for _ in range(4)]
        until('jobs run', lambda: trace('pulses').count('run') == 4)
        peer.emit('kill', what='node')
        for job in submitted:
            equal(done(job).result, 'lingered', 'result')
        equal(trace('pulses').count('run'), 6, 'runs')
        cluster.nodes.wait(lambda nodes: TWO not in nodes.ready, 15)


@row('secrets')
@row('TLS')
def secured():
    options = dict((name, os.environ['LAB_' + name.upper()])
                   for name in ('secret', 'certfile', 'keyfile')
                   if 'LAB_' + name.upper() in os.environ)
    seen = []

    def changed(job):
        if job.status == dispy.DispyJob.ProvisionalResult:
            seen.append(job.result)

    def secret_job(name):
        import time
        time.sleep(0.05)
        with open(name) as fd:
            content = fd.read()
        dispy_provisional_result(len(content))  # noqa: F821
        with open('back.txt', 'w') as fd:
            fd.write(content * 2)
        return dispy_send_file('back.txt')  # noqa: F821

    with Cluster(secret_job, job_status=changed, depends=[write('in.txt', 'in')],
                 **options) as cluster:
        for job in [cluster.submit('in.txt') for _ in range(4)]:
            equal(done(job).result, 0, 'what dispy_send_file returns')
        until('provisional results', lambda: len(seen) == 4)
        with open('back.txt') as fd:
            equal(fd.read(), 'inin', 'file that came back')
        info = cluster.status()
        if info is not None:
            equal(info.jobs_pending, 0, 'pending jobs')


def play(name):
    problem = []

    def run():
        try:
            ROWS[name]()
        except BaseException as error:
            peer.emit('trace', row=name, text=traceback.format_exc())
            problem.append('%s: %s' % (type(error).__name__, error))

    start = time.time()
    thread = threading.Thread(target=run)
    thread.daemon = True
    thread.start()
    thread.join(LIMIT_S)
    seconds = round(time.time() - start, 2)
    if thread.is_alive():
        frame = sys._current_frames().get(thread.ident)
        peer.emit('trace', row=name, text=''.join(traceback.format_stack(frame)))
        problem.append('no end')
    peer.emit('row', row=name, problem=problem[0] if problem else None, seconds=seconds)
    if problem:
        leave(3)


def leave(code):
    """Ends at once: dispy waits at exit for clusters that are not closed."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == '__main__':
    if sys.argv[4:] == ['=other']:
        other_client()
        leave(0)
    for each in sys.argv[4:]:
        play(each)
    leave(0)
