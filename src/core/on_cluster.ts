/**
 * What happens to clusters: received, scheduled, given more nodes or fewer, closed.
 *
 * @module
 */

import { bySpecificity, type NodeAllocation, patternNames } from "./allocation.ts";
import { closeCluster, scheduleWaiting, settleClosedShare } from "./clusters.ts";
import { onClientAlive } from "./deliver.ts";
import { dispatch } from "./dispatch.ts";
import { Cluster, type ClusterOptions, type Share } from "./entities.ts";
import { cancelAtNode } from "./jobs.ts";
import { allocateNode, cancelPinned, closeShare } from "./shares.ts";
import { type Core, reindexNode, reindexShare } from "./state.ts";

/** A client has sent a computation; its files come next. */
export function onClusterReceived(
  core: Core,
  name: string,
  options: ClusterOptions,
  nowMs: number,
): Cluster {
  const sorted = { ...options, allocations: bySpecificity(options.allocations) };
  const cluster = new Cluster(core.newId(), name, sorted, core.newSeq(), nowMs);
  core.clusters.set(cluster.id, cluster);
  core.note(cluster);
  return cluster;
}

/**
 * The client has sent all files and wants its computation scheduled; it is about to be told that
 * this was heard, after which it waits for {@linkcode onScheduleRequested}.
 */
export function onScheduleHeard(core: Core, cluster: Cluster): void {
  if (cluster.state !== "received" || cluster.scheduleSeq > 0) return;
  cluster.scheduleSeq = core.newSeq();
  core.note(cluster);
}

/** The client was told that its wish to be scheduled was heard. */
export function onScheduleRequested(core: Core, cluster: Cluster, nowMs: number): void {
  if (cluster.state !== "received") return;
  cluster.lastPulseMs = nowMs;
  cluster.state = "waiting";
  core.note(cluster);
  core.waiting.push(cluster);
  scheduleWaiting(core);
}

/** The client knows that its computation is scheduled: find nodes for it. */
export function onClusterAnnounced(core: Core, cluster: Cluster, nowMs: number): void {
  if (cluster.state !== "announcing") return;
  cluster.state = "active";
  core.note(cluster);
  cluster.lastPulseMs = nowMs;
  core.emit({ kind: "discoverNodes", cluster });
  allocateNodes(core, cluster);
}

/** The client could not be told that its computation is scheduled: it has gone. */
export function onClusterLost(core: Core, cluster: Cluster, nowMs: number): void {
  if (cluster.state !== "announcing") return;
  // If it was our message's answer that was lost, the client may have submitted jobs.
  const reason = "the client did not acknowledge that its computation is scheduled";
  closeCluster(core, cluster, { wantsResults: true, reason }, nowMs);
}

/** Gives `cluster` its share of all nodes that its allocations name. */
function allocateNodes(core: Core, cluster: Cluster): void {
  for (const node of core.nodes.values()) allocateNode(core, cluster, node);
}

/** The client adds to its node list. An entry for the same nodes replaces the earlier one. */
export function onNodesAllocated(
  core: Core,
  cluster: Cluster,
  allocations: readonly NodeAllocation[],
  nowMs: number,
): void {
  onClientAlive(core, cluster, nowMs);
  const patterns = new Set(allocations.map(({ pattern }) => pattern));
  const kept = cluster.allocations.filter(({ pattern }) => !patterns.has(pattern));
  cluster.allocations = bySpecificity([...allocations, ...kept]);
  core.note(cluster);
  for (const ipAddr of cluster.excludedNodes) {
    const node = core.nodes.get(ipAddr) ?? { ipAddr, name: "" };
    if (allocations.some(({ pattern }) => patternNames(pattern, node))) {
      cluster.excludedNodes.delete(ipAddr);
    }
  }
  if (cluster.state === "active") {
    core.emit({ kind: "discoverNodes", cluster });
    allocateNodes(core, cluster);
    dispatch(core);
  }
}

/** The client wants no more jobs on a node. Returns whether it uses the node. */
export function onNodeDeallocated(
  core: Core,
  cluster: Cluster,
  ipAddr: string,
  nowMs: number,
): boolean {
  onClientAlive(core, cluster, nowMs);
  const share = cluster.shares.get(ipAddr);
  if (share === undefined) return false;
  cluster.excludedNodes.add(ipAddr);
  core.note(cluster);
  core.note(share);
  // One that is being set up is drained once it is; one that failed is not tried again.
  if (share.state === "ready") share.state = "drained";
  share.retryAtMs = Infinity;
  cancelPinned(core, share, "the node was deallocated", nowMs);
  reindexShare(core, share);
  return true;
}

/** The client wants a node closed. Returns whether it uses the node. */
export function onNodeCloseRequested(
  core: Core,
  cluster: Cluster,
  ipAddr: string,
  terminatePending: boolean,
  nowMs: number,
): boolean {
  onClientAlive(core, cluster, nowMs);
  const share = cluster.shares.get(ipAddr);
  if (share === undefined || share.state === "closing" || share.state === "closed") return false;
  cluster.excludedNodes.add(ipAddr);
  core.note(cluster);
  closeShare(core, share, terminatePending, "the node was closed", nowMs);
  if (terminatePending) {
    for (const job of share.node.jobs) {
      if (job.share === share) cancelAtNode(core, job, null, nowMs);
    }
  }
  return true;
}

/** The client sets the CPUs of a node. Returns whether it may. */
export function onNodeCpusRequested(
  core: Core,
  cluster: Cluster,
  ipAddr: string,
  cpus: number,
  nowMs: number,
): boolean {
  onClientAlive(core, cluster, nowMs);
  const share = cluster.shares.get(ipAddr);
  if (share === undefined || !(cluster.options.exclusive || core.options.cooperative)) return false;
  const { node } = share;
  node.cpus = cpus >= 0 ? Math.min(node.availCpus, cpus) : Math.max(0, node.availCpus + cpus);
  core.note(node);
  reindexNode(core, node);
  for (const each of node.shares.values()) {
    core.emit({ kind: "tellNodeStatus", share: each, status: "cpus" });
  }
  dispatch(core);
  return true;
}

/** The client has closed its cluster: it wants no more results. */
export function onClusterClosed(
  core: Core,
  cluster: Cluster,
  terminatePending: boolean,
  nowMs: number,
): void {
  closeCluster(core, cluster, { wantsResults: false, terminatePending }, nowMs);
  dispatch(core);
}

/** The node has closed the computation, or can no longer be asked to. */
export function onShareClosed(core: Core, share: Share, nowMs: number): void {
  // Of one on a node that was given up meanwhile, nothing is left to do.
  if (share.cluster.shares.get(share.node.ipAddr) !== share) return;
  share.state = "closed";
  core.note(share);
  share.closedAtMs = nowMs;
  settleClosedShare(core, share, nowMs);
  dispatch(core);
}
