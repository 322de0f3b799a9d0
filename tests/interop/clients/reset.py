"""A JobCluster of dispy's own has a node set up a second time.

Its argument is a folder for the traces of setup and cleanup.
"""

import os
import sys

import dispy
import peer

NODE = '127.0.0.2'


def prepare(traces):
    global count
    import os
    count = len(os.listdir(traces))
    open('%s/setup-%s' % (traces, count), 'w').close()
    return 0


def tidy(traces):
    open('%s/cleanup-%s' % (traces, count), 'w').close()  # noqa: F821


def work(number):
    import time
    time.sleep(0.05)
    return [number, count]  # noqa: F821


nodes = peer.Nodes(report=True)
cluster = dispy.JobCluster(work, host=peer.OWN_ADDRESS, loglevel=dispy.logger.DEBUG,
                           setup=prepare, cleanup=tidy, cluster_status=nodes.status,
                           nodes=[dispy.NodeAllocate(NODE, setup_args=(sys.argv[1],))])
nodes.wait_for(1)


def run():
    jobs = [cluster.submit_node(NODE, number) for number in range(2)]
    peer.wait_all(jobs)
    peer.emit('results', values=[job.result for job in jobs], made=sorted(os.listdir(sys.argv[1])))


run()
before = len(nodes.log)
peer.emit('reset', answer=cluster.resetup_node(NODE))
nodes.wait(lambda nodes: dispy.DispyNode.Initialized in [event[0] for event in nodes.log[before:]])
run()
cluster.close()
