"""A client that confirms its job later than the scheduler waits: the network was away meanwhile.

Its arguments: how long it waits (s), and a file in which its job tells that it runs.
"""

import socket
import sys
import time

import dispy
import peer
import pycos


def mark(path):
    import time
    with open(path, 'a') as fd:
        fd.write('0\n')
    time.sleep(0.1)
    return 'done'


nodes = peer.Nodes()
cluster = peer.cluster(mark, cluster_status=nodes.status)
nodes.wait_for(1)
record = dispy._DispyJob_(cluster._compute.id, None, (sys.argv[2],), {})
job = record.job
request = {'node': None, 'job': record, 'auth': cluster._compute.auth}
with socket.create_connection((peer.SCHEDULER, cluster.scheduler_port), timeout=10) as sock:
    sock.sendall(cluster._scheduler_auth)
    peer.send(sock, b'JOB:' + pycos.serialize(request))
    record.uid = pycos.deserialize(peer.receive(sock))
    # From here on the client takes the job as accepted, as dispy's own does.
    cluster._cluster._sched_jobs[record.uid] = record
    cluster._pending_jobs += 1
    cluster._complete.clear()
    time.sleep(float(sys.argv[1]))
    try:
        peer.send(sock, b'ACK')
    except OSError as error:
        peer.emit('not confirmed', error=str(error))
done = job.finish.wait(20)
peer.emit('job', done=done, **peer.described(job))
cluster.close(timeout=1, terminate=True)
