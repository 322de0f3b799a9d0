"""A client with a JobCluster of its own that has a node do nothing but refuse it."""

import time

import dispy
import peer


def work(number):
    return number


cluster = dispy.JobCluster(work, nodes=['127.0.0.2'], host=peer.OWN_ADDRESS,
                           loglevel=dispy.logger.DEBUG)
job = cluster.submit(1)
peer.emit('submitted')
peer.wait_for_go()
peer.emit('job', status=job.status)
cluster.cancel(job)
cluster.close(terminate=True, timeout=1)
