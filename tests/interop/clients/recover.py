"""Fetches the results of a client that is gone, as its users do after a crash."""

import sys

import peer
import dispy

dispy.logger.setLevel(dispy.logger.DEBUG)
for job in dispy.recover_jobs(sys.argv[1], timeout=60):
    size = len(job.result) if isinstance(job.result, bytes) else None
    peer.emit('job', status=job.status, size=size, node=job.ip_addr)
peer.emit('recovered')
