/**
 * Nodes that live, run jobs by their own account, and send no results: dispynode does so when its
 * thread for results has died, and the list of its jobs then has those that are done as well. Only
 * a closer look tells that from jobs that take long. So nodes are looked at whose jobs run for much
 * longer than others of their cluster did while no result of any has come, and those that are busy,
 * or do not close a computation, without jobs that we know of.
 *
 * @module
 */

import { dispatch } from "./dispatch.ts";
import type { Cluster, Node } from "./entities.ts";
import { auditAll } from "./inventory.ts";
import { loseNode } from "./nodes.ts";
import type { Core } from "./state.ts";

/** A job is overdue that runs for so many times as long as those of its cluster did on average. */
const OVERDUE_TIMES = 20;
/** Never sooner, and where nothing is known of its cluster's jobs, not before the longest. */
const OVERDUE_FIRST_MS = 2_000;
const OVERDUE_LAST_MS = 30_000;
/** A node that is well is left alone for so long, and then for twice as long, up to the last. */
const CHECK_AGAIN_MS = 15_000;
const CHECK_AGAIN_LAST_MS = 600_000;

/** What came of a closer look at a node. */
export type CheckUpAnswer =
  /** Results leave it, or it cannot be told. */
  | "well"
  /** None did; they do now. */
  | "healed"
  /** None do, nor will. */
  | "mute";

/** Has nodes looked at whose jobs are overdue. */
export function checkUpNodes(core: Core, nowMs: number): void {
  for (const node of core.nodes.values()) {
    if (node.shares.size === 0 || node.isCheckedUp || node.nextCheckUpMs > nowMs) continue;
    if (!hasOverdueJob(node, nowMs) && !isOverdueItself(node, nowMs)) continue;
    node.isCheckedUp = true;
    core.emit({ kind: "checkUpNode", node });
  }
}

function hasOverdueJob(node: Node, nowMs: number): boolean {
  for (const job of node.jobs) {
    if (job.state !== "running") continue;
    // Either way, as the clock may have been set back.
    const runsMs = Math.abs(nowMs - job.startTimeMs);
    if (Math.min(runsMs, nowMs - node.lastResultMs) >= patienceMs(job.cluster)) return true;
  }
  return false;
}

/** Whether there must be jobs at `node` for which it does not answer, and which we do not know. */
function isOverdueItself(node: Node, nowMs: number): boolean {
  const isLong = (sinceMs: number) => sinceMs !== 0 && nowMs - sinceMs >= OVERDUE_LAST_MS;
  if (isLong(node.busySinceMs)) return true;
  for (const { state, busy, closeAskedMs } of node.shares.values()) {
    if (state === "closing" && busy === 0 && isLong(closeAskedMs)) return true;
  }
  return false;
}

function patienceMs({ jobsDone, cpuTimeS }: Cluster): number {
  if (jobsDone === 0) return OVERDUE_LAST_MS;
  const usualMs = cpuTimeS / jobsDone * 1_000;
  return Math.min(Math.max(OVERDUE_TIMES * usualMs, OVERDUE_FIRST_MS), OVERDUE_LAST_MS);
}

/** A node that the core wanted to be looked at was looked at. */
export function onNodeCheckedUp(
  core: Core,
  node: Node,
  answer: CheckUpAnswer,
  nowMs: number,
): void {
  node.isCheckedUp = false;
  if (core.nodes.get(node.ipAddr) !== node) return;
  if (answer === "mute") {
    loseNode(core, node, "it sends no results any more; it must be restarted", nowMs);
  } else {
    if (answer === "healed") {
      node.checkUps = 0;
      auditAll(core, node, nowMs);
    }
    const waitMs = CHECK_AGAIN_MS * 2 ** node.checkUps++;
    node.nextCheckUpMs = nowMs + Math.min(waitMs, CHECK_AGAIN_LAST_MS);
  }
  dispatch(core);
}

/** A result has come of `node`. */
export function noteResult(node: Node, nowMs: number): void {
  node.lastResultMs = nowMs;
  node.busySinceMs = 0;
  node.checkUps = 0;
}
