"""Jobs over TLS or without it: with a file to depend on, and one large result."""

import argparse
import hashlib

import peer


def grown(number, size):
    import hashlib
    import time
    time.sleep(0.03)
    with open('words.txt') as fd:
        words = fd.read().split()
    data = bytes([number]) * size
    return {'words': words, 'data': data, 'digest': hashlib.sha256(data).hexdigest(),
            'node': dispy_node_ip_addr}  # noqa: F821


parser = argparse.ArgumentParser()
parser.add_argument('--certfile')
parser.add_argument('--keyfile')
parser.add_argument('--jobs', type=int, default=4)
parser.add_argument('--size', type=int, default=5 * 1024 * 1024, help='bytes of one result')
options = parser.parse_args()

with open('words.txt', 'w') as fd:
    fd.write('one two three\n')
try:
    cluster = peer.cluster(grown, depends=['words.txt'], certfile=options.certfile,
                           keyfile=options.keyfile)
except BaseException as error:
    peer.emit('refused', error='%s: %s' % (type(error).__name__, error))
    raise SystemExit(3)
peer.emit('created')
jobs = [cluster.submit(number, options.size if number == 0 else 10) for number in range(options.jobs)]
for job in jobs:
    result = job()
    if result is None:
        peer.emit('failed', **peer.described(job))
        continue
    data = result.pop('data')
    peer.emit('job', size=len(data), status=job.status,
              intact=hashlib.sha256(data).hexdigest() == result['digest'],
              words=result['words'], node=result['node'])
cluster.close()
