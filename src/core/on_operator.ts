/**
 * What whoever runs the scheduler wants of clusters and nodes, whatever their clients say.
 *
 * @module
 */

import { closeCluster } from "./clusters.ts";
import { dispatch } from "./dispatch.ts";
import type { Cluster, Node } from "./entities.ts";
import { cancelAtNode, cancelJob } from "./jobs.ts";
import { offerNode } from "./shares.ts";
import { type Core, reindexNode } from "./state.ts";

/** What clients are told of jobs that an operator ends. */
export const OPERATOR_REASON = "cancelled by the operator (dispyscheduler cancel)";

/**
 * A cluster is to end. Its client is told so of every job that will not run, and can submit no
 * more; the cluster is forgotten when its client has all results.
 *
 * @param terminateRunning Ends the jobs that run, too; else they may finish.
 */
export function onClusterCancelled(
  core: Core,
  cluster: Cluster,
  terminateRunning: boolean,
  nowMs: number,
): void {
  const reason = OPERATOR_REASON;
  const wasClosing = cluster.state === "closing";
  const { wantsResults } = cluster;
  closeCluster(
    core,
    cluster,
    { wantsResults, terminatePending: terminateRunning, reason },
    nowMs,
  );
  // Those that were to finish when it was closed.
  if (wasClosing && terminateRunning) {
    for (const job of cluster.jobs.values()) cancelAtNode(core, job, reason, nowMs);
  }
  dispatch(core);
}

/** A job is to end. Returns whether its cluster has such a job. */
export function onJobEnded(core: Core, cluster: Cluster, uid: number, nowMs: number): boolean {
  return cancelJob(core, cluster, uid, OPERATOR_REASON, nowMs);
}

/**
 * Sets how many CPUs of a node are used at most; jobs that run there go on.
 *
 * @param ipAddr The node's address: the limit holds when the node is gone and comes back, too.
 * @param cpus 0 = no new jobs, and no new computation; `null` = as many as the node has.
 */
export function onNodeLimited(core: Core, ipAddr: string, cpus: number | null): void {
  if (cpus === null) core.cpuLimits.delete(ipAddr);
  else core.cpuLimits.set(ipAddr, cpus);
  const node = core.nodes.get(ipAddr);
  if (node === undefined) return;
  applyLimit(core, node);
  reindexNode(core, node);
  offerNode(core, node);
  dispatch(core);
}

/** Gives a node the limit of its address. */
export function applyLimit(core: Core, node: Node): void {
  node.cpuLimit = core.cpuLimits.get(node.ipAddr) ?? Infinity;
}
