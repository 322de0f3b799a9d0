"""What the example programs share: their options, and lines that tell how their jobs get on."""

import argparse
import time

import dispy


def options(description):
    """Command line options of an example program."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--scheduler', required=True, help='address of the scheduler')
    parser.add_argument('--host', help='address of this machine, if it has several')
    parser.add_argument('--jobs', type=int, default=24, help='number of jobs')
    return parser


def cluster(compute, args):
    """The nodes behind the scheduler, shared with every other client of it."""
    # "ip_addr", not the newer "host": dispy 4.15 wants it where loopback is the only network, and
    # warns of it all the same.
    dispy.logger.setLevel(dispy.logger.ERROR)
    # Port 0 takes any free one, so that several clients fit on one machine.
    return dispy.SharedJobCluster(compute, scheduler_host=args.scheduler, ip_addr=args.host,
                                  client_port=0, loglevel=dispy.logger.ERROR)


def watch(jobs):
    """Waits for the jobs, and prints a line whenever one of them starts or ends."""
    seen = {}
    while len(seen) < len(jobs) or any(seen[job.id] != 'done' for job in jobs):
        for job in jobs:
            if seen.get(job.id) == 'done':
                continue
            if job.finish.is_set():
                if job.status != dispy.DispyJob.Finished:
                    raise SystemExit('job %s failed: %s' % (job.id, job.exception))
                seen[job.id] = 'done'
                print('job %s done on %s in %.3f s' %
                      (job.id, job.ip_addr, job.end_time - job.start_time), flush=True)
            elif job.status == dispy.DispyJob.Running and seen.get(job.id) != 'running':
                seen[job.id] = 'running'
                print('job %s runs on %s' % (job.id, job.ip_addr), flush=True)
        time.sleep(0.05)
