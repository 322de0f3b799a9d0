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

/** How the harness says that a job's process has ended; `null` = with the whole computation. */
export type Outcome =
  | { readonly code: number }
  | { readonly signal: number; readonly signal_name: string }
  | { readonly error: string };

/** What stands at the head of a message from a job. */
interface MessageHeader {
  readonly kind: "result" | "provisional" | "file" | "log";
  readonly exception?: string | null;
  readonly relay?: boolean;
  readonly timeout?: unknown;
  readonly name?: string;
  readonly path?: string;
  readonly level?: "debug" | "info" | "warning" | "error";
  readonly text?: string;
}

/** What a {@linkcode PythonJob} needs of its computation. */
export interface JobSurroundings {
  readonly task: ComputationTask;
  readonly host: JobHost;
  /** Has the harness end the job. */
  terminate(): void;
}

/** A job that runs in a Python process. */
export class PythonJob implements RunningJob {
  readonly ended: Promise<JobEnd>;
  readonly #resolve: (end: JobEnd) => void;
  readonly #surroundings: JobSurroundings;
  readonly #stdout: KeptOutput;
  readonly #stderr: KeptOutput;
  #pid: number | null = null;
  #result: { readonly exception: string | null; readonly payload: Uint8Array } | null = null;
  #terminated = false;

  constructor(surroundings: JobSurroundings) {
    this.#surroundings = surroundings;
    const { outputBytes } = surroundings.task.limits;
    this.#stdout = new KeptOutput("stdout", outputBytes);
    this.#stderr = new KeptOutput("stderr", outputBytes);
    ({ promise: this.ended, resolve: this.#resolve } = Promise.withResolvers<JobEnd>());
  }

  get pid(): number | null {
    return this.#pid;
  }

  terminate(): void {
    if (this.#terminated) return;
    this.#terminated = true;
    this.#surroundings.terminate();
  }

  /** Its process is there. */
  onStarted(pid: number): void {
    this.#pid = pid;
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
    const { host, task } = this.#surroundings;
    const relay = header.relay === true;
    const timeoutMs = typeof header.timeout === "number" ? header.timeout * 1000 : null;
    switch (header.kind) {
      case "result":
        this.#result = { exception: header.exception ?? null, payload };
        return true;
      case "provisional":
        return await host.provisionalResult({ result: payload, relay, timeoutMs });
      case "file": {
        const { name, path } = header;
        if (typeof name !== "string" || typeof path !== "string") return false;
        return await host.sendFile({ name, path, relay, timeoutMs });
      }
      case "log":
        task.log(header.level ?? "info", String(header.text));
        return true;
      default:
        return false;
    }
  }

  /** Its process is gone, or never came to be. */
  onEnded(outcome: Outcome | null, droppedBytes: readonly [number, number]): void {
    const result = this.#result;
    const exception = result === null ? this.#troubleOf(outcome) : result.exception;
    const hasReturned = result !== null && result.exception === null;
    this.#resolve({
      status: hasReturned ? JobStatus.Finished : JobStatus.Terminated,
      result: result === null ? dumps(null) : result.payload,
      stdout: this.#stdout.text(droppedBytes[0]),
      stderr: this.#stderr.text(droppedBytes[1]),
      exception,
    });
  }

  /** What has gone wrong with a job that did not tell a result; `null` where it was wanted. */
  #troubleOf(outcome: Outcome | null): string | null {
    if (this.#terminated) return null;
    if (outcome === null) return "The computation's Python process has ended, and the job with it.";
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
