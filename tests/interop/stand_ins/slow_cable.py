"""A slow cable between two network devices, for kernels that lack netem.

    slow_cable.py join NEAR FAR DELAY_MS LOSS_PERCENT SEED
    slow_cable.py plain DEVICE ...

`join` passes Ethernet frames on in both directions; those from NEAR to FAR take longer, and some
of them are lost, which the seed decides. `plain` has the kernel send whole frames with checksums
through these devices, as a program that passes them on needs them.
"""

import ctypes
import fcntl
import heapq
import random
import select
import socket
import struct
import sys
import time

ETH_P_ALL = 3
SIOCETHTOOL = 0x8946
# rx checksums, tx checksums, scatter-gather, TSO, GSO, GRO; see linux/ethtool.h.
OFFLOADS = (0x15, 0x17, 0x19, 0x1f, 0x24, 0x2c)


def plain(device):
    """Turns off all that lets the kernel postpone work to a network card."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for command in OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack('II', command, 0))
            request = struct.pack('16sP8x', device.encode(), ctypes.addressof(value))
            try:
                fcntl.ioctl(sock, SIOCETHTOOL, request)
            except OSError as error:
                # A device that cannot do this does not do it either.
                print('%s: 0x%x: %s' % (device, command, error), file=sys.stderr)


def opened(device):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.bind((device, 0))
    return sock


def received(sock):
    """A frame that came in, or None for one that we have sent ourselves."""
    frame, address = sock.recvfrom(65536)
    return None if address[2] == socket.PACKET_OUTGOING else frame


def join(near, far, delay_s, loss, seed):
    chance = random.Random(seed)
    near, far = opened(near), opened(far)
    print('joined', flush=True)
    # (when it is due, number, frame): the number keeps the order of those due at once.
    waiting, number = [], 0
    while True:
        wait = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        ready = select.select([near, far], [], [], wait)[0]
        if far in ready:
            frame = received(far)
            if frame is not None:
                near.send(frame)
        if near in ready:
            frame = received(near)
            if frame is not None and chance.random() >= loss:
                number += 1
                heapq.heappush(waiting, (time.monotonic() + delay_s, number, frame))
        while waiting and waiting[0][0] <= time.monotonic():
            far.send(heapq.heappop(waiting)[2])


if sys.argv[1] == 'plain':
    for name in sys.argv[2:]:
        plain(name)
else:
    near, far, delay_ms, loss_percent, seed = sys.argv[2:]
    join(near, far, float(delay_ms) / 1000, float(loss_percent) / 100, int(seed))
