"""Sends results of its own for a job that a node runs, as a stranger does who knows some of it."""

import pickle
import socket
import struct

import dispy
import peer

FORGER = '127.0.0.77'


def work():
    import time
    time.sleep(1)
    return 'genuine'


def send(port, message):
    """Sends a message from the forger's address; returns the answer."""
    with socket.socket() as sock:
        sock.bind((FORGER, 0))
        sock.settimeout(10)
        sock.connect((peer.SCHEDULER, port))
        sock.sendall(struct.pack('>L', len(message)) + message)
        return peer.receive(sock)


def reply(job, ip_addr, **changed):
    forged = dispy._JobReply(job, ip_addr, status=dispy.DispyJob.Finished)
    forged.result = pickle.dumps('forged')
    for name, value in changed.items():
        setattr(forged, name, value)
    return b'JOB_REPLY:' + pickle.dumps(forged)


nodes = peer.Nodes()
told = []
cluster = peer.cluster(work, cluster_status=nodes.status,
                       job_status=lambda job: told.append((job.status, job.result)))
nodes.wait_for(1)
job = cluster.submit()
nodes.wait(lambda nodes: any(status == dispy.DispyJob.Running for status, _, _ in nodes.log))
known = job._dispy_job_
node = sorted(nodes.ready)[0]
for what, message in (
        ('another hash', reply(known, node, hash='0' * len(known.hash))),
        ('another node', reply(known, FORGER)),
        ('another job', reply(known, node, uid=known.uid + 1)),
        ('no status', reply(known, node, status=None)),
        ('no result', reply(known, node, result=None, hash=''))):
    answer = send(9700, message)
    peer.emit('forged', what=what, answer=answer.decode())
genuine = reply(known, node)
result = job()
# Everything in it is right, but it has come already.
for _ in range(3):
    peer.emit('forged', what='again', answer=send(9700, genuine).decode())
cluster.wait()
peer.emit('job', told=told, **peer.described(job))
cluster.close()
