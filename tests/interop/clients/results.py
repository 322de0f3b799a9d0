"""Function jobs of every outcome."""

import peer


def outcome(kind, value):
    import sys
    import time
    time.sleep(0.03)
    if kind == 'value':
        return value
    if kind == 'printing':
        print('out', value)
        sys.stderr.write('err %s' % value)
        return None
    if kind == 'failing':
        print('before')
        raise ValueError('bad %s' % value)
    if kind == 'keyword':
        return dict(value, seen=True)


cluster = peer.cluster(outcome)
jobs = [
    cluster.submit('value', [1, 2.5, 'three', None, True, {'four': 4}]),
    cluster.submit('printing', 42),
    cluster.submit('failing', 7),
    cluster.submit(kind='keyword', value={'a': 1}),
]
for job in jobs:
    job()
    peer.emit('job', submitted=job.submit_time, **peer.described(job))
cluster.close()
