"""Controls nodes while jobs run; what it does is its first argument."""

import sys

import dispy
import peer


def work(number, seconds):
    import time
    start = time.time()
    time.sleep(seconds)
    return {'tag': 'a', 'number': number, 'node': dispy_node_ip_addr,  # noqa: F821
            'start': start, 'end': time.time()}


FIRST, SECOND = '127.0.0.2', '127.0.0.3'


def run(cluster, count, seconds=0.1):
    jobs = [cluster.submit(number, seconds) for number in range(count)]
    for job in jobs:
        job()
        peer.emit('job', **peer.described(job))


def node_jobs(from_node):
    nodes = peer.Nodes()
    cluster = peer.cluster(work, cluster_status=nodes.status)
    nodes.wait_for(2)
    peer.emit('none', jobs=cluster.node_jobs(FIRST, from_node=from_node))
    jobs = [cluster.submit_node(FIRST, number, 2) for number in range(2)]
    other = cluster.submit_node(SECOND, 9, 2)
    nodes.wait(lambda nodes: len([s for s, _, _ in nodes.log if s == 6]) == 3)
    found = cluster.node_jobs(FIRST, from_node=from_node)
    peer.emit('found', same=sorted(job.id for job in found) == sorted(job.id for job in jobs),
              count=len(found))
    found = cluster.node_jobs(nodes.ready[SECOND], from_node=from_node)
    peer.emit('found', same=[job.id for job in found] == [other.id], count=len(found))
    for job in jobs + [other]:
        cluster.cancel(job)
    for job in jobs + [other]:
        job()
    cluster.close()


def allocate():
    nodes = peer.Nodes()
    cluster = peer.cluster(work, nodes=[FIRST], cluster_status=nodes.status)
    nodes.wait_for(1)
    run(cluster, 8)
    peer.emit('allocated', result=cluster.allocate_node(dispy.NodeAllocate(SECOND)))
    nodes.wait_for(2)
    run(cluster, 12)
    cluster.close()


def deallocate():
    nodes = peer.Nodes()
    cluster = peer.cluster(work, cluster_status=nodes.status)
    nodes.wait_for(2)
    run(cluster, 8)
    peer.emit('deallocated', result=cluster.deallocate_node(FIRST))
    run(cluster, 8)
    peer.emit('allocated', result=cluster.allocate_node(FIRST))
    run(cluster, 12)
    cluster.close()


def close_node():
    nodes = peer.Nodes()
    cluster = peer.cluster(work, cluster_status=nodes.status)
    nodes.wait_for(2)
    run(cluster, 8)
    peer.emit('closed', result=cluster.close_node(FIRST))
    run(cluster, 8)
    peer.emit('unknown', result=cluster.close_node('127.0.0.99'))
    cluster.close()


def set_node_cpus():
    nodes = peer.Nodes()
    cluster = peer.cluster(work, nodes=[FIRST], cluster_status=nodes.status)
    nodes.wait_for(1)
    peer.emit('set', result=cluster.set_node_cpus(FIRST, 1))
    run(cluster, 6)
    peer.emit('set', result=cluster.set_node_cpus(FIRST, 2))
    run(cluster, 8)
    cluster.close()


if sys.argv[1] == 'node_jobs':
    node_jobs(from_node=False)
elif sys.argv[1] == 'node_jobs_from_node':
    node_jobs(from_node=True)
else:
    {'allocate': allocate, 'deallocate': deallocate, 'close_node': close_node,
     'set_node_cpus': set_node_cpus}[sys.argv[1]]()
