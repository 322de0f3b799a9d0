/**
 * Jobs on their way to the scheduler.
 *
 * A job is the scheduler's once we have confirmed the number that it gave. If the connection
 * breaks before, the scheduler forgets the job, and it is sent again. If it breaks while we
 * confirm, nobody can tell at once: such a job stays uncertain until the scheduler speaks of it,
 * or its count of jobs shows that it does not have it (`result_recall.ts`).
 *
 * Several jobs are on their way at once, but each is confirmed after the one before it, so that
 * the scheduler has them in their order.
 *
 * @module
 */

import { loads, PyGlobal } from "../pickle/mod.ts";
import {
  ACK,
  type ComputeRef,
  decodeIntAnswer,
  type DispyJob,
  type MessageStream,
  NAK,
  WireError,
  type XferFile,
} from "../wire/mod.ts";
import type { ClusterJob } from "./cluster_job.ts";
import type { PlacedFile } from "./job.ts";
import {
  ComputationLostError,
  JobCancelledError,
  JobRefusedError,
  SchedulerUnreachableError,
  SubmitTimeoutError,
} from "./errors.ts";
import { describeFile, sendContent } from "./files.ts";
import { nodeAddress } from "./nodes.ts";
import { asError, isTemporary, type SchedulerLink } from "./scheduler_link.ts";
import type { SchedulerWatch } from "./scheduler_watch.ts";

/** Jobs that are sent at once. */
const MAX_SENDING = 8;

/** Longer than any refusal. */
const MAX_UID_BYTES = 64 * 1024;

/** How our scheduler says why it does not take a job, see `job_refusal.ts` there. */
const REFUSAL = /^job refused by dispyscheduler: (.*)$/;
const UNKNOWN_COMPUTATION = "its computation is not known";

/** What a job is sent with. */
export interface Submission<Result> {
  readonly job: ClusterJob<Result>;
  readonly node: string | null;
  readonly depends: readonly (string | URL | PlacedFile)[];
  readonly code: string;
  /** How long it may take until the scheduler has it, in ms; `null` for no limit. */
  readonly timeoutMs: number | null;
}

/** What a submitter works with. */
export interface SubmitterParts<Result> {
  readonly link: SchedulerLink;
  readonly watch: SchedulerWatch;
  readonly ref: ComputeRef;
  /** The scheduler gives a number; called before it is confirmed. */
  readonly onUid: (job: ClusterJob<Result>) => void;
  /** The job is over before it has begun. */
  readonly onFailure: (job: ClusterJob<Result>, error: Error) => void;
}

/** How far a job has come that others follow. */
class Turn {
  readonly #requested = Promise.withResolvers<void>();
  readonly #confirmed = Promise.withResolvers<void>();

  /** The job before it has sent its files, and is being requested. */
  readonly mayRequest: Promise<void>;
  /** The number of the job before it was confirmed. */
  readonly mayConfirm: Promise<void>;

  /** @param before The job whose turn comes first. */
  constructor(before: Turn | null) {
    this.mayRequest = before === null ? Promise.resolve() : before.#requested.promise;
    this.mayConfirm = before === null ? Promise.resolve() : before.#confirmed.promise;
  }

  /** Its files were sent, and it is being requested. */
  onRequested(): void {
    this.#requested.resolve();
  }

  /** Its number was confirmed, or it has failed: nobody waits for it any more. */
  onConfirmed(): void {
    this.#requested.resolve();
    this.#confirmed.resolve();
  }
}

/** See the module's description. */
export class Submitter<Result> {
  readonly #parts: SubmitterParts<Result>;
  /** In their order; a set, as taking the first of a long array takes long. */
  readonly #queue = new Set<Submission<Result>>();
  /** Kept until the scheduler has them for sure. */
  readonly #submissions = new Map<ClusterJob<Result>, Submission<Result>>();
  #sending = 0;
  #lastTurn: Turn | null = null;

  constructor(parts: SubmitterParts<Result>) {
    this.#parts = parts;
  }

  /** Sends a job as soon as its turn has come. */
  submit(submission: Submission<Result>): void {
    const { job, timeoutMs } = submission;
    this.#submissions.set(job, submission);
    if (timeoutMs !== null) {
      const timer = setTimeout(() => {
        if (job.uid === null) this.#fail(job, timeoutError(job.id, timeoutMs));
      }, timeoutMs);
      void job.done.then(() => clearTimeout(timer));
      void job.accepted.then(() => clearTimeout(timer), () => {});
    }
    void job.done.then(() => this.#submissions.delete(job));
    this.#enqueue(submission);
  }

  /** Sends a job again that the scheduler turned out not to have. */
  resubmit(job: ClusterJob<Result>): void {
    const submission = this.#submissions.get(job);
    if (submission === undefined || job.hasEnded) return;
    job.uid = null;
    this.#enqueue(submission);
  }

  #enqueue(submission: Submission<Result>): void {
    this.#queue.add(submission);
    if (this.#sending < MAX_SENDING) void this.#work();
  }

  async #work(): Promise<void> {
    this.#sending++;
    try {
      for (const next of this.#queue) {
        this.#queue.delete(next);
        const turn = this.#lastTurn = new Turn(this.#lastTurn);
        await this.#send(next, turn);
      }
    } finally {
      this.#sending--;
    }
  }

