"""What all processes of a computation share: the frames they speak, and the system's calls for
process trees.

The harness is three Python files executed in one namespace, in the process that the node starts:

- guard.py: talks with the node and watches over all other processes. Runs nothing of the user's.
- template.py: runs the computation's code and its setup, then forks itself for each job.
- job.py: what happens in a job's own process.

It runs under any CPython from 3.8 on and imports nothing but the standard library.
"""

import array
import ctypes
import json
import os
import signal
import socket
import struct
import sys
import traceback

# A frame: kind, number (of a job or of a message), length of the payload.
FRAME = struct.Struct('!BII')

# From the node to the guard; the numbers are those of harness_protocol.ts.
OPEN, SETUP, JOB, ANSWER, TERMINATE, CLEANUP = range(1, 7)

# From the guard to the node.
(HELLO, OPENED, SET_UP, STARTED, STDOUT, STDERR, MESSAGE, MESSAGE_DATA, MESSAGE_END, ENDED,
 CLEANED_UP, LOG, LOST) = range(32, 45)

# Between guard and template.
FORK, FORKED, EXITED = range(64, 67)

# What a job has to say, in the header of its message.
RESULT, PROVISIONAL_RESULT, SEND_FILE, LOG_LINE = 'result', 'provisional', 'file', 'log'

CHUNK_BYTES = 1 << 18

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def _prctl(option, value):
    """Sets an attribute of this process that only Linux has; elsewhere nothing happens."""
    if not sys.platform.startswith('linux'):
        return
    try:
        ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), 0, 0, 0)
    except (OSError, AttributeError):
        pass  # a C library without it: process groups have to do


def adopt_orphans():
    """Makes this process the parent of descendants whose own parents end."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with(parent):
    """Has the system kill this process when `parent`, which has forked it, ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def kill_group(pid, signum=signal.SIGKILL):
    """Signals the process and the group that it leads, as far as they are there."""
    for send in (os.killpg, os.kill):
        try:
            send(pid, signum)
        except (ProcessLookupError, PermissionError):
            pass


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
