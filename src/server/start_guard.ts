/**
 * Python code that goes with each job to dispynode, so that a job that ends at once does not break
 * the node.
 *
 * dispynode forks a process for each job, and notes it only after that: first in
 * `multiprocessing.Process.start()`, then in a file `job_UID.pkl`. The reply of a job that ends
 * before both is taken by another thread of the node, which forgets the process under the hands of
 * the first: the job is then reported as failed (`'NoneType' object has no attribute 'pid'`), or
 * that thread dies (`can only join a started process`), and no result ever leaves the node again.
 * The busier the machine, the more often. So a job begins when the file is there.
 *
 * @module
 */

import type { Dialect } from "../wire/mod.ts";

/**
 * Runs in the job's process, after the code that its client has sent with it: lines of that keep
 * their numbers. Nodes before 4.10 write no such file, and files of a client that has chosen a
 * folder of its own are not below the node's; a short wait must do for these.
 */
const GUARD = `
def __dispyscheduler_guard(uid, folder):
    import os, time
    for _ in range(16):
        if os.path.basename(folder) == 'node' and os.path.exists(os.path.join(folder, 'config.pkl')):
            break
        folder = os.path.dirname(folder)
    else:
        return time.sleep(0.02)
    noted, end = os.path.join(folder, 'job_%s.pkl' % uid), time.time() + 5
    while time.time() < end:
        try:
            if os.stat(noted).st_size > 0:
                return
        except OSError:
            pass
        time.sleep(0.001)
try:
    __dispyscheduler_guard(__dispy_job_reply.uid, dispy_job_path)
except Exception:
    pass
del __dispyscheduler_guard
`;

/**
 * Jobs of nodes up to 4.6 inherit a handler of SIGTERM that keeps them alive, and SIGTERM is all that
 * such nodes cancel a job with.
 */
const TERMINABLE = `
__import__('signal').signal(__import__('signal').SIGTERM, __import__('signal').SIG_DFL)
`;

/**
 * The code of a job for dispynode: what its client has sent with it, and what helps the node.
 *
 * @param dialect The node's.
 */
export function guardedCode(code: string, dialect: Dialect): string {
  return `${code}\n${dialect.jobsOutliveSigterm ? TERMINABLE : GUARD}`;
}
