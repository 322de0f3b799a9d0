/**
 * What became of jobs that nodes are believed to have: of all of them after a restart, and now and
 * then of those that run for long, as nodes can forget a job without a word.
 *
 * Each node is asked which jobs it runs, and to send again the results that it holds, until all
 * of its jobs are accounted for: those that it runs go on, those whose results come are done.
 * One that is neither for long enough is lost: only where the client has said that its jobs may
 * run twice is it run again, as nobody can tell whether it has run.
 *
 * @module
 */

import { closeIfIdle } from "./clusters.ts";
import { dispatch } from "./dispatch.ts";
import { type Job, type Node, Outcome, type Share } from "./entities.ts";
import { endJob, returnJob, terminate } from "./jobs.ts";
import { loseNode } from "./nodes.ts";
import { type Core, reindexNode } from "./state.ts";
import { end, start } from "./transitions.ts";

/** A node that did not answer, or has jobs that are not accounted for, is asked again so soon. */
const ASK_AGAIN_MS = 2_000;
/** A job of which nothing was heard in so many answers, and for so long, is lost. */
const ANSWERS = 3;
/** Longer than a node that could not deliver a result takes to see that, and to keep it. */
const WAIT_MS = 10_000;
/** Jobs that run for longer are looked after this often. */
const AUDIT_MS = 30_000;
/** A node that was silent for as many pulses, and is heard of again, has missed some. */
const SILENT_PULSES = 2.5;
/** So many refusals in a row mean that the node has gone. */
const REFUSALS = 3;

/** What a node of an earlier run has said when it was asked for its jobs. */
export type InventoryAnswer =
  /** The uids of the jobs that it runs. Results that it holds are on their way. */
  | { readonly kind: "alive"; readonly running: ReadonlySet<number> }
  /** Nobody is there, or a program that does not know us. */
  | { readonly kind: "refused" }
  /** Nothing has come back: the network may be at fault, so only missing pulses count. */
  | { readonly kind: "silent" };

/** Notes that `node`, of an earlier run, has yet to tell what it has of our jobs. */
export function beginInventory(core: Core, node: Node, nowMs: number): void {
  node.inventory = {
    isConfirmed: false,
    isUnderWay: false,
    nextAskMs: nowMs,
    answers: 0,
    firstAnswerMs: 0,
    refusals: 0,
  };
  core.inventoried.add(node);
}

/** Has jobs looked after that have run for long on nodes that were not asked for as long. */
export function auditNodes(core: Core, nowMs: number): void {
  for (const node of core.nodes.values()) {
    if (node.busy === 0 || node.inventory !== null || node.nextAuditMs > nowMs) continue;
    // Either way, as the clock may have been set back.
    auditNode(core, node, (job) => Math.abs(nowMs - job.startTimeMs) >= AUDIT_MS, nowMs);
  }
}

/** Has the jobs looked after that run on `share`, at once. */
export function auditShare(core: Core, share: Share, nowMs: number): void {
  const { node } = share;
  // One that is under way has begun too early to tell of these; the next will.
  if (node.inventory === null) auditNode(core, node, (job) => job.share === share, nowMs);
}

/** Has all jobs looked after that run on `node`, at once. */
export function auditAll(core: Core, node: Node, nowMs: number): void {
  if (node.inventory === null) auditNode(core, node, () => true, nowMs);
}

/** Has those jobs looked after that run on `node` and that `isDue` says. */
function auditNode(core: Core, node: Node, isDue: (job: Job) => boolean, nowMs: number): void {
  node.nextAuditMs = nowMs + AUDIT_MS;
  let isNeeded = false;
  for (const job of node.jobs) {
    if (job.state === "running" && isDue(job)) isNeeded = job.isUnaccounted = true;
  }
  if (!isNeeded) return;
  beginInventory(core, node, nowMs);
  // Meanwhile it gets jobs as ever.
  node.inventory!.isConfirmed = true;
}

