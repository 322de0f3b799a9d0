"""A program job that leaves a process behind which shows nothing of where it is from.

escape.py seconds: how long that would sleep.
"""

import os
import sys

import peer

with open('escape.sh', 'w') as fd:
    fd.write('#!/bin/sh\nsetsid env -i /bin/sh -c "sleep $1 & sleep 0.1" >/dev/null 2>&1\n')
os.chmod('escape.sh', 0o755)
cluster = peer.cluster('escape.sh')
job = cluster.submit(sys.argv[1])
job()
peer.emit('job', status=job.status)
peer.wait_for_go()
cluster.close()
