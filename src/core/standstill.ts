/**
 * Time in which the scheduler could hear nobody: its process was stopped, its machine slept, or its
 * clock was set. Such time is not held against anybody, and nothing waits for it to come again.
 *
 * @module
 */

import type { Cluster, Node } from "./entities.ts";
import type { Core } from "./state.ts";

/** From one tick to the next no more time counts than this; ticks come twice a second. */
const MAX_TICK_MS = 2_000;

/** A tick: where too much time has passed since the last, or less than none, makes up for it. */
export function passOverStandstill(core: Core, nowMs: number): void {
  const passedMs = core.lastTickMs === null ? 0 : nowMs - core.lastTickMs;
  core.lastTickMs = nowMs;
  if (passedMs > MAX_TICK_MS) moveBeginnings(core, passedMs - MAX_TICK_MS, nowMs);
  else if (passedMs < 0) {
    moveBeginnings(core, 0, nowMs);
    moveDeadlines(core, passedMs);
  }
}

/** What counts from some time on counts from `byMs` later, or from now on. */
function moveBeginnings(core: Core, byMs: number, nowMs: number): void {
  const later = (timeMs: number) => Math.min(timeMs + byMs, nowMs);
  for (const node of core.nodes.values()) {
    node.lastPulseMs = later(node.lastPulseMs);
    node.lastResultMs = later(node.lastResultMs);
    if (node.busySinceMs !== 0) node.busySinceMs = later(node.busySinceMs);
    if (node.inventory !== null) node.inventory.firstAnswerMs = later(node.inventory.firstAnswerMs);
  }
  for (const cluster of core.clusters.values()) {
    cluster.lastPulseMs = later(cluster.lastPulseMs);
    for (const share of cluster.shares.values()) {
      share.closedAtMs = later(share.closedAtMs);
      share.closeAskedMs = later(share.closeAskedMs);
    }
  }
  for (const job of core.terminating) job.terminateSentMs = later(job.terminateSentMs);
}

/** What is to happen at some time happens `byMs` later; of a clock that was set back, sooner. */
function moveDeadlines(core: Core, byMs: number): void {
  for (const node of core.nodes.values()) moveDeadlinesOfNode(node, byMs);
  for (const cluster of core.clusters.values()) moveDeadlinesOfCluster(cluster, byMs);
}

function moveDeadlinesOfNode(node: Node, byMs: number): void {
  // 0 = it is not paused.
  if (node.pausedUntilMs !== 0) node.pausedUntilMs = Math.max(1, node.pausedUntilMs + byMs);
  node.nextProbeMs += byMs;
  node.nextAuditMs += byMs;
  node.nextCheckUpMs += byMs;
  if (node.inventory !== null) node.inventory.nextAskMs += byMs;
}

function moveDeadlinesOfCluster({ overdue, shares }: Cluster, byMs: number): void {
  for (const delivery of overdue) delivery.retryAtMs += byMs;
  for (const share of shares.values()) share.retryAtMs += byMs;
}
