"""Provisional results, sent to the client directly or through the scheduler."""

import sys

import peer


def improving(relay):
    import time
    sent = []
    for step in range(3):
        time.sleep(0.1)
        sent.append(dispy_provisional_result(['step', step], relay=relay))  # noqa: F821
    time.sleep(0.1)
    return ['sent', sent]


def job_changed(job):
    peer.emit('job_status', status=job.status, result=job.result)


relay = sys.argv[1] == 'relay'
cluster = peer.cluster(improving, job_status=job_changed)
job = cluster.submit(relay)
cluster.wait()
cluster._cluster.worker_Q.join()
peer.emit('job', **peer.described(job))
cluster.close()
