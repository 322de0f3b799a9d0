"""A job sends files back to the client with dispy_send_file."""

import os
import sys

import peer


def make(relay):
    import os
    import time
    time.sleep(0.05)
    with open('small.txt', 'w') as fd:
        fd.write('made on the node')
    os.mkdir('sub')
    with open('sub/big.bin', 'wb') as fd:
        fd.write(bytes(range(256)) * 12000)
    with open('empty', 'w') as fd:
        pass
    return [dispy_send_file(name, relay=relay) for name in  # noqa: F821
            ('small.txt', 'sub/big.bin', 'empty', 'missing')]


relay = sys.argv[1] == 'relay'
cluster = peer.cluster(make)
job = cluster.submit(relay)
job()
peer.emit('job', **peer.described(job))
with open('small.txt') as fd:
    peer.emit('small', text=fd.read())
with open('sub/big.bin', 'rb') as fd:
    peer.emit('big', same=fd.read() == bytes(range(256)) * 12000)
peer.emit('empty', size=os.stat('empty').st_size)
cluster.close()
