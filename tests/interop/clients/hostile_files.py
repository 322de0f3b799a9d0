"""Sends files whose names lead elsewhere, made with dispy's own classes, and one from Windows."""

import os
import sys

import dispy
import peer
import pycos

outside, name = sys.argv[1], 'escaped.txt'


def look(path):
    import time
    time.sleep(0.05)
    with open(path) as fd:
        return fd.read()


def described(file_name, dest_path, sep):
    with open('plain.txt', 'w') as fd:
        fd.write('content')
    xf = dispy._XferFile('plain.txt', cluster._compute.id)
    xf.name, xf.dest_path, xf.sep = file_name, dest_path, sep
    return xf


def sent(tag, request):
    """The first count, and the last one where the file is wanted."""
    import socket
    with socket.create_connection((peer.SCHEDULER, cluster.scheduler_port), timeout=10) as sock:
        sock.sendall(cluster._scheduler_auth)
        peer.send(sock, tag.encode() + pycos.serialize(request))
        counts = [pycos.deserialize(peer.receive(sock))]
        if counts[0] == 0:
            sock.sendall(b'content')
            counts.append(pycos.deserialize(peer.receive(sock)))
        return counts


def submitted(xf, path):
    record = dispy._DispyJob_(cluster._compute.id, None, (path,), {})
    record.xfer_files = [xf]
    answer = peer.ask(cluster, 'JOB:', {
        'node': None, 'job': record, 'auth': cluster._compute.auth}, then=b'NAK')
    try:
        return pycos.deserialize(answer) > 0
    except Exception:
        # A refusal says why in the one way that dispy's client shows.
        return False


nodes = peer.Nodes()
cluster = peer.cluster(look, cluster_status=nodes.status)
nodes.wait_for(1)
ways = [
    ('/x/' + name, '..', '/'), ('/x/' + name, '../../..', '/'), ('/x/' + name, 'a/../../b', '/'),
    ('/x/' + name, outside, '/'), ('..', '.', '/'), ('/x/..', 'a', '/'), ('/x/', '.', '/'),
    ('C:\\x\\' + name, '..\\..', '\\'), ('C:\\x\\' + name, 'C:\\', '\\'),
    ('C:\\x\\..', '.', '\\'), ('C:\\x/../../../' + name, '.', '\\'),
    ('C:\\x\\' + name, 'a/../..', '\\'), ('C:\\x\\' + name, outside, '\\'),
    ('/x/..\\..\\' + name, '.', '/'), ('/x/' + name, 'a\\..\\..', '/'), ('/x/C:' + name, '.', '/'),
    ('/x/' + name, '.' * 2, 'x'), (name, 'a..b', 'a'), ('/x/' + name, '..', ''),
    ('/x/' + name + '\0', '.', '/'),
]
for way in ways:
    xf = described(*way)
    refused = [sent('FILEXFER:', xf), submitted(xf, name),
               sent('SENDFILE:', {'node': '127.0.0.2', 'xf': xf})]
    peer.emit('way', way=[part.replace(outside, 'OUTSIDE') for part in way], answers=refused)

xf = described('C:\\work\\data.txt', 'sub\\dir', '\\')
peer.emit('windows', answers=[sent('FILEXFER:', xf), sent('SENDFILE:', {
    'node': '127.0.0.2', 'xf': xf})])
job = cluster.submit(os.path.join('sub', 'dir', 'data.txt'))
job()
peer.emit('job', **peer.described(job))

compute = cluster._compute
for way in ways[:3]:
    compute.xfer_files = [described(*way)]
    answer = pycos.deserialize(peer.ask(cluster, 'COMPUTE:', {
        'compute': compute, 'exclusive': False,
        'node_allocs': [{'host': '*', 'port': None, 'cpus': 0, 'depends': [],
                         'setup_args': ()}]}))
    peer.emit('compute', refused=isinstance(answer, str))
cluster.close()
