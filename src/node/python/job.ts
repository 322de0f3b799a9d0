/**
 * A Python job, put together from what the harness tells of it.
 *
 * @module
 */

import { dumps } from "../../pickle/mod.ts";
import { JobStatus } from "../../wire/mod.ts";
import type { ComputationTask, JobEnd, JobHost, RunningJob } from "../runner.ts";
import { KeptOutput } from "../kept_output.ts";
import { fromJson } from "./protocol.ts";

/** How a job's process has ended. */
export type Outcome =
  | { readonly code: number }
  | { readonly signal: number; readonly signal_name: string }
  | { readonly error: string };

/** What stands at the head of a message from a job. */
interface MessageHeader {
  readonly kind: "result" | "provisional" | "file" | "log";
  readonly exception?: string | null;
  /** The exception is that of the interruption. */
  readonly interrupted?: boolean;
  readonly relay?: boolean;
  readonly timeout?: unknown;
  readonly name?: string;
  readonly path?: string;
  readonly level?: "debug" | "info" | "warning" | "error";
  readonly text?: string;
}

const LEVELS = ["debug", "info", "warning", "error"] as const;

/** A job that runs in a Python process. */
export class PythonJob implements RunningJob {
  readonly ended: Promise<JobEnd>;
  readonly #resolve: (end: JobEnd) => void;
  readonly #task: ComputationTask;
  readonly #host: JobHost;
  readonly #stdout: KeptOutput;
  readonly #stderr: KeptOutput;
  #findPid: () => Promise<number | null> = () => Promise.resolve(null);
  #result: {
    readonly exception: string | null;
    readonly interrupted: boolean;
    readonly payload: Uint8Array;
  } | null = null;
  #terminated = false;
  #interrupt: () => void = () => {};

  constructor(task: ComputationTask, host: JobHost) {
    this.#task = task;
    this.#host = host;
    const { outputBytes } = task.limits;
    this.#stdout = new KeptOutput("stdout", outputBytes);
    this.#stderr = new KeptOutput("stderr", outputBytes);
    ({ promise: this.ended, resolve: this.#resolve } = Promise.withResolvers<JobEnd>());
  }

  async findPid(): Promise<number | null> {
    return await this.#findPid();
  }

  /** Whether it was told to end. */
  get isTerminated(): boolean {
    return this.#terminated;
  }

  terminate(): void {
    if (this.#terminated) return;
    this.#terminated = true;
    this.#interrupt();
  }

  /** It has been sent to the harness, which can end it with `interrupt`. */
  onSent(interrupt: () => void): void {
    this.#interrupt = interrupt;
    if (this.#terminated) interrupt();
  }

  /** Its process is there, which `findPid` finds. */
  onStarted(findPid: () => Promise<number | null>): void {
    // It stays the same as long as the process lives, and nothing is looked for after its end.
    let found: Promise<number | null> | undefined;
    this.#findPid = () => found ??= findPid();
  }

  onStdout(chunk: Uint8Array): void {
    this.#stdout.push(chunk);
  }

  onStderr(chunk: Uint8Array): void {
    this.#stderr.push(chunk);
  }

  /**
   * The job has said something over a connection of its own.
   *
   * @returns the answer for it: whether that went well. What the harness did not make is refused:
   * a job can write to the connection whatever it likes.
   */
  async onMessage(message: Uint8Array): Promise<boolean> {
    const read = readMessage(message);
    if (read === null) return false;
    const { header, payload } = read;
    const relay = header.relay === true;
    const timeoutMs = typeof header.timeout === "number" ? header.timeout * 1000 : null;
    switch (header.kind) {
      case "result":
        this.#result = {
          exception: header.exception ?? null,
          interrupted: header.interrupted === true,
          payload,
        };
        return true;
      case "provisional":
        return await this.#host.provisionalResult({ result: payload, relay, timeoutMs });
      case "file": {
        const { name, path } = header;
        if (typeof name !== "string" || typeof path !== "string") return false;
        return await this.#host.sendFile({ name, path, relay, timeoutMs });
      }
      case "log": {
        const level = LEVELS.find((each) => each === header.level);
        if (level === undefined || typeof header.text !== "string") return false;
        this.#task.log(level, header.text);
        return true;
      }
      default:
        return false;
    }
  }

  /** Its process is gone, or never came to be. */
  onEnded(outcome: Outcome, droppedBytes: readonly [number, number]): void {
    const result = this.#result;
    const hasReturned = result !== null && result.exception === null;
    // That it was interrupted, where it was told to end, is no news.
    const isInterrupted = this.#terminated && result?.interrupted === true;
    const exception = result === null
      ? this.#troubleOf(outcome)
      : isInterrupted
      ? null
      : result.exception;
    this.#resolve({
      status: hasReturned ? JobStatus.Finished : JobStatus.Terminated,
      result: result === null ? dumps(null) : result.payload,
      stdout: this.#stdout.text(droppedBytes[0]),
      stderr: this.#stderr.text(droppedBytes[1]),
      exception,
    });
  }

  /** What has gone wrong with a job that did not tell a result; `null` where it was wanted. */
  #troubleOf(outcome: Outcome): string | null {
    if (this.#terminated) return null;
    if ("error" in outcome) return outcome.error;
    if ("signal" in outcome) {
      return `The job's process was killed by ${outcome.signal_name} (signal ${outcome.signal}).`;
    }
    return `The job's process exited with code ${outcome.code} before its function returned.`;
  }
}

/** The parts of a message: lengths, a JSON header, the payload; `null` where it is not all there. */
function readMessage(
  message: Uint8Array,
): { header: MessageHeader; payload: Uint8Array } | null {
  if (message.length < 12) return null;
  const view = new DataView(message.buffer, message.byteOffset);
  const payloadAt = 12 + view.getUint32(0);
  if (BigInt(message.length - payloadAt) !== view.getBigUint64(4)) return null;
  try {
    const header = fromJson(message.subarray(12, payloadAt)) as MessageHeader | null;
    return header === null ? null : { header, payload: message.subarray(payloadAt) };
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
