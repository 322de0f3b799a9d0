"""Program jobs: a shell script with arguments."""

import os
import peer

with open('prog.sh', 'w') as fd:
    fd.write('#!/bin/sh\nsleep 0.05\necho "args: $1|$2"\necho "oops" >&2\nexit "$3"\n')
os.chmod('prog.sh', 0o755)

cluster = peer.cluster(os.path.abspath('prog.sh'))
jobs = [cluster.submit('one', 'two words', code) for code in (0, 3)]
for job in jobs:
    job()
    peer.emit('job', **dict(peer.described(job), stdout=job.stdout.decode(),
                            stderr=job.stderr.decode()))
cluster.close()
