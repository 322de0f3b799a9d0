"""Runs a batch of jobs each time the test says go, on one cluster; tells its nodes' status."""

import sys

import peer


def work(number, seconds):
    import time
    time.sleep(seconds)
    return [dispy_node_ip_addr, number]  # noqa: F821


reentrant = sys.argv[1] == 'reentrant'
nodes = peer.Nodes(report=True)
cluster = peer.cluster(work, cluster_status=nodes.status, reentrant=reentrant)
count, seconds = int(sys.argv[2]), float(sys.argv[3])
for line in sys.stdin:
    if line.strip() != 'go':
        break
    jobs = [cluster.submit(number, seconds) for number in range(count)]
    peer.emit('submitted')
    for job in jobs:
        job()
        peer.emit('job', **peer.described(job))
    peer.emit('batch')
cluster.close()
