# -*- coding: utf-8 -*-
"""Sends values of many kinds to jobs, which send them back; runs on Python 2.7 and 3."""

from __future__ import unicode_literals

import collections
import datetime
import decimal
import sys

import dispy
import peer


class Point(object):
    def __init__(self, x):
        self.x = x


def echo(value, keyword=None):
    import sys
    import time
    time.sleep(0.03)
    printed = u'printed \xe9\n'
    sys.stdout.write(printed if sys.version_info[0] == 3 else printed.encode('utf-8'))
    return [value, keyword, sys.version_info[0]]


def fail(text):
    raise ValueError(text)


def keep(value, raw):
    global kept
    kept = [value, raw]
    return 0


def tell_kept():
    return kept  # noqa: F821


def read(path):
    import time
    time.sleep(0.03)
    with open(path) as fd:
        return fd.read()


VALUES = [
    None, True, 1, -1, 2**31, 2**70, 1.5, float('inf'), '', 'text', '\xe9\u20ac', '\U0001f600',
    b'\xff\x00', bytearray(b'\xfe'), bytearray(b'x' * 70000), 'y' * 70000, b'\x80' * 70000,
    (1, (2,), [3]), {'a': 1, 2: '\xe9', (1, 'b'): None}, set([1, 2]), frozenset(['a', '\xe9']),
    collections.OrderedDict([('z', 1), ('a', 2)]), decimal.Decimal('1.50'), 2 + 3j,
    datetime.datetime(2021, 11, 26, 12, 34, 31, 5), datetime.time(12, 30), list(range(2000)),
    str('native'), {str('native'): str('native')},
]


def check(name, got, wanted, job=None):
    exception = None if job is None else job.exception
    peer.emit('value', name=name, same=bool(got == wanted), got=repr(got)[:200],
              exception=exception)


def main():
    cluster = peer.cluster(echo, depends=[Point])
    jobs = [(value, cluster.submit(value, keyword='\xe9')) for value in VALUES]
    for value, job in jobs:
        check(repr(value)[:60], job(), [value, '\xe9', NODE_PYTHON], job)
    shared = ['shared']
    shared = cluster.submit([shared, shared])()[0]
    check('shared', shared[0] is shared[1], True)
    point = cluster.submit(Point([Point('\xe9')]))()[0]
    check('object', [type(point) is Point, point.x[0].x], [True, '\xe9'])
    job = cluster.submit('p')
    job()
    stdout = job.stdout.decode('utf-8') if sys.version_info[0] == 2 else job.stdout
    check('stdout', stdout, 'printed \xe9\n')
    cluster.close()

    cluster = peer.cluster(fail)
    job = cluster.submit('no such \xe9')
    job()
    check('exception', [job.status, str('ValueError') in job.exception],
          [dispy.DispyJob.Terminated, True])
    cluster.close()

    setup_args = ({'\xe9': (b'\xff', 2**70)}, bytearray(b'\xff'))
    allocate = dispy.NodeAllocate('*', setup_args=setup_args)
    cluster = peer.cluster(tell_kept, nodes=[allocate], setup=keep)
    check('setup', cluster.submit()(), list(setup_args))
    cluster.close()

    nodes = peer.Nodes()
    cluster = peer.cluster(read, cluster_status=nodes.status)
    nodes.wait_for(1, 15)
    with open('sent.txt', 'w') as fd:
        fd.write(str('sent'))
    check('send_file', cluster.send_file('sent.txt', NODE, relay=True), 0)
    check('file', cluster.submit('sent.txt')(), 'sent')
    cluster.close()


if __name__ == '__main__':
    NODE_PYTHON, NODE = int(sys.argv[1]), sys.argv[2]
    main()
    peer.emit('done')
