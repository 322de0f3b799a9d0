"""Jobs with everything a computation can depend on: a module, a file, a function, classes."""

import sys

import dispy
import peer

sys.path.insert(0, '.')
with open('numbers_module.py', 'w') as fd:
    fd.write('FACTOR = 6\n\ndef times(value):\n    return FACTOR * value\n')
with open('words.txt', 'w') as fd:
    fd.write('one two three\n')

import numbers_module  # noqa: E402


class Point(object):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def moved(self, by):
        return Point(self.x + by, self.y + by)


def doubled(value):
    return 2 * value


def work(point, value):
    import time
    import numbers_module
    time.sleep(0.03)
    with open('words.txt') as fd:
        words = fd.read().split()
    return {'times': numbers_module.times(value), 'doubled': doubled(value), 'words': words,
            'point': point.moved(value)}


nodes = peer.Nodes()
cluster = peer.cluster(work, depends=[numbers_module, 'words.txt', doubled, Point],
                       cluster_status=nodes.status)
jobs = [cluster.submit(Point(value, -value), value) for value in range(4)]
for job in jobs:
    job()
    if job.status == dispy.DispyJob.Finished:
        point = job.result.pop('point')
        job.result['point'] = [type(point).__name__, point.x, point.y]
    peer.emit('job', **peer.described(job))
cluster.close()
