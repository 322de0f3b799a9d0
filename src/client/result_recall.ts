/**
 * Results that are asked for: those that could not be sent to us, and the question what became
 * of jobs while the scheduler was away.
 *
 * @module
 */

import {
  ACK,
  type ComputeRef,
  decodeIntAnswer,
  decodePendingJobsAnswer,
  decodeRetrieveJobAnswer,
  type JobReply,
  type PendingJobsAnswer,
} from "../wire/mod.ts";
import type { ClusterJob } from "./cluster_job.ts";
import { ComputationLostError, DispyError } from "./errors.ts";
import type { JobTable } from "./job_table.ts";
import type { SchedulerLink } from "./scheduler_link.ts";

/** Between two looks that have to agree before a job counts as lost. */
const LOOK_MS = 1_000;

/** So many looks in a row must tell the same: a result may be on its way to us. */
const LOOKS = 3;

/** What a recall works with. */
export interface RecallParts<Result> {
  readonly link: SchedulerLink;
  readonly ref: ComputeRef;
  readonly jobs: JobTable<Result>;
  readonly maxReplyBytes: number;
  readonly onJobReply: (reply: JobReply) => boolean;
  readonly resubmit: (job: ClusterJob<Result>) => void;
  readonly onFailure: (job: ClusterJob<Result>, error: Error) => void;
  /** A request has failed. */
  readonly onLost: (error: Error) => void;
}

/** See the module's description. */
export class ResultRecall<Result> {
  readonly #parts: RecallParts<Result>;
  #reconciling = false;
  #again = false;
  #stopped = false;

  constructor(parts: RecallParts<Result>) {
    this.#parts = parts;
  }

  /** Asks no more. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Fetches the results that the scheduler holds for us.
   *
   * @returns What it said before; `null` where it does not know the computation.
   * @throws {SchedulerUnreachableError}
   * @throws {ProtocolError}
   */
  async fetch(): Promise<PendingJobsAnswer | null> {
    const { link, ref, jobs } = this.#parts;
    const answer = await link.askFor(
      { kind: "PENDING_JOBS", ...ref },
      (message) => message.length === 0 ? null : decodePendingJobsAnswer(message),
    );
    if (answer === null) return null;
    for (const uid of answer.doneUids) {
      const job = jobs.byUid(uid);
      if (job !== undefined) await this.#retrieve(uid, job.hash);
    }
    return answer;
  }

  /**
   * Finds out which jobs the scheduler has after it was away: it is asked for the results that it
   * holds; jobs that it never got are sent again, jobs that it has lost fail.
   */
  async reconcile(): Promise<void> {
    this.#again = true;
    if (this.#reconciling) return;
    this.#reconciling = true;
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false;
        await this.#compare();
      }
    } catch (error) {
      // The watch says when there is a scheduler again with which this can be found out.
      if (!(error instanceof DispyError)) throw error;
      this.#parts.onLost(error);
    } finally {
      this.#reconciling = false;
    }
  }

  async #retrieve(uid: number, hash: string): Promise<void> {
    const { link, ref, maxReplyBytes, onJobReply } = this.#parts;
    await link.request({ kind: "RETRIEVE_JOB", ...ref, uid, hash }, async (stream) => {
      const message = await stream.readMessage(maxReplyBytes);
      if (message.length === 0) return;
      const reply = decodeRetrieveJobAnswer(message);
      if (reply === null) return;
      onJobReply(reply);
      await stream.writeMessage(ACK);
      await stream.waitForClose();
    });
  }

  async #compare(): Promise<void> {
    const { link, ref, jobs } = this.#parts;
    let before = "";
    let same = 0;
    while (!this.#stopped) {
      const outstanding = [...jobs.unfinished].filter((job) => job.uid !== null);
      if (outstanding.length === 0) return;
      const count = await link.askFor(
        { kind: "RESEND_JOB_RESULTS", ...ref },
        (message) => message.length === 0 ? 0 : decodeIntAnswer(message, "RESEND_JOB_RESULTS"),
      );
      // dispy's own scheduler does not answer the other question where it knows nothing.
      const answer = count === 0 ? null : await this.fetch();
      const there = answer === null ? 0 : answer.pending + answer.doneUids.length;
      const left = outstanding.filter((job) => !job.hasEnded);
      if (there >= left.length) {
        for (const job of left) job.onAccepted();
        return;
      }
      const look = `${there} of ${left.map((job) => job.uid).join(" ")}`;
      same = look === before ? same + 1 : 1;
      before = look;
      if (same >= LOOKS && this.#decide(left, there)) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** @returns whether it is clear which jobs the scheduler does not have */
  #decide(left: readonly ClusterJob<Result>[], there: number): boolean {
    const { resubmit, onFailure } = this.#parts;
    const uncertain = left.filter((job) => !job.isCertain);
    if (there > 0 && uncertain.length !== left.length - there) return false;
    for (const job of uncertain) resubmit(job);
    if (there > 0) return true;
    for (const job of left) {
      if (!job.isCertain) continue;
      onFailure(
        job,
        new ComputationLostError(
          `the scheduler has lost job ${job.id}; was it started anew without its state?`,
        ),
      );
    }
    return true;
  }
}
