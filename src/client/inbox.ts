/**
 * What becomes of the messages that come for a cluster.
 *
 * @module
 */

import {
  type ComputeRef,
  type JobReply,
  JobStatus,
  type JobStatusMessage,
  type MessageStream,
  type NodeStatusMessage,
  type XferFile,
} from "../wire/mod.ts";
import type { ClusterJob } from "./cluster_job.ts";
import { pathOf } from "./computation.ts";
import { FileTransferError } from "./errors.ts";
import { receiveInto } from "./files.ts";
import type { JobTable } from "./job_table.ts";
import type { NodeTable } from "./nodes.ts";
import type { Observers } from "./observers.ts";
import type { ReplyTarget } from "./reply_port.ts";

/** What an inbox works with. */
export interface InboxParts<Result> {
  readonly jobs: JobTable<Result>;
  readonly nodes: NodeTable;
  readonly observers: Observers<Result>;
  /** Where files go that jobs send; `null` where they are refused. */
  readonly filesFolder: string | URL | null;
  /** The computation's turn has come. */
  readonly onScheduled: (pulseIntervalMs: number | null) => void;
}

/** See the module's description. */
export class Inbox<Result> implements ReplyTarget {
  /** Messages that come before the computation has an id are not ours. */
  ref: ComputeRef | null = null;
  readonly #parts: InboxParts<Result>;

  constructor(parts: InboxParts<Result>) {
    this.#parts = parts;
  }

  onScheduled(computeId: number, pulseIntervalS: number | null): boolean {
    if (computeId !== this.ref?.computeId) return false;
    this.#parts.onScheduled(pulseIntervalS === null ? null : pulseIntervalS * 1000);
    return true;
  }

  onJobStatus(message: JobStatusMessage): void {
    const { jobs, nodes, observers } = this.#parts;
    const job = jobs.find(message.hash, message.uid);
    if (job === null || message.status !== JobStatus.Running) return;
    // A job that was lost with its node starts a second time.
    const moves = job.status === "Running" && job.ipAddr !== null;
    if (moves && job.ipAddr === message.node) return;
    if (moves) nodes.onJobMoved(job.ipAddr as string);
    job.onRunning(message.node, message.startTimeS);
    nodes.onJobStarted(message.node);
    observers.job(job, "Running");
  }

  onJobReply(reply: JobReply): boolean {
    const { jobs, observers } = this.#parts;
    const job = jobs.find(reply.hash, reply.uid);
    if (job === null) return jobs.hasEnded(reply);
    if (reply.status === JobStatus.ProvisionalResult) {
      job.onProvisional(reply);
      observers.job(job, "ProvisionalResult");
      return true;
    }
    const ran = job.status === "Running";
    job.onReply(reply);
    if (ran) this.#parts.nodes.onJobEnded(reply.ipAddr, reply.endTimeS - reply.startTimeS);
    this.#onEnd(job);
    return true;
  }

  onNodeStatus(message: NodeStatusMessage): void {
    if (message.computeId !== this.ref?.computeId || message.auth !== this.ref.auth) return;
    this.#parts.nodes.onStatus(message);
  }

  fileTaker(reply: JobReply): ((stream: MessageStream, file: XferFile) => Promise<void>) | null {
    const { jobs, filesFolder, observers } = this.#parts;
    const job = jobs.find(reply.hash, reply.uid);
    if (job === null || filesFolder === null) return null;
    return async (stream, file) => {
      try {
        const path = await receiveInto(pathOf(filesFolder), stream, file);
        observers.file({ job, path, sizeBytes: file.stat.sizeBytes });
      } catch (error) {
        // The job was told, which alone can do something about it.
        if (!(error instanceof FileTransferError)) throw error;
      }
    };
  }

  /** A job is over without the scheduler. */
  onFailure(job: ClusterJob<Result>, error: Error): void {
    if (job.hasEnded) return;
    if (job.status === "Running" && job.ipAddr !== null) this.#parts.nodes.onJobMoved(job.ipAddr);
    job.onFailure(error);
    this.#onEnd(job);
  }

  #onEnd(job: ClusterJob<Result>): void {
    this.#parts.jobs.onEnd(job);
    this.#parts.observers.job(job, job.status);
  }
}
