"""A job that is told to end, and what it does in its last moments: the first argument says what.

"return", "send" (a file and a provisional result), "raise", or "program" (which traps the signal).
"""

import os
import sys

import dispy
import peer

THEN = sys.argv[1]

PROGRAM = '''#!/bin/sh
trap 'echo saved; exit 0' INT
: > "$1"
while :; do sleep 0.05; done
'''


def work(begun, then):
    import time
    try:
        open(begun, 'w').close()
        while True:
            time.sleep(0.05)
    except KeyboardInterrupt:
        time.sleep(0.3)  # longer than it takes to look whether it still runs
    if then == 'raise':
        raise ValueError('cannot save')
    if then == 'send':
        with open('state.txt', 'w') as fd:
            fd.write('state')
        return [dispy_send_file('state.txt'),  # noqa: F821
                dispy_provisional_result('last guess')]  # noqa: F821
    return 'best so far'


if __name__ == '__main__':
    nodes = peer.Nodes()
    begun = os.path.join(os.environ['LAB_TRACES'], 'begun')

    def job_status(job):
        if job.status == dispy.DispyJob.ProvisionalResult:
            peer.emit('provisional', result=job.result)

    options = {'cluster_status': nodes.status, 'job_status': job_status}
    if THEN == 'program':
        with open('trap.sh', 'w') as fd:
            fd.write(PROGRAM)
        os.chmod('trap.sh', 0o755)
        cluster = peer.cluster(os.path.abspath('trap.sh'), **options)
        job = cluster.submit(begun)
    else:
        cluster = peer.cluster(work, **options)
        job = cluster.submit(begun, THEN)
    peer.wait_for_go()
    if len(sys.argv) < 3:
        peer.emit('cancel', answer=cluster.cancel(job))
    if not job.finish.wait(40):
        raise Exception('the job does not end')
    for name in ('stdout', 'stderr'):
        if isinstance(getattr(job, name), bytes):
            setattr(job, name, getattr(job, name).decode())
    peer.emit('job', file=os.path.exists('state.txt'), **peer.described(job))
    cluster.close()
