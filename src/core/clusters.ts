/**
 * Which clusters are scheduled, and how they end.
 *
 * @module
 */

import { mayOverlap } from "./allocation.ts";
import { forgetDeliveries, forgetIfDone } from "./deliver.ts";
import { type Cluster, Outcome, type Share } from "./entities.ts";
import { cancelAtNode, endJob } from "./jobs.ts";
import { closeShare, offerLeftNode, removeShare } from "./shares.ts";
import type { Core } from "./state.ts";

/** So long after a node has closed a computation the last of its results may still come. */
const LAST_REPLIES_MS = 5_000;

/**
 * Lets clusters in, in the order in which they asked. One that is exclusive waits for all others
 * that might use one of its nodes, and they for it, whether these are scheduled or wait already.
 */
export function scheduleWaiting(core: Core): void {
  if (core.waiting.length === 0) return;
  const ahead = [...core.clusters.values()].filter(isScheduled);
  for (const cluster of [...core.waiting]) {
    if (!ahead.some((other) => excludesEachOther(cluster, other))) {
      core.waiting.splice(core.waiting.indexOf(cluster), 1);
      cluster.state = "announcing";
      core.note(cluster);
      core.emit({ kind: "announceCluster", cluster });
    }
    ahead.push(cluster);
  }
}

/** Whether it has nodes, or is about to have them. */
function isScheduled(cluster: Cluster): boolean {
  return cluster.accepts || cluster.state === "closing";
}

/** The cluster that goes before `cluster`, which waits; `null` where none does. */
export function clusterAhead(core: Core, cluster: Cluster): Cluster | null {
  const waiting = core.waiting.slice(0, core.waiting.indexOf(cluster));
  const ahead = [...core.clusters.values()].filter(isScheduled);
  return [...ahead, ...waiting].find((other) => excludesEachOther(cluster, other)) ?? null;
}

/** Whether two clusters must not be scheduled at the same time. */
function excludesEachOther(a: Cluster, b: Cluster): boolean {
  return (a.options.exclusive || b.options.exclusive) && mayOverlap(a.allocations, b.allocations);
}

/**
 * Ends a cluster: waiting jobs go, nodes are told to close. Clients that still want to know
 * are told of jobs that will not run.
 */
export function closeCluster(
  core: Core,
  cluster: Cluster,
  how: { wantsResults: boolean; terminatePending?: boolean; reason?: string },
  nowMs: number,
): void {
  if (!how.wantsResults) {
    forgetDeliveries(core, cluster);
  }
  if (cluster.state === "closing" || cluster.state === "closed") {
    forgetIfDone(core, cluster);
    return;
  }
  const at = core.waiting.indexOf(cluster);
  if (at >= 0) core.waiting.splice(at, 1);
  const terminatePending = how.terminatePending ?? true;
  cluster.state = "closing";
  core.note(cluster);
  for (const job of cluster.jobs.values()) {
    if (job.state === "queued") {
      endJob(core, job, Outcome.Terminated, how.reason ?? null, nowMs);
    } else if (terminatePending) {
      cancelAtNode(core, job, how.reason ?? null, nowMs);
    }
  }
  for (const share of cluster.shares.values()) {
    if (share.state !== "closing" && share.state !== "closed") {
      closeShare(core, share, terminatePending, null, nowMs);
    }
  }
  closeIfIdle(core, cluster);
}

/** Closes clusters whose restarted clients have all results that they have come for. */
export function closeRecovered(core: Core, nowMs: number): void {
  for (const cluster of core.clusters.values()) {
    const { isRecovering, jobs, deliveries } = cluster;
    if (!isRecovering || jobs.size > 0 || deliveries.size > 0) continue;
    closeCluster(core, cluster, { wantsResults: false }, nowMs);
  }
}

/** Moves a closing cluster on once its jobs and nodes are done. */
export function closeIfIdle(core: Core, cluster: Cluster): void {
  if (cluster.state !== "closing" || cluster.jobs.size > 0 || cluster.shares.size > 0) return;
  cluster.state = "closed";
  core.note(cluster);
  core.emit({ kind: "forgetClusterFiles", cluster });
  forgetIfDone(core, cluster);
  scheduleWaiting(core);
}

/**
 * Takes a share that its node has closed out of the books once its last jobs are done: nodes
 * close a computation before the scheduler has acknowledged its last results.
 */
export function settleClosedShare(core: Core, share: Share, nowMs: number): void {
  const { cluster, node } = share;
  if (!cluster.wantsResults || nowMs - share.closedAtMs >= LAST_REPLIES_MS) {
    for (const job of [...node.jobs]) {
      // Whether a job whose message is under way has been started, its answer will tell.
      if (job.share !== share || (job.state !== "running" && !job.isUnaccounted)) continue;
      endJob(core, job, Outcome.Terminated, "the node closed", nowMs);
    }
  }
  if (share.busy > 0) return;
  removeShare(core, share);
  offerLeftNode(core, node);
  closeIfIdle(core, cluster);
}
