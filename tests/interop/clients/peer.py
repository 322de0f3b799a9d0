"""What the client programs of the scenarios share: clusters on loopback, and JSON lines.

Works with every release of dispy and every Python that the tests know: options have the names of
today's dispy and are given to older ones as these call them.
"""

import inspect
import json
import os
import socket
import struct
import sys
import threading
import time

import dispy

# Scenarios with networks of their own say where everybody is.
SCHEDULER = os.environ.get('LAB_SCHEDULER', '127.0.0.1')
OWN_ADDRESS = os.environ.get('LAB_ADDRESS', '127.0.0.1')
EXTERNAL_ADDRESS = os.environ.get('LAB_EXTERNAL_ADDRESS')
CLIENT_PORT = int(os.environ.get('LAB_CLIENT_PORT', 0))
# What dispy called its options before 4.13; before 4.11 a client had only one port to name.
OLD_NAMES = {'scheduler_host': 'scheduler_node', 'job_status': 'callback', 'client_port': 'port'}
_printing = threading.Lock()


def emit(event, **fields):
    """Prints one JSON line for the test."""
    # `event` comes first also where a dict has no order.
    line = '{"event": %s, %s' % (json.dumps(event), json.dumps(dict(fields, at=time.time()))[1:])
    with _printing:
        sys.stdout.write(line + '\n')
        sys.stdout.flush()


def wait_for_go():
    """Waits until the test says to go on."""
    if sys.stdin.readline().strip() != 'go':
        raise SystemExit('the test has gone away')


# How long anything may take, in seconds: scenarios run side by side, and have limits of their own.
PATIENCE = 300


class Nodes(object):
    """Collects what a cluster is told about its nodes and jobs, and waits for it."""

    def __init__(self, report=False):
        self.changed = threading.Condition()
        self.ready = {}
        self.log = []
        self.report = report

    def status(self, status, node, job):
        with self.changed:
            if status == dispy.DispyNode.Initialized:
                self.ready[node.ip_addr] = node
            elif status == dispy.DispyNode.Closed:
                self.ready.pop(node.ip_addr, None)
            self.log.append((status, node.ip_addr if node else None, job.id if job else None))
            if self.report:
                emit('status', status=status, node=node.ip_addr if node else None,
                     job=job.id if job else None, cpus=node.cpus if node else None)
            self.changed.notify_all()

    def wait(self, condition, timeout=PATIENCE):
        """Waits until condition(self) holds."""
        deadline = time.time() + timeout
        with self.changed:
            while not condition(self):  # Python 2.7 has no wait_for
                left = deadline - time.time()
                if left <= 0:
                    raise Exception('nodes so far: %s' % sorted(self.ready))
                self.changed.wait(left)

    def wait_for(self, count, timeout=PATIENCE):
        """Waits until this many nodes are set up."""
        self.wait(lambda nodes: len(nodes.ready) >= count, timeout)


def cluster(computation, **options):
    """A SharedJobCluster at the scheduler of the scenario."""
    # ip_addr is an old name, but a SharedJobCluster of dispy 4.15 looks for no other.
    defaults = {'scheduler_host': SCHEDULER, 'ip_addr': OWN_ADDRESS, 'client_port': CLIENT_PORT,
                'ext_ip_addr': EXTERNAL_ADDRESS, 'loglevel': dispy.logger.DEBUG, 'depends': []}
    return dispy.SharedJobCluster(computation, **named(dict(defaults, **options)))


def named(options):
    """The options of a SharedJobCluster by the names that this release has for them."""
    spec = inspect.getfullargspec if hasattr(inspect, 'getfullargspec') else inspect.getargspec
    known = spec(dispy.SharedJobCluster.__init__).args
    return dict((name if name in known else OLD_NAMES.get(name, name), value)
                for name, value in options.items())


def ask(cluster, tag, request, then=None):
    """Sends a request as the client of `cluster` does, then `then`; returns the first answer."""
    import pycos
    with socket.create_connection((SCHEDULER, cluster.scheduler_port), timeout=10) as sock:
        sock.sendall(cluster._scheduler_auth)
        send(sock, tag.encode() + pycos.serialize(request))
        answer = receive(sock)
        if then is not None:
            send(sock, then)
        return answer


def send(sock, message):
    """Sends one message as dispy frames it."""
    sock.sendall(struct.pack('>L', len(message)) + message)


def receive(sock):
    """Receives one message; empty where the connection was closed."""
    length = b''
    while len(length) < 4:
        part = sock.recv(4 - len(length))
        if not part:
            return b''
        length += part
    message, length = b'', struct.unpack('>L', length)[0]
    while len(message) < length:
        part = sock.recv(length - len(message))
        if not part:
            return b''
        message += part
    return message


def described(job):
    """A job that is done, as a JSON object."""
    return {'id': job.id, 'status': job.status, 'result': job.result, 'stdout': job.stdout,
            'stderr': job.stderr, 'exception': job.exception, 'node': job.ip_addr,
            'start': job.start_time, 'end': job.end_time}


def wait_all(jobs, timeout=PATIENCE):
    """Waits for all jobs, as users do with job()."""
    for job in jobs:
        if not job.finish.wait(timeout):
            raise Exception('job %s is still %s' % (job.id, job.status))
