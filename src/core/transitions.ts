/**
 * Every change of a job's state, and of the CPU counts that follow from it:
 *
 *     enqueue → queued → assign → assigned → start → running
 *                  ↑                  │                  │
 *                  └───── requeue ────┴──────────────────┤
 *                                                        ↓
 *     (from every state)                    end → done, with an outcome or without
 *
 * A job holds a CPU exactly while it is assigned or running, so only `assign` takes one and
 * only `release` gives one back.
 *
 * @module
 */

import type { Job, Share } from "./entities.ts";
import { takeHeldStep } from "./held_steps.ts";
import type { LinkedList } from "./linked_list.ts";
import { type Core, reindexCluster, reindexNode, reindexShare, useCpus } from "./state.ts";

/** Puts a new or returned job into the queue it belongs in, at the place of its `seq`. */
export function enqueue(core: Core, job: Job): void {
  job.state = "queued";
  core.note(job);
  const share = job.pinnedTo === null ? undefined : job.cluster.shares.get(job.pinnedTo);
  if (share !== undefined) {
    insertJob(share.pinned, job);
    reindexShare(core, share);
  } else if (job.pinnedTo === null) {
    insertJob(job.cluster.queue, job);
    reindexCluster(core, job.cluster);
  } else {
    throw new Error(`job ${job.uid} is pinned to ${job.pinnedTo}, which its cluster does not use`);
  }
}

/** A new job goes to the end without a look at the others; a returned one near the front. */
function insertJob(list: LinkedList<Job>, job: Job): void {
  if (list.last === null || list.last.seq < job.seq) list.push(job);
  else list.insert(job, (a, b) => a.seq < b.seq);
}

/** Takes a waiting job out of its queue. */
function dequeue(core: Core, job: Job): void {
  job.cluster.queue.remove(job);
  reindexCluster(core, job.cluster);
  const share = job.pinnedTo === null ? undefined : job.cluster.shares.get(job.pinnedTo);
  if (share !== undefined) {
    share.pinned.remove(job);
    reindexShare(core, share);
  }
}

/** queued → assigned: takes a CPU of the share's node. */
export function assign(core: Core, job: Job, share: Share): void {
  if (job.state !== "queued") throw new Error(`job ${job.uid} assigned while ${job.state}`);
  dequeue(core, job);
  if (job.mayHaveRun) job.runHash = `${job.hash}-${core.newId()}`;
  take(core, job, share);
  job.isUnderWay = true;
  share.underWay++;
  reindexNode(core, share.node);
}

/** Puts a job of an earlier run back where it was when the scheduler ended. */
export function resume(core: Core, job: Job, share: Share, startTimeMs: number | null): void {
  take(core, job, share);
  job.isUnaccounted = true;
  if (startTimeMs !== null) start(core, job, startTimeMs);
  // Its node is told to end it, once more, with the next reminders.
  if (job.state === "running" && job.cancelRequested) core.terminating.add(job);
  reindexNode(core, share.node);
}

/** Gives the job a CPU. */
function take(core: Core, job: Job, share: Share): void {
  job.state = "assigned";
  job.share = share;
  share.busy++;
  useCpus(core, job.cluster, 1);
  share.node.busy++;
  share.node.jobs.add(job);
  core.note(job);
}

/** assigned → running. */
export function start(core: Core, job: Job, nowMs: number): void {
  if (job.state !== "assigned") throw new Error(`job ${job.uid} started while ${job.state}`);
  job.state = "running";
  job.startTimeMs = nowMs;
  core.note(job);
  arrive(core, job, job.share!);
}

/** The job's message is no longer on its way: its node has answered, or is not waited for. */
function arrive(core: Core, job: Job, share: Share): void {
  if (job.isUnderWay) share.underWay--;
  job.isUnderWay = false;
  takeHeldStep(core, share);
}

/** assigned, running → queued. Safe for a running job only if its node cannot finish it. */
export function requeue(core: Core, job: Job): void {
  release(core, job);
  enqueue(core, job);
}

/** any state → done. What the client is told is up to the caller. */
export function end(core: Core, job: Job): void {
  if (job.state === "done") throw new Error(`job ${job.uid} ended twice`);
  if (job.state === "queued") dequeue(core, job);
  else release(core, job);
  job.state = "done";
  core.note(job);
  core.jobs.delete(job.uid);
  core.terminating.delete(job);
  job.cluster.jobs.delete(job.uid);
  core.emit({ kind: "forgetJob", job });
}

/** Gives the job's CPU back. */
function release(core: Core, job: Job): void {
  const { share } = job;
  if (share === null) throw new Error(`job ${job.uid} holds no CPU`);
  job.share = null;
  job.isUnaccounted = false;
  share.busy--;
  useCpus(core, job.cluster, -1);
  share.node.busy--;
  share.node.jobs.delete(job);
  arrive(core, job, share);
  reindexNode(core, share.node);
}
