"""A client of the chaos run: submits short jobs without end, and keeps a ledger of each.

Its argument is a JSON object; see `cluster.ts`. The ledger has a line for each thing that happens:

    a ATTEMPT UID       the job was accepted, and is called so in the logs of all others
    n ATTEMPT           it was not: the scheduler could not be reached
    o ATTEMPT STATUS R  its outcome; R is `right` or `wrong` for its result, `none` without one,
                        `race` where dispynode has lost a job of its own (see ledger.ts)

Each attempt to submit is a job of its own, so that nothing is guessed about one that failed. When
told to stop, the client waits for all outcomes and says how many there are; told to give up, it
says which are missing.
"""

import json
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'clients'))

import dispy  # noqa: E402
import peer  # noqa: E402


def work(attempt, seconds, path, size):
    import os
    import time
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, ('x %s %s\n' % (attempt, dispy_node_ip_addr)).encode())  # noqa: F821
    os.close(fd)
    time.sleep(seconds)
    return [attempt, attempt * 7919 % 1000003, 'x' * size]


options = json.loads(sys.argv[1])
size = options['resultBytes']
ledger = open(options['ledger'], 'a', buffering=1)
changed = threading.Condition()
waiting, accepted = set(), 0
# Outcomes may come before the client's own call has returned.
early = set()
is_over, has_given_up = False, False


def ended(job):
    if job.status == dispy.DispyJob.ProvisionalResult:
        return
    attempt = job.id
    result = 'none'
    if job.status == dispy.DispyJob.Finished:
        right = job.result == [attempt, attempt * 7919 % 1000003, 'x' * size]
        result = 'right' if right else 'wrong'
    elif "has no attribute 'pid'" in (job.exception or ''):
        result = 'race'
    with changed:
        ledger.write('o %s %s %s\n' % (attempt, job.status, result))
        if attempt in waiting:
            waiting.discard(attempt)
        else:
            early.add(attempt)
        changed.notify_all()


def listen():
    """Does what the run says."""
    global is_over, has_given_up
    for line in sys.stdin:
        with changed:
            is_over = True
            has_given_up = line.strip() != 'stop'
            changed.notify_all()


def submit(attempt, chance):
    """Submits one job; tells whether it was accepted."""
    global accepted
    seconds = chance.uniform(options['shortestS'], options['longestS'])
    job = cluster.submit_job_id(attempt, attempt, seconds, options['executions'], size)
    with changed:
        if job is None:
            ledger.write('n %s\n' % attempt)
            return False
        # A job that is done already has no uid any more.
        ledger.write('a %s %s\n' % (attempt, getattr(job._dispy_job_, 'uid', 'done')))
        accepted += 1
        if attempt in early:
            early.discard(attempt)
        else:
            waiting.add(attempt)
    return True


cluster = peer.cluster(work, job_status=ended, reentrant=options['reentrant'],
                       loglevel=dispy.logger.WARNING)
peer.emit('created')
threading.Thread(target=listen, daemon=True).start()
chance, attempt, told = random.Random(options['seed']), 0, 0
while not is_over:
    with changed:
        while len(waiting) >= options['window'] and not is_over:
            changed.wait(1)
    if is_over:
        break
    attempt += 1
    if not submit(attempt, chance):
        time.sleep(0.2)
    if time.time() - told > 1:
        told = time.time()
        peer.emit('progress', accepted=accepted, waiting=len(waiting))
with changed:
    while waiting and not has_given_up:
        changed.wait(1)
        peer.emit('progress', accepted=accepted, waiting=len(waiting))
peer.emit('end', accepted=accepted, missing=sorted(waiting))
if not waiting:
    cluster.close(timeout=5, terminate=True)
    peer.emit('closed')
ledger.close()
# Jobs that dispy itself is still waiting for, after a submission that broke off, keep nobody here.
os._exit(0)
