"""setup and cleanup with arguments of each node's own; in two stages where the test says so:
with the first node, then, once the test says go, with both."""

import sys

import dispy
import peer


def prepare(name, trace):
    global prepared, counter
    prepared = 'prepared for ' + name
    counter = [0]
    with open(trace, 'a') as fd:
        fd.write('setup %s\n' % name)
    return 0


def tidy(name, trace):
    with open(trace, 'a') as fd:
        fd.write('cleanup %s\n' % name)


def work(number):
    import time
    time.sleep(0.05)
    return [dispy_node_ip_addr, prepared]  # noqa: F821


trace = sys.argv[1]
nodes = peer.Nodes()
allocations = [dispy.NodeAllocate('127.0.0.%d' % n, setup_args=('n%d' % n, '%s-%d' % (trace, n)))
               for n in (2, 3)]
cluster = peer.cluster(work, nodes=allocations, setup=prepare, cleanup=tidy,
                       cluster_status=nodes.status)
for stage in ([1, 2] if 'stages' in sys.argv else [2]):
    nodes.wait_for(stage)
    jobs = [cluster.submit(number) for number in range(12)]
    for job in jobs:
        job()
        peer.emit('job', **peer.described(job))
    if stage == 1:
        peer.wait_for_go()
cluster.close()
