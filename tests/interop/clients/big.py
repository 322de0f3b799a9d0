"""Arguments and results of 50 MB."""

import hashlib
import os

import peer

SIZE = 50 * 1024 * 1024


def grown(data):
    import hashlib
    import time
    time.sleep(0.03)
    return hashlib.sha256(data).hexdigest(), data[::-1]


cluster = peer.cluster(grown)
block = os.urandom(1024 * 1024)
data = block * (SIZE // len(block))
job = cluster.submit(data)
job()
if job.result:
    digest, back = job.result
    peer.emit('job', arrived=digest == hashlib.sha256(data).hexdigest(),
              size=len(back), back=back == data[::-1])
else:
    peer.emit('failed', **peer.described(job))
cluster.close()
