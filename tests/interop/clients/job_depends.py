"""Jobs that bring a file and a function each."""

import peer


def tell(path, value):
    import time
    time.sleep(0.03)
    with open(path) as fd:
        text = fd.read()
    return [text, brought(value)]  # noqa: F821


def times_ten(number):
    paths = ['brought-%d.txt' % number]
    with open(paths[0], 'w') as fd:
        fd.write('text %d' % number)

    def brought(value):
        return value * 10
    return {'args': (paths[0], number), 'depends': paths + [brought]}


cluster = peer.cluster(tell)
jobs = []
for number in range(6):
    parts = times_ten(number)
    jobs.append(cluster.submit(*parts['args'], dispy_job_depends=parts['depends']))
for job in jobs:
    job()
    peer.emit('job', **peer.described(job))
cluster.close()