  async #send(submission: Submission<Result>, turn: Turn): Promise<void> {
    const { job } = submission;
    const { watch } = this.#parts;
    void job.done.then(() => turn.onConfirmed());
    while (!job.hasEnded) {
      await watch.untilPresent();
      if (job.hasEnded) return;
      if (job.cancelRequested) {
        return this.#fail(job, new JobCancelledError(`job ${job.id} was cancelled`));
      }
      try {
        return await this.#attempt(submission, turn);
      } catch (error) {
        turn.onConfirmed();
        if (!isTemporary(error)) return this.#fail(job, asError(error));
        watch.onLost(asError(error));
        // From here on it is for the scheduler to tell whether it has the job.
        if (job.uid !== null) return;
      }
    }
  }

  async #attempt(
    { job, node, depends, code }: Submission<Result>,
    turn: Turn,
  ): Promise<void> {
    const { link, ref } = this.#parts;
    const files = await Promise.all(depends.map((file) => describeFile(file, ref.computeId)));
    for (const file of files) await this.#sendFile(file);
    if (job.payload === null) return;
    const record: DispyJob = {
      uid: null,
      hash: job.hash,
      computeId: ref.computeId,
      ...job.payload,
      xferFiles: files,
      code,
      extra: null,
    };
    const address = node === null ? null : await nodeAddress(node);
    const request = { kind: "JOB", job: record, node: address, auth: ref.auth } as const;
    const send = () => link.request(request, (stream) => this.#converse(stream, job, turn));
    await turn.mayRequest;
    turn.onRequested();
    const { sign } = link;
    if (await send()) return;
    // A scheduler that was started anew wants another auth code.
    await link.greet();
    if (sign !== link.sign && await send()) return;
    throw new JobRefusedError(
      `the scheduler does not take job ${job.id}` +
        (node === null ? "" : `: does the cluster use node ${node}?`),
    );
  }

  async #sendFile(file: XferFile): Promise<void> {
    const { link } = this.#parts;
    await link.request({ kind: "FILEXFER", file }, (stream) => sendContent(stream, file));
  }

  /** @returns whether there was an answer */
  async #converse(
    stream: MessageStream,
    job: ClusterJob<Result>,
    turn: Turn,
  ): Promise<boolean> {
    const answer = await stream.readMessage(MAX_UID_BYTES);
    if (answer.length === 0) return false;
    const uid = uidOf(answer, job.id);
    await turn.mayConfirm;
    if (job.hasEnded || job.cancelRequested) {
      await stream.writeMessage(NAK);
      this.#fail(job, new JobCancelledError(`job ${job.id} was cancelled`));
      return true;
    }
    job.uid = uid;
    this.#parts.onUid(job);
    const confirmed = stream.writeMessage(ACK);
    turn.onConfirmed();
    await confirmed;
    await stream.waitForClose();
    if (!this.#parts.link.network.endedWell(stream)) {
      throw new SchedulerUnreachableError("the scheduler has ended while a job was confirmed");
    }
    job.onAccepted();
    return true;
  }

  #fail(job: ClusterJob<Result>, error: Error): void {
    if (!job.hasEnded) this.#parts.onFailure(job, error);
  }
}

function uidOf(answer: Uint8Array, id: number | string): number {
  try {
    const uid = decodeIntAnswer(answer, "answer to JOB");
    if (uid !== 0) return uid;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const reason = refusalIn(answer);
    if (reason === null) throw error;
    if (reason === UNKNOWN_COMPUTATION) {
      throw new ComputationLostError(
        "the scheduler no longer knows the computation; was it started anew without its state?",
      );
    }
    throw new JobRefusedError(`the scheduler does not take job ${id}: ${reason}`);
  }
  throw new JobRefusedError(`the scheduler does not take job ${id}`);
}

function refusalIn(answer: Uint8Array): string | null {
  const value = loads(answer);
  if (!(value instanceof PyGlobal)) return null;
  return REFUSAL.exec(value.module)?.[1]?.replaceAll("·", ".") ?? null;
}

function timeoutError(id: number | string, timeoutMs: number): SubmitTimeoutError {
  return new SubmitTimeoutError(
    `the scheduler did not take job ${id} within ${timeoutMs / 1000} s`,
  );
}
