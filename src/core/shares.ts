/**
 * A cluster's use of a node, from the first `COMPUTE:` to the last `CLOSE:`.
 *
 * @module
 */

import { allocatedCpus, findAllocation } from "./allocation.ts";
import { type Cluster, type Node, Outcome, Share } from "./entities.ts";
import { holdClose, holdSetup } from "./held_steps.ts";
import { endJob } from "./jobs.ts";
import { type Core, reindexShare } from "./state.ts";
import { unsuitability } from "./suitability.ts";
import { end } from "./transitions.ts";

/** Gives all clusters their shares of `node`, those first that want it for themselves. */
export function offerNode(core: Core, node: Node): void {
  for (const exclusive of [true, false]) {
    for (const cluster of core.clusters.values()) {
      if (cluster.options.exclusive === exclusive) allocateNode(core, cluster, node);
    }
  }
}

/** A cluster has left `node`: others may have waited for that, or it may want it again. */
export function offerLeftNode(core: Core, node: Node): void {
  if (core.nodes.get(node.ipAddr) !== node) return;
  for (const exclusive of [true, false]) {
    for (const cluster of core.clusters.values()) {
      if (cluster.options.exclusive !== exclusive || cluster.shares.has(node.ipAddr)) continue;
      allocateNode(core, cluster, node);
    }
  }
}

/**
 * The node offers another number of CPUs: which of the cluster's allocations counts, and how many
 * CPUs that gives, may have changed with it.
 */
export function refitShare(core: Core, share: Share): void {
  const { cluster, node } = share;
  share.allocation = findAllocation(cluster.allocations, node) ?? share.allocation;
  share.maxCpus = allocatedCpus(share.allocation, node.availCpus);
  core.note(share);
}

/** Gives `cluster` its share of `node`, if it is to have one and has none. */
export function allocateNode(core: Core, cluster: Cluster, node: Node): void {
  if (cluster.state !== "active" || cluster.excludedNodes.has(node.ipAddr)) return;
  const reason = unsuitability(cluster, node);
  if (reason !== null) {
    if (findAllocation(cluster.allocations, node) !== undefined) {
      core.emit({ kind: "passOverNode", cluster, node, reason });
    }
    return;
  }
  if (isHeldByOther(node, cluster)) return;
  const allocation = findAllocation(cluster.allocations, node);
  if (allocation === undefined) return;
  const present = cluster.shares.get(node.ipAddr);
  const cpus = allocatedCpus(allocation, node.availCpus);
  if (present === undefined) {
    if (node.cpuLimit === 0) return;
    const share = new Share(cluster, node, allocation, cpus);
    cluster.shares.set(node.ipAddr, share);
    node.shares.set(cluster.id, share);
    core.note(share);
    core.emit({ kind: "setUpShare", share });
    return;
  }
  if (present.state === "closing" || present.state === "closed") return;
  present.allocation = allocation;
  present.maxCpus = cpus;
  core.note(present);
  if (present.state === "failed") {
    holdSetup(core, present);
    return;
  }
  if (present.state === "drained") present.state = "ready";
  reindexShare(core, present);
}

/**
 * Whether another cluster, or this one, is to have `node` for itself. That is seen to before
 * clusters are scheduled, but they may ask for more nodes later; they get them when they are free.
 */
export function isHeldByOther(node: Node, cluster: Cluster): boolean {
  for (const share of node.shares.values()) {
    // Of an exclusive cluster's node there are no other shares, so the first one tells.
    return share.cluster !== cluster &&
      (share.cluster.options.exclusive || cluster.options.exclusive);
  }
  return false;
}

/** Why a share has failed, in words. */
export function setupFailure({ node, failure }: Share): string {
  return `node ${node.ipAddr} could not be set up: ${failure}`;
}

/** Tells a node to close a computation; its jobs there run on, or not, until it says so. */
export function closeShare(
  core: Core,
  share: Share,
  terminatePending: boolean,
  reason: string | null,
  nowMs: number,
): void {
  const wasSettingUp = share.state === "setting_up";
  share.state = "closing";
  share.terminatePending = terminatePending;
  share.closeAskedMs = nowMs;
  core.note(share);
  reindexShare(core, share);
  cancelPinned(core, share, reason, nowMs);
  // Where the computation is still on its way to the node, the close follows when it is there.
  if (!wasSettingUp) holdClose(core, share);
}

/** Takes a share without jobs out of the books. */
export function removeShare(core: Core, share: Share): void {
  const { cluster, node } = share;
  if (cluster.shares.get(node.ipAddr) !== share) return;
  share.state = "closing";
  share.isCloseHeld = false;
  reindexShare(core, share);
  cluster.shares.delete(node.ipAddr);
  node.shares.delete(cluster.id);
  core.note(share);
  core.changedShares.delete(share);
  core.emit({ kind: "tellNodeStatus", share, status: "closed" });
  // CPUs that a client has set hold as long as somebody uses the node.
  if (node.shares.size === 0 && node.cpus !== node.availCpus) {
    node.cpus = node.availCpus;
    core.note(node);
  }
}

/** Ends the jobs that wait for this node and no other. */
export function cancelPinned(
  core: Core,
  share: Share,
  reason: string | null,
  nowMs: number,
): void {
  for (const job of share.pinned) {
    if (share.cluster.wantsResults) endJob(core, job, Outcome.Cancelled, reason, nowMs);
    else end(core, job);
  }
}
