"""The client sends files to a node with send_file."""

import os
import sys
import time

import peer


def read(name):
    import hashlib
    import os
    import time
    time.sleep(0.03)
    with open(name, 'rb') as fd:
        info = os.stat(name)
        return [hashlib.sha256(fd.read()).hexdigest(), info.st_mode & 0o777, int(info.st_mtime)]


relay = sys.argv[1] == 'relay'
with open('sent.bin', 'wb') as fd:
    fd.write(os.urandom(3000000))
os.chmod('sent.bin', 0o640)
os.utime('sent.bin', (1000000000, 1000000000))
expected = __import__('hashlib').sha256(open('sent.bin', 'rb').read()).hexdigest()

nodes = peer.Nodes()
cluster = peer.cluster(read, cluster_status=nodes.status)
nodes.wait_for(2)
peer.emit('sent', results=[cluster.send_file('sent.bin', node, relay=relay)
                           for node in ('127.0.0.2', nodes.ready['127.0.0.3'])])
for node in ('127.0.0.2', '127.0.0.3'):
    job = cluster.submit_node(node, 'sent.bin')
    digest, mode, changed = job()
    peer.emit('job', same=digest == expected, mode=oct(mode), changed=changed)
peer.emit('nowhere', result=cluster.send_file('sent.bin', '127.0.0.99', relay=relay))
cluster.close()
