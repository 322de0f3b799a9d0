/**
 * A computation of Python functions: one Python process that has run its setup, and forks itself
 * for each job.
 *
 * @module
 */

import { concat } from "@std/bytes/concat.js";
import {
  type ComputationRunner,
  type ComputationTask,
  type JobHost,
  type JobTask,
  RunnerError,
  type RunningJob,
  type SetupOutcome,
} from "../runner.ts";
import { Harness } from "./harness.ts";
import { type Outcome, PythonJob } from "./job.ts";
import { type Frame, fromJson, jobRequest, Notice, Request, toJson } from "./protocol.ts";

/** What a job tells over a connection of its own, as far as it has come. */
interface IncomingMessage {
  readonly job: PythonJob;
  readonly parts: Uint8Array[];
}

/** Runs the jobs of one computation in Python. */
export class PythonComputation implements ComputationRunner {
  readonly #task: ComputationTask;
  readonly #jobs = new Map<number, PythonJob>();
  readonly #messages = new Map<number, IncomingMessage>();
  /** Who waits for an answer to a request that is answered with a frame of that kind. */
  readonly #waiting = new Map<number, (answer: unknown) => void>();
  #harness: Harness | null = null;
  #lastJob = 0;
  /** Why no more can be run: Python has ended. */
  #lost: string | null = null;
  #closed: Promise<void> | null = null;

  private constructor(task: ComputationTask) {
    this.#task = task;
  }

  /**
   * Starts Python for a computation, and has it compile the code.
   *
   * @param python The Python to run: a path, or a name that is looked for in PATH.
   * @param terminateGraceMs How long a job may take to end by itself once it was interrupted.
   * @throws {RunnerError}
   */
  static async open(
    python: string,
    terminateGraceMs: number,
    task: ComputationTask,
  ): Promise<PythonComputation> {
    const computation = new PythonComputation(task);
    await computation.#open(python, terminateGraceMs);
    return computation;
  }

  async #open(python: string, terminateGraceMs: number): Promise<void> {
    const { folder, environment } = this.#task;
    const harness = await Harness.start({
      python,
      folder,
      environment,
      onFrame: (frame) => this.#onFrame(frame),
      onEnd: (reason) => this.#onLost(reason),
    });
    this.#harness = harness;
    const { error } = await this.#ask(Request.Open, Notice.Opened, [toJson({
      name: this.#task.name,
      code: this.#task.code,
      setup: this.#task.setup,
      cleanup: this.#task.cleanup,
      folder,
      node_name: this.#task.nodeName,
      node_ip_addr: this.#task.nodeIpAddr,
      memory_bytes: this.#task.limits.memoryBytes,
      output_bytes: this.#task.limits.outputBytes,
      grace_ms: terminateGraceMs,
    })]);
    if (error === null) return;
    await harness.close();
    throw new RunnerError(`Invalid computation code for Python ${harness.version}: ${error}`);
  }

  async setup(setupArgs: Uint8Array): Promise<SetupOutcome> {
    const { error } = await this.#ask(Request.SetUp, Notice.SetUp, [setupArgs]);
    return error === null ? { kind: "ready" } : { kind: "failed", reason: error };
  }

  start(job: JobTask, host: JobHost): RunningJob {
    const number = ++this.#lastJob;
    const terminate = () => this.#harness?.send(Request.Terminate, number);
    const running = new PythonJob({ task: this.#task, host, terminate });
    if (this.#lost !== null) {
      running.onEnded({ error: this.#lost }, [0, 0]);
      return running;
    }
    this.#jobs.set(number, running);
    const header = { environment: job.environment, code: job.code };
    this.#harness?.send(Request.Job, number, jobRequest(header, job.args, job.kwargs));
    return running;
  }

  async cleanup(): Promise<void> {
    await this.#ask(Request.CleanUp, Notice.CleanedUp, []);
  }

  close(): Promise<void> {
    return this.#closed ??= (async () => await this.#harness?.close())();
  }

  /** Tells the harness something, and waits for its answer or its end. */
  #ask(
    request: number,
    answer: number,
    payload: readonly Uint8Array[],
  ): Promise<{ error: string | null }> {
    if (this.#lost !== null) return Promise.resolve({ error: this.#lost });
    const { promise, resolve } = Promise.withResolvers<{ error: string | null }>();
    this.#waiting.set(answer, resolve as (answer: unknown) => void);
    this.#harness?.send(request, 0, payload);
    return promise;
  }

  #onFrame({ kind, number, payload }: Frame): void {
    switch (kind) {
      case Notice.Opened:
      case Notice.SetUp:
        return this.#answer(kind, fromJson(payload));
      case Notice.CleanedUp:
        return this.#answer(kind, { error: null });
      case Notice.Started:
        return this.#jobs.get(number)?.onStarted(new DataView(payload.buffer).getUint32(0));
      case Notice.Stdout:
        return this.#jobs.get(number)?.onStdout(payload);
      case Notice.Stderr:
        return this.#jobs.get(number)?.onStderr(payload);
      case Notice.Message: {
        const job = this.#jobs.get(new DataView(payload.buffer).getUint32(0));
        if (job !== undefined) this.#messages.set(number, { job, parts: [] });
        return;
      }
      case Notice.MessageData:
        this.#messages.get(number)?.parts.push(payload);
        return;
      case Notice.MessageEnd:
        return this.#onMessage(number);
      case Notice.Ended: {
        const { outcome, dropped } = fromJson(payload) as {
          outcome: Outcome | null;
          dropped: [number, number];
        };
        this.#jobs.get(number)?.onEnded(outcome, dropped);
        this.#jobs.delete(number);
        return;
      }
      case Notice.Log: {
        const { level, text } = fromJson(payload) as {
          level: "debug" | "info" | "warning" | "error";
          text: string;
        };
        return this.#task.log(level, text);
      }
      case Notice.Lost: {
        const { status } = fromJson(payload) as { status: Outcome | null };
        return this.#onLost(status === null ? "" : describeOutcome(status));
      }
    }
  }

  #answer(kind: number, answer: unknown): void {
    this.#waiting.get(kind)?.(answer);
    this.#waiting.delete(kind);
  }

  #onMessage(number: number): void {
    const message = this.#messages.get(number);
    if (message === undefined) return;
    this.#messages.delete(number);
    const answered = message.job.onMessage(concat(message.parts));
    answered.then((isDone) => {
      this.#harness?.send(Request.Answer, number, [Uint8Array.of(isDone ? 1 : 0)]);
    });
  }

  /** Python has ended: so have all jobs, and whatever is asked for stays undone. */
  #onLost(reason: string): void {
    if (this.#lost !== null) return;
    this.#lost = this.#closed === null
      ? ["The computation's Python process has ended", reason].filter(Boolean).join(": ")
      : "The computation was closed.";
    for (const job of this.#jobs.values()) job.onEnded({ error: this.#lost }, [0, 0]);
    this.#jobs.clear();
    for (const resolve of this.#waiting.values()) resolve({ error: this.#lost });
    this.#waiting.clear();
  }
}

function describeOutcome(outcome: Outcome): string {
  if ("signal" in outcome) return `killed by ${outcome.signal_name} (signal ${outcome.signal})`;
  return "code" in outcome ? `it has exited with code ${outcome.code}` : outcome.error;
}
