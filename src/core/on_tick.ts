/**
 * What happens because time passes, and at the end.
 *
 * @module
 */

import { retryDeliveries } from "./deliver.ts";
import { dispatch } from "./dispatch.ts";
import { type Cluster, Outcome } from "./entities.ts";
import { checkUpNodes } from "./check_ups.ts";
import { closeCluster, closeRecovered, settleClosedShare } from "./clusters.ts";
import { holdSetup } from "./held_steps.ts";
import { endJob, remindTerminating } from "./jobs.ts";
import { auditNodes, takeInventories } from "./inventory.ts";
import { loseSilentNodes, probeSilentNodes } from "./nodes.ts";
import { passOverStandstill } from "./standstill.ts";
import { type Core, reindexNode } from "./state.ts";

/** So many of its nodes is a client told the numbers of at each tick. */
const STATS_PER_TICK = 20;

/** Time has passed. To be called about twice a second: all waits are rounded up to that. */
export function onTick(core: Core, nowMs: number): void {
  passOverStandstill(core, nowMs);
  loseSilentNodes(core, nowMs);
  probeSilentNodes(core, nowMs);
  auditNodes(core, nowMs);
  checkUpNodes(core, nowMs);
  takeInventories(core, nowMs);
  for (const node of core.nodes.values()) {
    if (node.pausedUntilMs !== 0 && node.pausedUntilMs <= nowMs) {
      node.pausedUntilMs = 0;
      reindexNode(core, node);
    }
  }
  for (const cluster of core.clusters.values()) {
    retryDeliveries(core, cluster, nowMs);
    retrySetups(core, cluster, nowMs);
    for (const share of cluster.shares.values()) {
      if (share.state === "closed") settleClosedShare(core, share, nowMs);
    }
  }
  closeZombies(core, nowMs);
  closeRecovered(core, nowMs);
  remindTerminating(core, nowMs);
  tellStats(core);
  dispatch(core);
}

function retrySetups(core: Core, cluster: Cluster, nowMs: number): void {
  if (cluster.state !== "active") return;
  for (const share of cluster.shares.values()) {
    if (share.state === "failed" && share.retryAtMs <= nowMs) holdSetup(core, share);
  }
}

/** Ends clusters whose clients have been silent too long; their results are kept. */
function closeZombies(core: Core, nowMs: number): void {
  const { zombieIntervalMs } = core.options;
  if (zombieIntervalMs === null) return;
  for (const cluster of core.clusters.values()) {
    // Clients learn that they are to show signs of life when they are scheduled, not before.
    if (cluster.state === "waiting") cluster.lastPulseMs = nowMs;
    if (nowMs - cluster.lastPulseMs > zombieIntervalMs) {
      closeCluster(core, cluster, { wantsResults: true, reason: "the client is silent" }, nowMs);
    }
  }
}

/**
 * Tells clients the numbers of their nodes that have changed: once per tick and not per job, and
 * of many nodes only some at a time, as each of these messages is a connection.
 */
function tellStats(core: Core): void {
  const told = new Map<Cluster, number>();
  for (const share of core.changedShares) {
    const count = told.get(share.cluster) ?? 0;
    if (count >= STATS_PER_TICK) continue;
    told.set(share.cluster, count + 1);
    core.changedShares.delete(share);
    if (share.jobsDone !== share.jobsNoted) {
      share.jobsNoted = share.jobsDone;
      core.note(share);
      core.note(share.cluster);
    }
    core.emit({ kind: "tellNodeStatus", share, status: "stats" });
  }
}

/** What clients are told of jobs that a shutdown ends. */
export const SHUTDOWN_REASON = "the scheduler was shut down";

/** Ends all clusters: clients are told which jobs will not run, nodes are closed. */
export function onShutdown(core: Core, nowMs: number): void {
  core.shuttingDown = true;
  core.waiting.length = 0;
  for (const cluster of [...core.clusters.values()]) {
    closeCluster(core, cluster, { wantsResults: true, reason: SHUTDOWN_REASON }, nowMs);
  }
}

/** Nodes had their time to end jobs: clients are told of those that nodes have not answered for. */
export function onShutdownOver(core: Core, nowMs: number): void {
  for (const job of [...core.jobs.values()]) {
    endJob(core, job, Outcome.Terminated, SHUTDOWN_REASON, nowMs);
  }
}
