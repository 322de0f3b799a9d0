"""Fetches the results of a client that is gone, as its users do after a crash."""

import shelve
import sys

import peer
import dispy

dispy.logger.setLevel(dispy.logger.DEBUG)
# This dispy writes the addresses under one name and reads them under another.
with shelve.open(sys.argv[1]) as noted:
    info = noted['_cluster']
    info.setdefault('ip_addrs', info.get('hosts'))
    noted['_cluster'] = info
for job in dispy.recover_jobs(sys.argv[1], timeout=60):
    size = len(job.result) if isinstance(job.result, bytes) else None
    peer.emit('job', status=job.status, size=size, node=job.ip_addr)
peer.emit('recovered')
