/**
 * What happens to jobs: submitted, started, refused, answered, cancelled.
 *
 * @module
 */

import { noteResult } from "./check_ups.ts";
import { closeIfIdle, settleClosedShare } from "./clusters.ts";
import { finishDelivery, forgetIfDone } from "./deliver.ts";
import { dispatch } from "./dispatch.ts";
import { type Cluster, Job, Outcome, type Share } from "./entities.ts";
import { holdSetup } from "./held_steps.ts";
import { auditShare, onSignOfLife } from "./inventory.ts";
import { cancelJob, endJob, loseJob, returnJob, terminate } from "./jobs.ts";
import { nodeUnreachable } from "./nodes.ts";
import { setupFailure } from "./shares.ts";
import { type Core, reindexNode, takesPinned } from "./state.ts";
import { end, enqueue, start } from "./transitions.ts";

/** A job as its client submits it. */
export interface JobRequest {
  /** From {@linkcode Core.newId}: the client was told this number already. */
  readonly uid: number;
  readonly hash: string;
  /** Address of the node that the client insists on, or `null`. */
  readonly pinnedTo: string | null;
  /** What the node needs to run it. Opaque here. */
  readonly payload: unknown;
}

/** How often a job may be refused by nodes for reasons of its own before its client is told. */
const MAX_REFUSALS = 5;

/** Why a job has not started, in words. */
const REASONS = {
  busy: "the node is busy",
  unreachable: "the node cannot be reached",
  lost: "the node does not tell whether it runs the job",
  withheld: "the node has closed the computation",
  vanished: "the node did not confirm the job and knows nothing of it",
};

/** How long a node that says it is busy is left alone. */
const BUSY_PAUSE_MS = 500;

/**
 * Whether `cluster` takes a job pinned to the node `pinnedTo` (or to none): `null`, or the
 * reason why not. To be asked before the client is given a uid.
 */
export function refusesJob(core: Core, cluster: Cluster, pinnedTo: string | null): string | null {
  if (core.shuttingDown) return "the scheduler is shutting down";
  if (!cluster.accepts) return `computation ${cluster.id} is ${cluster.state}`;
  if (pinnedTo !== null) {
    const share = cluster.shares.get(pinnedTo);
    if (share === undefined) return `the computation does not use node ${pinnedTo}`;
    if (takesPinned(share)) return null;
    const isFailed = share.state === "failed" && share.failure !== null;
    return isFailed
      ? setupFailure(share)
      : `node ${pinnedTo} takes no more jobs of the computation`;
  }
  return null;
}

/**
 * A client is about to be told the uid of its job. Until it has acknowledged that, nobody knows
 * whether it has heard it: should the scheduler end now, the next run takes the job as submitted.
 */
export function onJobOffered(
  core: Core,
  cluster: Cluster,
  request: JobRequest,
  nowMs: number,
): Job {
  const { uid, hash, pinnedTo, payload } = request;
  const job = new Job(uid, hash, cluster, core.newSeq(), pinnedTo, nowMs, payload);
  core.offered.set(uid, job);
  cluster.offers++;
  core.note(job);
  return job;
}

/** The client has not acknowledged the uid of a job: it will not ask for the job. */
export function onJobWithdrawn(core: Core, job: Job): void {
  job.state = "withdrawn";
  takeBackOffer(core, job);
  core.emit({ kind: "forgetJob", job });
  forgetIfDone(core, job.cluster);
}

/**
 * The client has acknowledged its job's uid. From here on the job has exactly one outcome: where
 * the cluster or the pinned node has gone since {@linkcode refusesJob}, the client is told so with
 * a result.
 */
export function onJobSubmitted(core: Core, job: Job, nowMs: number): void {
  const { uid, cluster, pinnedTo } = job;
  takeBackOffer(core, job);
  cluster.lastPulseMs = nowMs;
  const refusal = refusesJob(core, cluster, pinnedTo);
  if (refusal !== null || job.cancelRequested) {
    job.state = "done";
    core.emit({ kind: "forgetJob", job });
    // As all other jobs of a cluster that ends; Cancelled where only the pinned node has gone, or
    // where the client did not want it any more.
    const ending = core.shuttingDown || !cluster.accepts;
    const status = ending ? Outcome.Terminated : Outcome.Cancelled;
    finishDelivery(core, job, { status, reason: refusal }, nowMs);
    forgetIfDone(core, cluster);
    return;
  }
  core.jobs.set(uid, job);
  cluster.jobs.set(uid, job);
  enqueue(core, job);
  dispatch(core);
}

/** The job is an offer no more: it counts, or never will. */
function takeBackOffer(core: Core, job: Job): void {
  core.offered.delete(job.uid);
  job.cluster.offers--;
  core.note(job);
}

/** The node has acknowledged a job. Late news of a job that is done already are ignored. */
export function onJobStarted(core: Core, job: Job, share: Share, nowMs: number): void {
  share.node.unreachable = share.node.busySinceMs = 0;
  onSignOfLife(core, share.node, nowMs);
  if (job.state !== "assigned" || job.share !== share) return;
  start(core, job, nowMs);
  if (core.nodes.get(share.node.ipAddr) !== share.node) {
    loseJob(core, job, `node ${share.node.ipAddr} is gone`, nowMs);
    closeIfIdle(core, job.cluster);
    dispatch(core);
    return;
  }
  core.emit({ kind: "tellJobRunning", job, node: share.node });
  if (job.cancelRequested) terminate(core, job, nowMs);
}

