"""What all processes of a computation share: the frames they speak.

The harness is these Python files, executed in one namespace in the process that the node starts:

- guard.py: talks with the node and watches over all other processes. Runs nothing of the user's.
- template.py: runs the computation's code and its setup, then forks itself for each job.
- job.py: what happens in a job's own process.
- processes.py, common.py: what all of them use.

It runs under any CPython from 3.8 on and imports nothing but the standard library.
"""

import array
import json
import os
import socket
import struct
import traceback

# A frame: kind, number (of a job or of a message), length of the payload.
FRAME = struct.Struct('!BII')

# From the node to the guard; the numbers are those of protocol.ts.
OPEN, SETUP, JOB, ANSWER, TERMINATE, CLEANUP, PING = range(1, 8)

# From the guard to the node.
(HELLO, OPENED, SET_UP, STARTED, STDOUT, STDERR, MESSAGE, MESSAGE_DATA, MESSAGE_END, ENDED,
 CLEANED_UP, LOG, LOST, PONG) = range(32, 46)

# Between guard and template.
FORK, FORKED, EXITED = range(64, 67)

# What a job has to say, in the header of its message.
RESULT, PROVISIONAL_RESULT, SEND_FILE, LOG_LINE = 'result', 'provisional', 'file', 'log'

CHUNK_BYTES = 1 << 18


def send_frame(sock, kind, number, payload=b'', fds=()):
    """Sends a frame over a socket, along with open files."""
    header = FRAME.pack(kind, number, len(payload))
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else []
    sent = sock.sendmsg([header], rights)
    sock.sendall(header[sent:] + payload)


def receive_exactly(sock, size):
    """Reads `size` bytes; EOFError where the other side has closed before."""
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = sock.recv_into(view)
        if not count:
            raise EOFError
        view = view[count:]
    return bytes(data)


def receive_files(sock, size, most=4):
    """Reads up to `size` bytes and the open files that come along."""
    room = socket.CMSG_SPACE(most * array.array('i').itemsize)
    data, ancillary, _, _ = sock.recvmsg(size, room)
    fds = array.array('i')
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(content[:len(content) - len(content) % fds.itemsize])
    for fd in fds:
        os.set_inheritable(fd, False)
    return data, list(fds)


def receive_frame(sock):
    """Reads a frame and the open files that come along; EOFError at the end."""
    header, fds = receive_files(sock, FRAME.size)
    if not header:
        raise EOFError
    header += receive_exactly(sock, FRAME.size - len(header))
    kind, number, size = FRAME.unpack(header)
    return kind, number, receive_exactly(sock, size), fds


def to_json(value):
    return json.dumps(value).encode()


def report_trouble():
    """Tells the node's log of an error in the harness itself."""
    try:
        os.write(2, traceback.format_exc().encode(errors='replace'))
    except OSError:
        pass
