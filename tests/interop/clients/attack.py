"""Attacks the scheduler until it is told to stop: attack.py WAY CONNECTIONS_A_PORT ADDRESS…"""

import asyncio
import base64
import json
import os
import pickle
import random
import socket
import struct
import sys
import threading
import time

import peer

NODE_PORTS, CLIENT_PORTS = (9700, 51347), (9702, 51349)
TCP_PORTS = NODE_PORTS + CLIENT_PORTS
ADDRESSES = sys.argv[3:]
FILLER = b'x' * 40
FIXTURES = os.path.join(os.path.dirname(__file__), '../../unit/wire/fixtures/messages.json')
stopped = threading.Event()
sent = {'tcp': 0, 'udp': 0, 'failed': 0}


def framed(message):
    return struct.pack('>L', len(message)) + message


def prefix(port):
    return FILLER if port in CLIENT_PORTS else b''


class Peer(asyncio.Protocol):
    """A connection that keeps what it is told and says when it was closed."""

    def __init__(self):
        self.closed = asyncio.get_running_loop().create_future()

    def connection_lost(self, error):
        if not self.closed.done():
            self.closed.set_result(None)


async def connected(port, address):
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(
        Peer, '127.0.0.1', port, local_addr=(address, 0))
    sent['tcp'] += 1
    return transport, protocol


async def deliver(port, address, data, patience=1.0):
    """Sends data and waits for the other side to close."""
    try:
        transport, protocol = await connected(port, address)
    except OSError:
        sent['failed'] += 1
        return
    transport.write(data)
    await asyncio.wait([protocol.closed], timeout=patience)
    transport.abort()


async def slow(port, address):
    """A connection that sends a byte a second, opened again whenever it is closed."""
    message = prefix(port) + framed(b'CLIENT:' + b'\0' * 500)
    while not stopped.is_set():
        try:
            transport, protocol = await connected(port, address)
        except OSError:
            sent['failed'] += 1
            await asyncio.sleep(1)
            continue
        for at in range(len(message)):
            if transport.is_closing() or stopped.is_set():
                break
            transport.write(message[at:at + 1])
            await asyncio.wait([protocol.closed], timeout=1)
        transport.abort()


def pickles():
    """Pickles that want more than a stranger may have."""
    deep = b'\x80\x04' + b']' * 200000 + b'a' * 199999 + b'.'
    nested = b'\x80\x04' + b'(' * 100000 + b't' * 100000 + b'.'
    # A list in itself, a dict in itself.
    cyclic = [b'\x80\x04]\x94h\x00a.', b'\x80\x04}\x94K\x01h\x00s.']
    doubled = b'\x80\x04]\x94' + b''.join(
        b']\x94(' + b'h' + bytes([n]) + b'h' + bytes([n]) + b'e' for n in range(200)) + b'.'
    string = b'\x80\x04X' + struct.pack('<I', 0x7fffffff) + b'x.'
    number = b'\x80\x04\x8b' + struct.pack('<i', 15000) + b'\x7f' * 15000 + b'.'
    decimal = b'L' + b'9' * 16000 + b'L\n.'
    index = b'\x80\x04]r\xff\xff\xff\xff.'
    repeated = b'\x80\x04X' + struct.pack('<I', 15000) + b'x' * 15000 + b'\x94' + b'2' * 1000 + b'.'
    hashes = b'\x80\x04}(' + b''.join(
        b'\x8a\x08' + struct.pack('<q', n * ((1 << 61) - 1)) + b'N' for n in range(4)) + b'u.'
    return [deep, nested, doubled, string, number, decimal, index, repeated, hashes] + cyclic + [
        pickle.dumps({'version': '4.15.2', 'ip_addrs': ['x'] * 2000, 'port': 9700, 'sign': 's'}),
        pickle.dumps({'version': 'v' * 15000, 'ip_addr': None, 'scheduler_ip_addr': None})]


def bodies(way, port):
    """Endless bytes for a connection to this port."""
    tags = [b'PING:', b'PONG:', b'PULSE:', b'JOB_REPLY:', b'FILEXFER:', b'RELAY_INFO:',
            b'TERMINATED:', b'NODE_CPUS:'] if port in NODE_PORTS else [
            b'CLIENT:', b'COMPUTE:', b'JOB:', b'SCHEDULE:', b'CLOSE:', b'SENDFILE:']
    with open(FIXTURES) as file:
        known = json.load(file)['messages']
    good = [base64.b64decode(message) for message in
            known['from_node'] + known['from_client'] + known['discovery']]
    while True:
        tag = random.choice(tags)
        if way == 'noise':
            yield random.randbytes(random.randrange(1, 3000))
        elif way == 'lengths':
            body = tag + random.randbytes(50)
            yield prefix(port) + random.choice([
                struct.pack('>L', 0xffffffff) + body, struct.pack('>L', 0x7fffffff) + body,
                struct.pack('>L', 16385) + body, struct.pack('>L', 16384) + body,
                framed(body)[:-20], b'\0\0', framed(b''), framed(b'\0' * 16384),
                struct.pack('>L', 1 << 20) + b'\0' * (1 << 20)])
        elif way == 'pickles':
            yield prefix(port) + framed(tag + random.choice(pickles()))
        elif way == 'replay':
            yield prefix(port) + b''.join(
                framed(message) for message in random.sample(good, random.randrange(1, 4)))


async def talk(way, port, address):
    for data in bodies(way, port):
        if stopped.is_set():
            return
        await deliver(port, address, data, patience=0.2)


async def connects(port, address):
    """Opens connections and closes them, as fast as it can."""
    while not stopped.is_set():
        await deliver(port, address, b'', patience=0)


async def datagrams(way, port, address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, 0))
        source = bodies('noise' if way == 'connects' else way, port)
        while not stopped.is_set():
            for _ in range(20):
                data = next(source)[:60000]
                # A datagram has no length in front.
                sock.sendto(data if way == 'noise' else data[4:], ('127.0.0.1', port))
                sent['udp'] += 1
            await asyncio.sleep(0.01)


async def attack(way, each):
    tasks = []
    for port in TCP_PORTS:
        for number in range(each):
            address = ADDRESSES[number % len(ADDRESSES)]
            if way == 'slow':
                tasks.append(slow(port, address))
            elif way == 'connects':
                tasks.append(connects(port, address))
            else:
                tasks.append(talk(way, port, address))
    if way != 'slow':
        tasks += [datagrams(way, port, ADDRESSES[0]) for port in NODE_PORTS]
    running = asyncio.gather(*tasks)
    await asyncio.sleep(1)
    peer.emit('attacking', **sent)
    await running


def wait_for_end():
    peer.wait_for_go()
    stopped.set()


random.seed(7)
threading.Thread(target=wait_for_end, daemon=True).start()
started = time.time()
asyncio.run(attack(sys.argv[1], int(sys.argv[2])))
peer.emit('attacked', seconds=time.time() - started, **sent)
