/**
 * The one implementation of {@linkcode Job}: what a cluster does with its jobs.
 *
 * @module
 */

import type { PyValue } from "../pickle/mod.ts";
import { PyByteArray } from "../pickle/mod.ts";
import { type JobReply, JobStatus } from "../wire/mod.ts";
import type { ComputationBase, EncodedArguments } from "./computation.ts";
import { JobAbandonedError, JobCancelledError, JobFailedError } from "./errors.ts";
import type { Job, JobState } from "./job.ts";
import { asError } from "./scheduler_link.ts";

/** How a job is made. */
export interface ClusterJobInit<Result> {
  readonly id: number | string;
  /** Our name for it, which its reply repeats: 20 hex digits that nobody can guess. */
  readonly hash: string;
  readonly computation: ComputationBase<Result>;
  /** Its arguments; `null` for jobs of an earlier program. */
  readonly payload: EncodedArguments | null;
  /** The scheduler has it; called once, before anything else is heard of it. */
  readonly onAccepted?: (job: ClusterJob<Result>) => void;
  /** Tells the scheduler. */
  readonly onCancel: (job: ClusterJob<Result>) => Promise<void>;
}

const DECODER = new TextDecoder();
const ENCODER = new TextEncoder();
const EMPTY = new Uint8Array(0);

/** See the module's description. */
export class ClusterJob<Result> implements Job<Result> {
  readonly id: number | string;
  readonly hash: string;
  readonly submittedAt: Date = new Date();
  uid: number | null = null;
  status: JobState = "Created";
  error: Error | null = null;
  exception: string | null = null;
  ipAddr: string | null = null;
  startedAt: Date | null = null;
  endedAt: Date | null = null;
  provisionalResult: unknown = undefined;
  /** Its arguments, until the scheduler has them for sure. */
  payload: EncodedArguments | null;
  /** Whether the scheduler has it for sure: it has spoken of it, or ended the exchange well. */
  isCertain = false;
  /** The program wants it cancelled. */
  cancelRequested = false;
  readonly #computation: ComputationBase<Result>;
  readonly #onAccepted: ((job: ClusterJob<Result>) => void) | undefined;
  readonly #onCancel: (job: ClusterJob<Result>) => Promise<void>;
  readonly #result = Promise.withResolvers<Result>();
  readonly #accepted = Promise.withResolvers<Job<Result>>();
  readonly #done = Promise.withResolvers<Job<Result>>();
  readonly #provisional: unknown[] = [];
  #news = Promise.withResolvers<void>();
  #stdout: Uint8Array | string = "";
  #stderr: Uint8Array | string = "";

  constructor(init: ClusterJobInit<Result>) {
    this.id = init.id;
    this.hash = init.hash;
    this.payload = init.payload;
    this.#computation = init.computation;
    this.#onAccepted = init.onAccepted;
    this.#onCancel = init.onCancel;
    // Who does not look at a result does not want to hear of it.
    this.#result.promise.catch(() => {});
    this.#accepted.promise.catch(() => {});
  }

  get result(): Promise<Result> {
    return this.#result.promise;
  }

  get accepted(): Promise<Job<Result>> {
    return this.#accepted.promise;
  }

  get done(): Promise<Job<Result>> {
    return this.#done.promise;
  }

