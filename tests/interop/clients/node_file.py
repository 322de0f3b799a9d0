"""A file of one node's own: NodeAllocate(depends=…)."""

import dispy
import peer


def work():
    import os
    import time
    time.sleep(0.03)
    return [dispy_node_ip_addr, sorted(n for n in os.listdir('.')  # noqa: F821
                                       if n.startswith('only-'))]


for name in ('only-2.txt', 'only-3.txt'):
    with open(name, 'w') as fd:
        fd.write(name)
nodes = peer.Nodes()
cluster = peer.cluster(work, cluster_status=nodes.status, nodes=[
    dispy.NodeAllocate('127.0.0.2', depends=['only-2.txt']),
    dispy.NodeAllocate('127.0.0.3', depends=['only-3.txt'])])
nodes.wait_for(2)
for address in ('127.0.0.2', '127.0.0.3'):
    job = cluster.submit_node(address)
    job()
    peer.emit('job', **peer.described(job))
cluster.close()
