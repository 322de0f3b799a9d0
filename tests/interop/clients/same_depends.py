"""Many jobs at once that all bring the same file."""

import peer


def read(number):
    import time
    time.sleep(0.05)
    with open('shared.txt') as fd:
        return [number, fd.read()]


with open('shared.txt', 'w') as fd:
    fd.write('shared text')

cluster = peer.cluster(read)
jobs = [cluster.submit(number, dispy_job_depends=['shared.txt']) for number in range(12)]
for job in jobs:
    job()
    peer.emit('job', **peer.described(job))
cluster.close()