/**
 * A sign of life of a node. What it wanted to tell while it was silent it may keep, and not send by
 * itself: where it has missed pulses it is asked for all of its jobs.
 */
export function onSignOfLife(core: Core, node: Node, nowMs: number): void {
  const { pulseIntervalMs } = core.options;
  const silentMs = nowMs - node.lastPulseMs;
  node.lastPulseMs = nowMs;
  if (pulseIntervalMs === null || silentMs <= SILENT_PULSES * pulseIntervalMs) return;
  if (core.nodes.get(node.ipAddr) === node) auditAll(core, node, nowMs);
}

/** Has nodes asked whose turn it is. */
export function takeInventories(core: Core, nowMs: number): void {
  for (const node of core.inventoried) {
    const { inventory } = node;
    if (inventory === null || inventory.isUnderWay || inventory.nextAskMs > nowMs) continue;
    inventory.isUnderWay = true;
    core.emit({ kind: "inventoryNode", node });
  }
}

/** A node of an earlier run was asked what it has of our jobs. */
export function onNodeInventoried(
  core: Core,
  node: Node,
  answer: InventoryAnswer,
  nowMs: number,
): void {
  const { inventory } = node;
  if (inventory === null || core.nodes.get(node.ipAddr) !== node) return;
  inventory.isUnderWay = false;
  inventory.nextAskMs = nowMs + ASK_AGAIN_MS;
  if (answer.kind === "refused") {
    if (++inventory.refusals >= REFUSALS) loseNode(core, node, "it has vanished", nowMs);
    dispatch(core);
    return;
  }
  inventory.refusals = 0;
  if (answer.kind === "alive") {
    node.lastPulseMs = nowMs;
    if (inventory.answers++ === 0) inventory.firstAnswerMs = nowMs;
    account(core, node, answer.running, nowMs);
    confirmNode(core, node);
  }
  dispatch(core);
}

/** The node lives and knows us: it may get jobs again. */
export function confirmNode(core: Core, node: Node): void {
  const { inventory } = node;
  if (inventory === null) return;
  inventory.isConfirmed = true;
  for (const job of node.jobs) {
    if (!job.isUnaccounted) continue;
    reindexNode(core, node);
    return;
  }
  node.inventory = null;
  core.inventoried.delete(node);
  reindexNode(core, node);
}

function account(core: Core, node: Node, running: ReadonlySet<number>, nowMs: number): void {
  const { answers, firstAnswerMs } = node.inventory!;
  const isOver = answers >= ANSWERS && nowMs - firstAnswerMs >= WAIT_MS;
  // Of jobs that they were told to end, nodes do not keep results.
  const isOverIfEnded = answers > 1;
  for (const job of [...node.jobs]) {
    if (!job.isUnaccounted) continue;
    if (running.has(job.uid)) found(core, job, node, nowMs);
    else if (isOver || (job.cancelRequested && isOverIfEnded)) lost(core, job, node, nowMs);
  }
}

function found(core: Core, job: Job, node: Node, nowMs: number): void {
  job.isUnaccounted = false;
  if (job.state === "assigned") {
    start(core, job, nowMs);
    core.emit({ kind: "tellJobRunning", job, node });
  }
  if (job.cancelRequested) terminate(core, job, nowMs);
}

function lost(core: Core, job: Job, node: Node, nowMs: number): void {
  const { cluster } = job;
  const reason = `node ${node.ipAddr} does not run it, and has no result of it`;
  if (!cluster.wantsResults) end(core, job);
  // Nodes do not keep the results of jobs that they were told to end.
  else if (job.cancelRequested) endJob(core, job, Outcome.Terminated, null, nowMs);
  else if (cluster.options.reentrant) {
    job.mayHaveRun = true;
    returnJob(core, job, reason, nowMs);
  } else endJob(core, job, Outcome.Abandoned, reason, nowMs);
  closeIfIdle(core, cluster);
}
