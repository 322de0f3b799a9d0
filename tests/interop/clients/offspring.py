"""Jobs that have children, of which one has left its job's session; the test does with them what it
likes.

The first argument is "function" or "program": what the jobs are; the second what the job does once
its children run: "sleep", "return", "ignore" (being told to end), or "eat" (memory).
Process ids are lines of the file `pids` in the folder `LAB_TRACES` of the environment.
"""

import os
import sys

import dispy
import peer

KIND, THEN = sys.argv[1:3]

PROGRAM = '''#!/usr/bin/env python3
import os
import signal
import subprocess
import sys
import time


def spread(pids, then):
    if then == 'ignore':
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    plain = subprocess.Popen(['sleep', '1000'])
    escaped = subprocess.run(['sh', '-c', 'setsid sleep 1000 >/dev/null 2>&1 & echo $!'],
                             stdout=subprocess.PIPE).stdout
    with open(pids, 'a') as fd:
        fd.write('%s\\n%s\\n%s\\n' % (os.getpid(), plain.pid, int(escaped)))
    if then == 'return':
        return 'returned'
    eaten = []
    while True:
        if then == 'eat':
            eaten.append(bytearray(os.urandom(1 << 20)) * 16)
        time.sleep(0.05)


if __name__ == '__main__' and len(sys.argv) == 3:
    spread(*sys.argv[1:])
'''

pids = os.environ['LAB_TRACES'] + '/pids'
with open('spread.py', 'w') as fd:
    fd.write(PROGRAM)
nodes = peer.Nodes(report=True)
options = {'cluster_status': nodes.status, 'reentrant': THEN == 'sleep'}
if KIND == 'program':
    cluster = peer.cluster(os.path.abspath('spread.py'), **options)
else:
    sys.path.insert(0, os.getcwd())
    import spread as module
    cluster = peer.cluster(module.spread, depends=[module], **options)
job = cluster.submit(pids, THEN)
peer.emit('submitted')
if THEN == 'return':
    peer.wait_all([job])
elif THEN == 'sleep' or THEN == 'ignore':
    peer.wait_for_go()
    peer.emit('cancel', answer=cluster.cancel(job))
job.finish.wait(60)
for name in ('stdout', 'stderr'):
    if isinstance(getattr(job, name), bytes):
        setattr(job, name, getattr(job, name).decode())
peer.emit('job', **peer.described(job))
cluster.close()
