/**
 * How jobs end or go back, with what their clients are told of it.
 *
 * @module
 */

import { finishDelivery } from "./deliver.ts";
import { type Cluster, type Job, Outcome } from "./entities.ts";
import { type Core, takesPinned } from "./state.ts";
import { end, requeue } from "./transitions.ts";

/** How often a node is reminded that a job is to end: it ignores this while a job starts up. */
const TERMINATE_AGAIN_MS = 2_000;

/** Ends a job by our own decision and tells its client so. */
export function endJob(
  core: Core,
  job: Job,
  status: Outcome,
  reason: string | null,
  nowMs: number,
): void {
  const node = job.share?.node;
  end(core, job);
  finishDelivery(core, job, node ? { status, reason, node } : { status, reason }, nowMs);
}

/**
 * Takes back a job that its node does not run, or runs no longer: it goes back to its place in
 * the queue, unless nobody wants it any more or it may run on that node only and the node has
 * gone.
 */
export function returnJob(core: Core, job: Job, reason: string, nowMs: number): void {
  const { cluster, pinnedTo } = job;
  const pinnedShare = pinnedTo === null ? undefined : cluster.shares.get(pinnedTo);
  const canRun = pinnedTo === null || (pinnedShare !== undefined && takesPinned(pinnedShare));
  if (!cluster.wantsResults) end(core, job);
  else if (!cluster.accepts) endJob(core, job, Outcome.Terminated, reason, nowMs);
  else if (job.cancelRequested) endJob(core, job, Outcome.Cancelled, job.endReason, nowMs);
  else if (canRun) requeue(core, job);
  else endJob(core, job, Outcome.Cancelled, reason, nowMs);
}

/**
 * Takes back a job that was running on a node that is gone. Only where the client has said
 * that its jobs may run twice (`reentrant`) is it run again; dispy's documentation promises
 * that all others are cancelled, and so are jobs that their clients pinned to the node.
 */
export function loseJob(core: Core, job: Job, reason: string, nowMs: number): void {
  const { cluster } = job;
  job.mayHaveRun = true;
  if (cluster.options.reentrant && job.pinnedTo === null) returnJob(core, job, reason, nowMs);
  else if (!cluster.wantsResults) end(core, job);
  else endJob(core, job, Outcome.Cancelled, reason, nowMs);
}

/**
 * Ends a job that a node has, or is about to have, by way of that node.
 *
 * @param reason What the client is told; `null` where the client itself wants it.
 */
export function cancelAtNode(core: Core, job: Job, reason: string | null, nowMs: number): void {
  // The first wish counts.
  if (!job.cancelRequested) job.endReason = reason;
  job.cancelRequested = true;
  core.note(job);
  // One whose message is under way is ended as soon as the node has acknowledged it.
  if (job.state === "running") terminate(core, job, nowMs);
}

/**
 * Ends a job, wherever it is. Returns whether there is such a job.
 *
 * @param reason What the client is told; `null` where the client itself wants it.
 */
export function cancelJob(
  core: Core,
  cluster: Cluster,
  uid: number,
  reason: string | null,
  nowMs: number,
): boolean {
  const offer = core.offered.get(uid);
  if (offer?.cluster === cluster) {
    // The client knows its uid before we know that it does.
    offer.cancelRequested = true;
    return true;
  }
  const job = cluster.jobs.get(uid);
  if (job === undefined) return false;
  if (job.state === "queued") {
    endJob(core, job, Outcome.Cancelled, reason, nowMs);
  } else {
    cancelAtNode(core, job, reason, nowMs);
  }
  return true;
}

/** Tells a running job's node to end it; the node's reply will end the job here. */
export function terminate(core: Core, job: Job, nowMs: number): void {
  job.terminateSentMs = nowMs;
  core.terminating.add(job);
  core.emit({ kind: "terminateJob", job, node: job.share!.node });
}

/** Reminds nodes of jobs that they were told to end and that still run. */
export function remindTerminating(core: Core, nowMs: number): void {
  for (const job of core.terminating) {
    if (job.state === "running" && nowMs - job.terminateSentMs >= TERMINATE_AGAIN_MS) {
      terminate(core, job, nowMs);
    }
  }
}
