/**
 * How nodes are given up.
 *
 * @module
 */

import { closeIfIdle } from "./clusters.ts";
import type { Cluster, Node } from "./entities.ts";
import { loseJob } from "./jobs.ts";
import { cancelPinned, removeShare } from "./shares.ts";
import { type Core, reindexNode } from "./state.ts";

/** A node is asked again this long after it could not be reached; doubled each time. */
const UNREACHABLE_PAUSE_MS = 1_000;
/** So often in a row it must fail to be reached, with jobs running, to be given up. */
const UNREACHABLE_TRIES = 4;

/** A node with jobs that is silent for so long is asked whether it is there, and then as often. */
const PROBE_AFTER_MS = 30_000;
/** The same of a node without jobs: nothing depends on it, and there may be many. */
const PROBE_IDLE_AFTER_MS = 120_000;
/** Where the answer is no, it is asked again so soon. */
const PROBE_AGAIN_MS = 2_000;
/** Of so many of its nodes a cluster remembers that they are gone. */
const MAX_LOST_NODES = 16;
/** So many such answers in a row are believed. */
const PROBES_REFUSED = 3;
/** So often in a row a node without jobs must give no answer. */
const PROBES_SILENT = 3;

/**
 * A node could not be reached. With nothing running there it is given up at once (it will
 * show up again); else it is left alone for a while, as its jobs may well still run.
 */
export function nodeUnreachable(core: Core, node: Node, nowMs: number): void {
  if (core.nodes.get(node.ipAddr) !== node) return;
  node.unreachable++;
  if (node.jobs.size === 0 || node.unreachable >= UNREACHABLE_TRIES) {
    loseNode(core, node, "it cannot be reached", nowMs);
  } else {
    node.pausedUntilMs = nowMs + UNREACHABLE_PAUSE_MS * 2 ** (node.unreachable - 1);
    reindexNode(core, node);
  }
}

/** Gives up nodes that jobs depend on and that have been silent for five pulses. */
export function loseSilentNodes(core: Core, nowMs: number): void {
  const { pulseIntervalMs } = core.options;
  if (pulseIntervalMs === null) return;
  for (const node of core.nodes.values()) {
    if (nowMs - node.lastPulseMs > 5 * pulseIntervalMs && isNeeded(node)) {
      loseNode(core, node, "it is silent", nowMs);
    }
  }
}

/**
 * Has nodes asked whether they are there that were not heard of for a while: between two signs of
 * life may be minutes, and nodes that nobody uses give none.
 */
export function probeSilentNodes(core: Core, nowMs: number): void {
  for (const node of core.nodes.values()) {
    if (node.isProbed || node.nextProbeMs > nowMs) continue;
    if (nowMs - node.lastPulseMs < probeAfterMs(node)) {
      node.probesRefused = node.probesSilent = 0;
      continue;
    }
    node.isProbed = true;
    core.emit({ kind: "probeNode", node });
  }
}

function probeAfterMs(node: Node): number {
  return isIdle(node) ? PROBE_IDLE_AFTER_MS : PROBE_AFTER_MS;
}

/** Whether it has nothing to do for us that it may not answer for meanwhile. */
function isIdle({ busy, shares }: Node): boolean {
  if (busy > 0) return false;
  for (const { state } of shares.values()) {
    if (state === "setting_up" || state === "closing") return false;
  }
  return true;
}

/** What came of asking a node whether it is there. */
export type ProbeAnswer =
  /** It has answered as a node does. */
  | "alive"
  /** Its machine says that there is no such program, or a program that does not know us. */
  | "refused"
  /** Nothing has come back: the network may be at fault, so only the missing pulses count. */
  | "silent";

/**
 * A node was asked whether it is there. Several refusals in a row mean that it is not; so do several
 * questions without an answer where no job is lost by that.
 */
export function nodeProbed(core: Core, node: Node, answer: ProbeAnswer, nowMs: number): void {
  node.isProbed = false;
  if (core.nodes.get(node.ipAddr) !== node) return;
  node.probesRefused = answer === "refused" ? node.probesRefused + 1 : 0;
  node.probesSilent = answer === "silent" ? node.probesSilent + 1 : 0;
  const idle = isIdle(node);
  const isAskedSoon = answer === "refused" || (answer === "silent" && idle);
  node.nextProbeMs = nowMs + (isAskedSoon ? PROBE_AGAIN_MS : PROBE_AFTER_MS);
  // Nobody uses it, so that it gives no other signs of life.
  if (answer === "alive" && idle) node.lastPulseMs = nowMs;
  if (node.probesRefused >= PROBES_REFUSED) loseNode(core, node, "it has vanished", nowMs);
  else if (idle && node.probesSilent >= PROBES_SILENT) {
    loseNode(core, node, "it does not answer", nowMs);
  }
}

/** The node that has this sign, at whichever address, or `undefined`. */
export function nodeBySign(core: Core, sign: string): Node | undefined {
  for (const node of core.nodes.values()) if (node.info.sign === sign) return node;
  return undefined;
}

/** Whether jobs run on `node`, or wait for it and no other. */
function isNeeded(node: Node): boolean {
  if (node.busy > 0) return true;
  for (const { state, pinned } of node.shares.values()) {
    // Until it is set up it need not show signs of life.
    if (state === "ready" && pinned.size > 0) return true;
  }
  return false;
}

/** Notes for `cluster` that a node of its is gone. */
function noteLost({ lostNodes }: Cluster, { ipAddr }: Node, reason: string): void {
  lostNodes.delete(ipAddr);
  lostNodes.set(ipAddr, reason);
  for (const oldest of lostNodes.keys()) {
    if (lostNodes.size <= MAX_LOST_NODES) break;
    lostNodes.delete(oldest);
  }
}

/**
 * Takes a node out. Its jobs run again elsewhere where the client has said that they may
 * (`reentrant`) and did not pin them; all others are cancelled.
 */
export function loseNode(core: Core, node: Node, reason: string, nowMs: number): void {
  if (core.nodes.get(node.ipAddr) !== node) return;
  core.nodes.delete(node.ipAddr);
  core.inventoried.delete(node);
  core.note(node);
  const why = `node ${node.ipAddr} is gone: ${reason}`;
  const shares = [...node.shares.values()];
  for (const share of shares) {
    cancelPinned(core, share, why, nowMs);
    removeShare(core, share);
    noteLost(share.cluster, node, reason);
  }
  for (const job of [...node.jobs]) {
    // A job whose message is under way stays assigned: the answer, or its lack, decides.
    if (job.state === "running" || job.isUnaccounted) loseJob(core, job, why, nowMs);
  }
  // Before the clusters may be forgotten that it concerns.
  core.emit({ kind: "forgetNode", node, shares, reason });
  for (const share of shares) closeIfIdle(core, share.cluster);
}
