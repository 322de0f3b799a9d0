"""print_status, status, wait, close, `with`, and a second computation in the same program."""

import os

import dispy
import peer


def first(number, gate):
    import os
    import time
    while not os.path.exists(gate):
        time.sleep(0.02)
    time.sleep(0.1)
    return number + 1


def second(number):
    import time
    time.sleep(0.05)
    return number * 2


# The jobs of the first cluster end once there is this file.
GATE = os.path.abspath('gate')
nodes = peer.Nodes()
cluster = peer.cluster(first, cluster_status=nodes.status)
nodes.wait_for(2)
jobs = [cluster.submit(number, GATE) for number in range(8)]
peer.emit('pending', jobs=cluster.status().jobs_pending, waited=cluster.wait(timeout=0.01))
open(GATE, 'w').close()
peer.emit('waited', waited=cluster.wait(), results=[job.result for job in jobs])
nodes.wait(lambda nodes: len([s for s, _, _ in nodes.log if s == 11]) == 8)
info = cluster.status()
peer.emit('status', jobs=info.jobs_pending,
          nodes=sorted([node.ip_addr, node.name, node.cpus, node.busy] for node in info.nodes),
          done=sum(node.jobs_done for node in info.nodes))
cluster.print_status()
peer.emit('closed', closed=cluster.close())

with peer.cluster(second) as cluster:
    jobs = [cluster.submit(number) for number in range(4)]
    peer.emit('second', results=[job() for job in jobs])
peer.emit('left')

one = peer.cluster(first)
two = peer.cluster(second)
jobs = [one.submit(10, GATE), two.submit(10)]
peer.emit('both', results=[job() for job in jobs])
two.close()
one.close()
