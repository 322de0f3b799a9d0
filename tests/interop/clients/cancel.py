"""Cancels a running and a queued job; the node has one CPU."""

import threading

import dispy
import peer


def work(seconds):
    import time
    time.sleep(seconds)
    return seconds


running = threading.Event()


def changed(status, node, job):
    if status == dispy.DispyJob.Running:
        running.set()


cluster = peer.cluster(work, cluster_status=changed)
first = cluster.submit(60)
assert running.wait(30)
queued, last = cluster.submit(61), cluster.submit(0.05)
peer.emit('queued', cancelled=cluster.cancel(queued))
queued()
peer.emit('job', **peer.described(queued))
peer.emit('running', cancelled=cluster.cancel(first))
first()
peer.emit('job', **peer.described(first))
last()
peer.emit('job', **peer.described(last))
peer.emit('again', cancelled=cluster.cancel(last))
cluster.close()