  get stdout(): string {
    return asText(this.#stdout);
  }

  get stderr(): string {
    return asText(this.#stderr);
  }

  get stdoutBytes(): Uint8Array {
    return asBytes(this.#stdout);
  }

  get stderrBytes(): Uint8Array {
    return asBytes(this.#stderr);
  }

  /** Whether it is over. */
  get hasEnded(): boolean {
    return this.status !== "Created" && this.status !== "Running";
  }

  async *provisionalResults(): AsyncIterableIterator<unknown> {
    for (let next = 0;; next++) {
      while (next >= this.#provisional.length) {
        if (this.hasEnded) return;
        await this.#news.promise;
      }
      yield this.#provisional[next];
    }
  }

  async cancel(): Promise<void> {
    if (this.hasEnded) return;
    this.cancelRequested = true;
    await this.#onCancel(this);
  }

  /** The scheduler has it for sure. */
  onAccepted(): void {
    if (this.isCertain) return;
    this.isCertain = true;
    this.#accepted.resolve(this);
    this.#onAccepted?.(this);
  }

  /** It runs. */
  onRunning(ipAddr: string, startTimeS: number): void {
    if (this.hasEnded) return;
    this.onAccepted();
    this.status = "Running";
    this.ipAddr = ipAddr;
    this.startedAt = fromSeconds(startTimeS);
  }

  /** It has sent a provisional result. */
  onProvisional(reply: JobReply): void {
    if (this.hasEnded || reply.result === null) return;
    this.onAccepted();
    this.ipAddr = reply.ipAddr;
    try {
      this.provisionalResult = this.#computation.decodeProvisional(reply.result);
    } catch (error) {
      this.provisionalResult = asError(error);
    }
    this.#provisional.push(this.provisionalResult);
    this.#wake();
  }

  /** It is over, and this is what became of it. */
  onReply(reply: JobReply): void {
    if (this.hasEnded) return;
    this.uid ??= reply.uid;
    this.onAccepted();
    this.ipAddr = reply.ipAddr || null;
    this.startedAt = fromSeconds(reply.startTimeS) ?? this.startedAt;
    this.endedAt = fromSeconds(reply.endTimeS);
    this.#stdout = asOutput(reply.stdout);
    this.#stderr = asOutput(reply.stderr);
    this.exception = typeof reply.exception === "string" ? reply.exception : null;
    if (reply.status === JobStatus.Finished) {
      try {
        const result = this.#computation.decodeResult(reply.result ?? EMPTY);
        this.#end("Finished", null);
        this.#result.resolve(result);
      } catch (error) {
        this.#fail("Finished", asError(error));
      }
      return;
    }
    this.#fail(stateOf(reply.status), this.#failureOf(reply.status));
  }

  /** It is over without the scheduler: refused, given up, or forgotten. */
  onFailure(error: Error): void {
    if (this.hasEnded) return;
    this.#fail(error instanceof JobCancelledError ? "Cancelled" : "Failed", error);
  }

  #failureOf(status: number): Error {
    if (status === JobStatus.Abandoned) {
      return new JobAbandonedError(
        `job ${this.id} is abandoned: its node ${this.ipAddr ?? ""} is gone; ` +
          "jobs that may run twice go on elsewhere with `reentrant: true`",
      );
    }
    if (status === JobStatus.Cancelled || this.cancelRequested) {
      if (this.cancelRequested) return new JobCancelledError(`job ${this.id} was cancelled`);
      const reason = this.exception === null ? "" : `: ${this.exception.trim()}`;
      return new JobCancelledError(`job ${this.id} was cancelled by the scheduler${reason}`);
    }
    const { id: jobId, ipAddr, exception, stdout, stderr } = this;
    return new JobFailedError({ jobId, ipAddr, exception, stdout, stderr });
  }

  #fail(status: JobState, error: Error): void {
    this.error = error;
    this.#end(status, error);
    this.#result.reject(error);
  }

  #end(status: JobState, error: Error | null): void {
    this.status = status;
    this.payload = null;
    if (error !== null) this.#accepted.reject(error);
    this.#done.resolve(this);
    this.#wake();
  }

  #wake(): void {
    const { resolve } = this.#news;
    this.#news = Promise.withResolvers();
    resolve();
  }
}

function stateOf(status: number): JobState {
  switch (status) {
    case JobStatus.Cancelled:
      return "Cancelled";
    case JobStatus.Abandoned:
      return "Abandoned";
    default:
      return "Terminated";
  }
}

/** dispy leaves times that it does not know at 0. */
function fromSeconds(timeS: number): Date | null {
  return timeS > 0 ? new Date(timeS * 1000) : null;
}

function asOutput(value: PyValue): Uint8Array | string {
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  return value instanceof PyByteArray ? value.bytes : "";
}

function asText(output: Uint8Array | string): string {
  return typeof output === "string" ? output : DECODER.decode(output);
}

function asBytes(output: Uint8Array | string): Uint8Array {
  return typeof output === "string" ? ENCODER.encode(output) : output;
}
