"""Jobs that are cancelled, pinned, refused; which of these is its first argument."""

import sys
import threading
import time

import dispy
import peer
import pycos

FIRST, SECOND = '127.0.0.2', '127.0.0.3'


def work(number, seconds):
    import time
    time.sleep(seconds)
    return [number, dispy_node_ip_addr]  # noqa: F821


def report(jobs):
    for job in jobs:
        if not job.finish.wait(30):
            peer.emit('unfinished', status=job.status)
        else:
            peer.emit('job', **peer.described(job))


def cancel_at_once():
    """Cancels jobs while they are on their way to the node."""
    cluster = peer.cluster(work)
    report([cluster.submit(0, 0.05)])
    cancelled = []
    for number in range(8):
        cancelled.append(cluster.submit(number, 60))
        time.sleep(0.004 * number)
        cluster.cancel(cancelled[-1])
    more = [cluster.submit(number, 60) for number in range(30)]
    threads = [threading.Thread(target=cluster.cancel, args=(job,)) for job in more]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report(cancelled + more)
    peer.emit('cancelled')
    report([cluster.submit(number, 0.05) for number in range(6)])
    peer.emit('running', uids=[len(cluster.node_jobs(FIRST, from_node=True))])
    cluster.close()


def pinned():
    """A job for a busy node waits for it, though another node is idle."""
    nodes = peer.Nodes()
    cluster = peer.cluster(work, nodes=[FIRST, SECOND], cluster_status=nodes.status)
    nodes.wait_for(2)
    first = cluster.submit_node(FIRST, 0, 1)
    report([first, cluster.submit_node(nodes.ready[FIRST], 1, 0.05)])
    # The client's mark for a job that is not taken.
    peer.emit('nowhere', job=cluster.submit_node('127.0.0.99', 2, 0.05))
    cluster.close()


def not_allocated():
    """Its list names one node; another one there is not for it."""
    nodes = peer.Nodes()
    cluster = peer.cluster(work, nodes=[FIRST], cluster_status=nodes.status)
    nodes.wait_for(1)
    peer.emit('not allocated', job=cluster.submit_node(SECOND, 0, 0.05))
    report([cluster.submit_node(FIRST, 1, 0.05)])
    cluster.close()


def pinned_to_dead():
    """The test kills the node while one job runs there and another waits for it."""
    nodes = peer.Nodes(report=True)
    cluster = peer.cluster(work, cluster_status=nodes.status, reentrant=True)
    nodes.wait_for(2)
    jobs = [cluster.submit_node(FIRST, number, 120) for number in range(2)]
    peer.wait_for_go()
    report(jobs)
    report([cluster.submit(2, 0.05)])
    peer.emit('gone', job=cluster.submit_node(FIRST, 3, 0.05))
    cluster.close()


def not_confirmed():
    """The client says NAK once it is told its job's uid: it wants it forgotten."""
    cluster = peer.cluster(mark)
    path = sys.argv[2]
    record = dispy._DispyJob_(cluster._compute.id, None, (path, 'forgotten'), {})
    request = {'node': None, 'job': record, 'auth': cluster._compute.auth}
    uid = pycos.deserialize(peer.ask(cluster, 'JOB:', request, then=b'NAK'))
    hung_up = pycos.deserialize(peer.ask(cluster, 'JOB:', request))
    peer.emit('uids', given=[uid > 0, hung_up > 0, uid != hung_up])
    report([cluster.submit(path, 'wanted')])
    cluster.close()


def mark(path, text):
    import time
    with open(path, 'a') as fd:
        fd.write(text + '\n')
    time.sleep(0.3)
    return text


class Shape(object):
    def __init__(self, side):
        self.side = side

    def area(self):
        return scaled(self.side * self.side)  # noqa: F821


def classes():
    """Jobs bring classes and functions that need each other, different ones under one name."""
    def scaled(value):
        return 10 * value
    tens = {'dispy_job_depends': [Shape, scaled]}

    def measure(side):
        import time
        time.sleep(0.05)
        return Shape(side).area()

    def by_hundred():
        def scaled(value):
            return 100 * value
        return scaled
    hundreds = {'dispy_job_depends': [by_hundred(), Shape]}
    cluster = peer.cluster(measure)
    report([cluster.submit(number, **(tens if number % 2 else hundreds)) for number in range(6)])
    report([cluster.submit(7)])
    cluster.close()


def paused():
    """Runs a batch of jobs each time the test says go; the node may change in between."""
    nodes = peer.Nodes(report=True)
    cluster = peer.cluster(work, cluster_status=nodes.status)
    nodes.wait_for(1)
    for line in sys.stdin:
        if line.strip() != 'go':
            break
        report([cluster.submit(number, 0.5) for number in range(4)])
        peer.emit('batch')
    cluster.close()


def prepare(how):
    import time
    if how == 'raise':
        raise ValueError('setup says no')
    if how == 'hang':
        time.sleep(1000)
    return 7 if how == 'return' else 0


def setup_fails():
    """The first node's setup fails in the way of the second argument, the other's does not."""
    nodes = peer.Nodes(report=True)
    allocations = [dispy.NodeAllocate(FIRST, setup_args=(sys.argv[2],)),
                   dispy.NodeAllocate(SECOND, setup_args=('good',))]
    cluster = peer.cluster(work, nodes=allocations, setup=prepare, cluster_status=nodes.status)
    nodes.wait_for(1)
    pinned = cluster.submit_node(FIRST, 0, 0.05)
    report([cluster.submit(number, 0.05) for number in range(6)])
    peer.emit('others')
    if pinned is not None:
        report([pinned])
    peer.emit('again', job=cluster.submit_node(FIRST, 0, 0.05))
    cluster.close()


{'cancel_at_once': cancel_at_once, 'pinned': pinned, 'not_allocated': not_allocated,
 'pinned_to_dead': pinned_to_dead, 'not_confirmed': not_confirmed, 'classes': classes,
 'paused': paused, 'setup_fails': setup_fails}[sys.argv[1]]()