/** Why a job was not started by the node it was sent to. */
export type JobRefusal =
  /** The node has no CPU free: its count and ours differ. */
  | { readonly kind: "busy" }
  /** The node no longer knows the computation. */
  | { readonly kind: "dropped"; readonly reason: string }
  /** It was not sent: meanwhile the node has dropped the computation, or is to close it. */
  | { readonly kind: "withheld" }
  /** The node did not answer, or could not be connected to. */
  | { readonly kind: "unreachable" }
  /** The node may or may not run the job, and does not tell. */
  | { readonly kind: "lost" }
  /** The node does not run the job and has no result of it, but may have run it. */
  | { readonly kind: "vanished" }
  /** The job itself cannot be sent or is not taken. */
  | { readonly kind: "rejected"; readonly reason: string }
  /** There is nothing left to send, to whichever node. */
  | { readonly kind: "damaged"; readonly reason: string };

/**
 * A node did not take a job. The job goes back to its place in the queue; this is safe because
 * the node has said that it does not run it, or is given up on with all that it runs.
 */
export function onJobRefused(
  core: Core,
  job: Job,
  share: Share,
  refusal: JobRefusal,
  nowMs: number,
): void {
  if (job.state !== "assigned" || job.share !== share) return;
  const { node } = share;
  const blamed = refusal.kind === "rejected" || refusal.kind === "dropped";
  const reason = blamed || refusal.kind === "damaged"
    ? refusal.reason
    : `${REASONS[refusal.kind]} (${node.ipAddr})`;
  if (refusal.kind === "damaged" || blamed && ++job.refusals >= MAX_REFUSALS) {
    endJob(core, job, Outcome.Terminated, reason, nowMs);
  } else if (refusal.kind === "lost" || refusal.kind === "vanished") {
    loseJob(core, job, reason, nowMs);
  } else {
    returnJob(core, job, reason, nowMs);
  }
  if (refusal.kind === "busy" || refusal.kind === "rejected") {
    node.pausedUntilMs = nowMs + BUSY_PAUSE_MS;
    if (refusal.kind === "busy" && node.busySinceMs === 0) node.busySinceMs = nowMs;
    reindexNode(core, node);
  } else if (refusal.kind === "dropped") {
    if (share.state === "ready") {
      holdSetup(core, share);
      // What it says can be true of none that we believe to run there.
      auditShare(core, share, nowMs);
    }
  } else if (refusal.kind === "unreachable" || refusal.kind === "lost") {
    nodeUnreachable(core, node, nowMs);
  }
  closeIfIdle(core, job.cluster);
  dispatch(core);
}

/** A node's reply: a result, provisional or final. */
export interface JobReplyNews {
  readonly uid: number;
  readonly hash: string;
  readonly nodeIpAddr: string;
  /** As dispy numbers it. */
  readonly status: number;
  /** Whether more follows for this job. */
  readonly provisional: boolean;
  readonly startTimeS: number;
  readonly endTimeS: number;
  /** The reply itself. Opaque here. */
  readonly payload: unknown;
}

/**
 * A node has sent a result. Returns whether it was of a job that runs there; all others
 * (doubled, late, made up) change nothing.
 */
export function onJobReply(core: Core, news: JobReplyNews, nowMs: number): boolean {
  const node = core.nodes.get(news.nodeIpAddr);
  const job = core.jobs.get(news.uid);
  if (node !== undefined) onSignOfLife(core, node, nowMs);
  if (
    node === undefined || job === undefined || job.runHash !== news.hash ||
    job.share === null || job.share.node !== node
  ) return false;
  const { share, cluster } = job;
  const reason = news.status === Outcome.Finished ? null : job.endReason;
  const result = { status: news.status, reason, payload: news.payload, node };
  if (news.provisional) {
    // That the job runs, only the node's acknowledgement tells: this may be of an earlier run
    // there, which was thought lost.
    finishDelivery(core, job, result, nowMs, true);
    return true;
  }
  if (job.state === "assigned") {
    // The reply has overtaken the node's acknowledgement. The client is told in order.
    start(core, job, nowMs);
    core.emit({ kind: "tellJobRunning", job, node });
  }
  const cpuTimeS = Math.max(0, news.endTimeS - news.startTimeS);
  for (const account of [node, share, cluster, core.totals]) {
    account.jobsDone++;
    account.cpuTimeS += cpuTimeS;
  }
  core.changedShares.add(share);
  node.pausedUntilMs = 0;
  noteResult(node, nowMs);
  end(core, job);
  finishDelivery(core, job, result, nowMs);
  if (share.state === "closed") settleClosedShare(core, share, nowMs);
  dispatch(core);
  return true;
}

/** The client wants a job ended. Returns whether there is such a job. */
export function onJobCancelled(core: Core, cluster: Cluster, uid: number, nowMs: number): boolean {
  cluster.lastPulseMs = nowMs;
  return cancelJob(core, cluster, uid, null, nowMs);
}
