/**
 * What happens to nodes: found, set up for a cluster, alive, changed, gone.
 *
 * @module
 */

import { dispatch } from "./dispatch.ts";
import { Node, type NodeInfo, type Share } from "./entities.ts";
import { confirmNode, onSignOfLife } from "./inventory.ts";
import { loseNode, nodeProbed, type ProbeAnswer } from "./nodes.ts";
import { onShareClosed } from "./on_cluster.ts";
import { applyLimit } from "./on_operator.ts";
import { cancelPinned, offerNode, refitShare, setupFailure } from "./shares.ts";
import { type Core, reindexNode, reindexShare } from "./state.ts";

/** First wait before a node that refused a computation is asked again; doubled each time. */
const SETUP_RETRY_FIRST_MS = 5_000;
const SETUP_RETRY_LAST_MS = 300_000;

/** No machine that is a node has more addresses than this, beyond the one that it is known by. */
const MAX_OTHER_ADDRESSES = 16;

/**
 * A node has introduced itself. It may do so several times for one question. One that was
 * known with another sign was restarted: what ran on it is lost.
 */
export function onNodeFound(core: Core, info: NodeInfo, nowMs: number): Node {
  let node = core.nodes.get(info.ipAddr);
  if (node !== undefined && (node.info.sign !== info.sign || node.info.port !== info.port)) {
    loseNode(core, node, "it was restarted", nowMs);
    node = undefined;
  }
  if (node === undefined) {
    node = new Node(info, nowMs);
    applyLimit(core, node);
    core.nodes.set(info.ipAddr, node);
    core.note(node);
  } else {
    onSignOfLife(core, node, nowMs);
    if (node.name !== info.name) {
      node.name = info.name;
      core.note(node);
    }
    if (info.requestAuth !== undefined && info.requestAuth !== node.info.requestAuth) {
      node.info = { ...node.info, requestAuth: info.requestAuth };
      core.note(node);
    }
    node.availInfo = info.availInfo;
    node.unreachable = 0;
    node.pausedUntilMs = 0;
    setAvailCpus(core, node, info.cpus);
    confirmNode(core, node);
    reindexNode(core, node);
  }
  offerNode(core, node);
  dispatch(core);
  return node;
}

/**
 * A node that we have was found at another of its addresses. It is no second node, of which the
 * CPUs would count twice. Another that was known there has given way to it.
 */
export function onNodeFoundElsewhere(core: Core, node: Node, ipAddr: string, nowMs: number): void {
  const former = core.nodes.get(ipAddr);
  if (former !== undefined) loseNode(core, former, "it was restarted", nowMs);
  if (node.otherAddresses.size < MAX_OTHER_ADDRESSES) node.otherAddresses.add(ipAddr);
  offerNode(core, node);
  dispatch(core);
}

/** The node has taken the computation, its files and its `setup`; it offers `cpus` CPUs. */
export function onShareReady(core: Core, share: Share, cpus: number, nowMs: number): void {
  const { node } = share;
  onSignOfLife(core, node, nowMs);
  node.unreachable = 0;
  setAvailCpus(core, node, cpus);
  refitShare(core, share);
  share.failures = 0;
  if (share.state === "closing") {
    // Closed while it was being set up.
    core.emit({ kind: "closeShare", share, terminatePending: true });
  } else if (share.state === "setting_up") {
    // Where the client has deallocated the node meanwhile, no jobs run there until it is back.
    share.state = share.cluster.excludedNodes.has(node.ipAddr) ? "drained" : "ready";
    core.emit({ kind: "tellNodeStatus", share, status: "initialized" });
    reindexNode(core, node);
  }
  dispatch(core);
}

/** Why a node is not set up for a cluster. */
export type SetupFailure =
  /** It could not be reached, or broke off. */
  | "unreachable"
  /** It did not take the computation: it may serve another scheduler. Asked again later. */
  | "refused"
  /** A file could not be sent, or the client's `setup` failed: it would fail again. */
  | "setup_failed";

/** The node was not set up; it keeps nothing of the computation. */
export function onShareFailed(
  core: Core,
  share: Share,
  failure: SetupFailure,
  reason: string,
  nowMs: number,
): void {
  if (share.state === "closing") {
    onShareClosed(core, share, nowMs);
    return;
  }
  if (share.state !== "setting_up") return;
  share.state = "failed";
  core.note(share);
  share.failures++;
  share.failure = reason;
  if (failure !== "setup_failed" && !share.cluster.excludedNodes.has(share.node.ipAddr)) {
    const waitMs = SETUP_RETRY_FIRST_MS * 2 ** (share.failures - 1);
    share.retryAtMs = nowMs + Math.min(waitMs, SETUP_RETRY_LAST_MS);
  }
  if (failure === "setup_failed" || share.failures > 1) {
    cancelPinned(core, share, setupFailure(share), nowMs);
  }
  reindexShare(core, share);
}

/** A node's sign of life. Returns whether the node is known. */
export function onNodePulse(
  core: Core,
  ipAddr: string,
  availInfo: unknown,
  nowMs: number,
): boolean {
  const node = core.nodes.get(ipAddr);
  if (node === undefined) return false;
  onSignOfLife(core, node, nowMs);
  if (availInfo !== null) {
    node.availInfo = availInfo;
    for (const share of node.shares.values()) {
      core.changedShares.add(share);
    }
  }
  return true;
}

/** A node that the core wanted to be asked was asked whether it is there. */
export function onNodeProbed(core: Core, node: Node, answer: ProbeAnswer, nowMs: number): void {
  nodeProbed(core, node, answer, nowMs);
  dispatch(core);
}

/** The node's user has changed how many CPUs it offers; none disables it for new jobs. */
export function onNodeCpusChanged(core: Core, node: Node, cpus: number): void {
  node.cpus = node.availCpus = Math.max(0, cpus);
  core.note(node);
  for (const share of node.shares.values()) {
    refitShare(core, share);
    core.emit({ kind: "tellNodeStatus", share, status: "cpus" });
  }
  reindexNode(core, node);
  offerNode(core, node);
  dispatch(core);
}

/** The node has said that it ends. */
export function onNodeTerminated(core: Core, node: Node, nowMs: number): void {
  loseNode(core, node, "it has ended", nowMs);
  dispatch(core);
}

function setAvailCpus(core: Core, node: Node, cpus: number): void {
  if (cpus <= 0 || cpus === node.availCpus) return;
  const limited = node.cpus < node.availCpus;
  node.availCpus = cpus;
  node.cpus = limited ? Math.min(node.cpus, cpus) : cpus;
  core.note(node);
  for (const share of node.shares.values()) refitShare(core, share);
  reindexNode(core, node);
}
