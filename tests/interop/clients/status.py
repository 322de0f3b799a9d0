"""Tells every call of the cluster_status and job_status callbacks, in order."""

import peer


def work(number):
    import time
    time.sleep(0.2)
    if number == 3:
        raise KeyError('no')
    return number


def job_done(job):
    peer.emit('job_status', status=job.status, job=job.id, node=job.ip_addr, result=job.result)


nodes = peer.Nodes(report=True)
cluster = peer.cluster(work, cluster_status=nodes.status, job_status=job_done)
nodes.wait_for(2)
jobs = [cluster.submit(number) for number in range(6)]
cluster.wait()
nodes.wait(lambda nodes: len([s for s, _, _ in nodes.log if s in (9, 11)]) == 6)
peer.emit('jobs', ids=[job.id for job in jobs], times=[[job.start_time, job.end_time]
                                                       for job in jobs])
cluster.close()
