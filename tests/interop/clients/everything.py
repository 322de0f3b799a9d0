"""All that a job can do, once, with a cluster of either kind: "shared" or "job" (dispy's own).

The further arguments are the nodes, by address; setup and cleanup leave their traces in the folder
`LAB_TRACES` of the environment, which may also say what a cluster of dispy's own has to show its
nodes: `LAB_SECRET`, `LAB_CERTFILE`, `LAB_KEYFILE`.
"""

import os
import sys

import dispy
import peer

KIND, NODES = sys.argv[1], sys.argv[2:]


def prepare(name, traces):
    global prepared
    prepared = 'prepared %s' % name
    with open('%s/%s' % (traces, name), 'a') as fd:
        fd.write('setup ')
    return 0


def tidy(name, traces):
    with open('%s/%s' % (traces, name), 'a') as fd:
        fd.write('cleanup')


def everything(number, brought=None, steps=0):
    import os
    import sys
    import time
    time.sleep(0.05)
    print('number %s' % number)
    sys.stderr.write('seen')
    with open('own.txt') as fd:
        own = fd.read()
    if brought:
        with open(brought) as fd:
            brought = fd.read()
    sent = [dispy_provisional_result(step) for step in range(steps)]  # noqa: F821
    name = 'made-%s.txt' % number
    with open(name, 'w') as fd:
        fd.write(name)
    sent.append(dispy_send_file(name))  # noqa: F821
    if number == 3:
        raise ValueError('bad number')
    return {'prepared': prepared, 'own': own, 'brought': brought, 'sent': sent,  # noqa: F821
            'node': dispy_node_ip_addr, 'name': dispy_node_name}  # noqa: F821


def cluster(computation, **options):
    if KIND == 'shared':
        return peer.cluster(computation, **options)
    return dispy.JobCluster(computation, host=peer.OWN_ADDRESS, loglevel=dispy.logger.DEBUG,
                            secret=os.environ.get('LAB_SECRET', ''),
                            certfile=os.environ.get('LAB_CERTFILE'),
                            keyfile=os.environ.get('LAB_KEYFILE'), **options)


def provisional(job):
    if job.status == dispy.DispyJob.ProvisionalResult:
        peer.emit('provisional', value=job.result)


with open('own.txt', 'w') as fd:
    fd.write('of all')
nodes = peer.Nodes(report=True)
traces = os.environ['LAB_TRACES']
functions = cluster(everything, depends=['own.txt'], setup=prepare, cleanup=tidy,
                    nodes=[dispy.NodeAllocate(node, setup_args=(node, traces)) for node in NODES],
                    cluster_status=nodes.status, job_status=provisional)
nodes.wait_for(len(NODES))
with open('job.txt', 'w') as fd:
    fd.write('of one')
jobs = [functions.submit_node(NODES[number % len(NODES)], number, steps=number % 3,
                              **({'brought': 'job.txt', 'dispy_job_depends': ['job.txt']}
                                 if number % 2 else {}))
        for number in range(6)]
peer.wait_all(jobs)
functions._cluster.worker_Q.join()
for number, job in enumerate(jobs):
    with open('made-%s.txt' % number) as fd:
        peer.emit('job', made=fd.read(), **peer.described(job))
functions.close()

with open('prog.sh', 'w') as fd:
    fd.write('#!/bin/sh\nsleep 0.05\necho "$1 at $dispy_node_ip_addr"\necho oops >&2\nexit 4\n')
os.chmod('prog.sh', 0o755)
programs = cluster(os.path.abspath('prog.sh'), nodes=NODES, depends=[])
for job in [programs.submit(str(number)) for number in range(3)]:
    peer.wait_all([job])
    peer.emit('program', **dict(peer.described(job), stdout=job.stdout.decode(),
                                stderr=job.stderr.decode()))
programs.close()
