"""A client with a JobCluster of its own that goes away in the middle of its jobs, for the next.

With "leave": submits jobs, and waits to be killed. With "recover": fetches what its predecessor
in this folder has left with the node.
"""

import shelve
import sys

import dispy
import peer

NODE = '127.0.0.2'


def work(number, seconds):
    import time
    time.sleep(seconds)
    return number * 10


if sys.argv[1] == 'leave':
    nodes = peer.Nodes(report=True)
    cluster = dispy.JobCluster(work, nodes=[NODE], host=peer.OWN_ADDRESS, cluster_status=nodes.status,
                               recover_file='recover', loglevel=dispy.logger.DEBUG,
                               reentrant=False)
    nodes.wait_for(1)
    jobs = [cluster.submit(number, 1.5) for number in range(2)]
    peer.emit('submitted')
    peer.wait_for_go()
else:
    # dispy 4.15 looks for a note that it writes with a SharedJobCluster only.
    with shelve.open(sys.argv[2] + '/recover') as shelf:
        noted = shelf['_cluster']
        noted['ip_addrs'] = noted['hosts']
        shelf['_cluster'] = noted
    jobs = dispy.recover_jobs(sys.argv[2] + '/recover')
    peer.emit('recovered', results=sorted(job.result for job in jobs),
              statuses=[job.status for job in jobs])
