"""Program jobs: a shell script with arguments.

program.py [folder]: below the working directory, in which the script is.
"""

import os
import sys
import peer

path = os.path.join(*sys.argv[1:] + ['prog.sh'])
if os.path.dirname(path):
    os.makedirs(os.path.dirname(path))
with open(path, 'w') as fd:
    fd.write('#!/bin/sh\nsleep 0.05\necho "args: $1|$2"\necho "oops" >&2\nexit "$3"\n')
os.chmod(path, 0o755)

cluster = peer.cluster(path if len(sys.argv) > 1 else os.path.abspath(path))
jobs = [cluster.submit('one', 'two words', code) for code in (0, 3)]
for job in jobs:
    job()
    peer.emit('job', **dict(peer.described(job), stdout=job.stdout.decode(),
                            stderr=job.stderr.decode()))
cluster.close()
