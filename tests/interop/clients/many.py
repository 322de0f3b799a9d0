"""Submits jobs that tell where and when they ran; what it does is said by its options."""

import argparse
import json
import sys

import dispy
import dispy.config
import peer


def work(tag, number, seconds):
    import os
    import time
    start = time.time()
    time.sleep(seconds)
    return {'tag': tag, 'number': number, 'square': number * number, 'start': start,
            'end': time.time(), 'node': dispy_node_ip_addr, 'pid': os.getpid()}  # noqa: F821


def parsed():
    parser = argparse.ArgumentParser()
    parser.add_argument('--tag', default='a')
    parser.add_argument('--jobs', type=int, default=10)
    parser.add_argument('--seconds', type=float, default=0.03)
    parser.add_argument('--nodes', default='["*"]', help='JSON: addresses, or [address, cpus]')
    parser.add_argument('--wait-nodes', type=int, default=0)
    parser.add_argument('--go', action='store_true', help='wait for the test before submitting')
    parser.add_argument('--pin', action='append', default=[], help='submit_node to each of these')
    parser.add_argument('--ids', action='store_true', help='submit_job_id with an id of our own')
    parser.add_argument('--port', type=int, default=0)
    parser.add_argument('--secret', default='')
    parser.add_argument('--exclusive', action='store_true')
    parser.add_argument('--reentrant', action='store_true')
    parser.add_argument('--stay', action='store_true', help='wait for the test before closing')
    parser.add_argument('--terminate', action='store_true', help='close without waiting for jobs')
    return parser.parse_args()


def submit(cluster, options):
    for number in range(options.jobs):
        arguments = (options.tag, number, options.seconds)
        if options.pin:
            node = options.pin[number % len(options.pin)]
            job = cluster.submit_node(node, *arguments)
        elif options.ids:
            job = cluster.submit_job_id('%s-%s' % (options.tag, number), *arguments)
        else:
            job = cluster.submit(*arguments)
        if job is None:
            raise Exception('job %s was not accepted' % number)
        if not options.ids:
            job.id = number
        yield job


def main():
    options = parsed()
    if options.port:
        dispy.config.DispyPort = options.port
    nodes = peer.Nodes()
    wanted = [node if isinstance(node, str) else dispy.NodeAllocate(node[0], cpus=node[1])
              for node in json.loads(options.nodes)]
    try:
        cluster = peer.cluster(work, nodes=wanted, secret=options.secret,
                               cluster_status=nodes.status, exclusive=options.exclusive,
                               reentrant=options.reentrant)
    except Exception as error:
        peer.emit('refused', error='%s: %s' % (type(error).__name__, error))
        sys.exit(3)
    peer.emit('created')
    nodes.wait_for(options.wait_nodes)
    peer.emit('ready', nodes=sorted(nodes.ready))
    if options.go:
        peer.wait_for_go()
    jobs = list(submit(cluster, options))
    peer.emit('submitted')
    if options.terminate:
        peer.wait_for_go()
        cluster.close(timeout=0.1, terminate=True)
        peer.emit('closed')
        sys.exit(0)
    for job in jobs:
        job()
        peer.emit('job', **peer.described(job))
    peer.emit('done')
    if options.stay:
        peer.wait_for_go()
    cluster.close()


main()
