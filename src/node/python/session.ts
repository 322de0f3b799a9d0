/**
 * A Python process that has run a computation's setup, and forks itself for each job.
 *
 * @module
 */

import { concat } from "@std/bytes/concat.js";
import { type ComputationTask, type JobTask, RunnerError, type SetupOutcome } from "../runner.ts";
import { Harness } from "./harness.ts";
import { type Outcome, PythonJob } from "./job.ts";
import { type Frame, fromJson, jobRequest, Notice, Request, toJson } from "./protocol.ts";

/** How a node runs Python. */
export interface PythonSettings {
  /** The Python to run: a path, or a name that is looked for in PATH. */
  readonly python: string;
  /** How long a job may take to end by itself once it was interrupted. */
  readonly terminateGraceMs: number;
}

/** How much longer than its grace a job that is to end may take, until Python is killed. */
const TERMINATE_SLACK_MS = 5_000;

/** What a job tells over a connection of its own, as far as it has come. */
interface IncomingMessage {
  readonly job: PythonJob;
  readonly parts: Uint8Array[];
}

/** A job that was sent to the harness. */
interface SentJob {
  /** What it is to do; `null` once it has begun. */
  task: JobTask | null;
  readonly running: PythonJob;
  /** Runs while the job is to end. */
  killTimer?: ReturnType<typeof setTimeout>;
}

/** Runs the jobs of one computation as long as its Python process lives. */
export class PythonSession {
  readonly #task: ComputationTask;
  readonly #onUnstarted: (job: JobTask, running: PythonJob) => void;
  readonly #jobs = new Map<number, SentJob>();
  readonly #messages = new Map<number, IncomingMessage>();
  /** Who waits for an answer to a request that is answered with a frame of that kind. */
  readonly #waiting = new Map<number, (answer: unknown) => void>();
  #harness: Harness | null = null;
  #terminateLimitMs = 0;
  #lastJob = 0;
  /** Why no more can be run: Python has ended. */
  #lost: string | null = null;
  #closed: Promise<void> | null = null;

  private constructor(
    task: ComputationTask,
    onUnstarted: (job: JobTask, running: PythonJob) => void,
  ) {
    this.#task = task;
    this.#onUnstarted = onUnstarted;
  }

  /**
   * Starts Python for a computation, and has it compile the code.
   *
   * @param onUnstarted Called with jobs that have not begun when Python ends.
   * @throws {RunnerError}
   */
  static async open(
    settings: PythonSettings,
    task: ComputationTask,
    onUnstarted: (job: JobTask, running: PythonJob) => void,
  ): Promise<PythonSession> {
    const session = new PythonSession(task, onUnstarted);
    await session.#open(settings);
    return session;
  }

  async #open({ python, terminateGraceMs }: PythonSettings): Promise<void> {
    const { folder, environment, launcher } = this.#task;
    this.#terminateLimitMs = terminateGraceMs + TERMINATE_SLACK_MS;
    const harness = await Harness.start({
      python,
      launcher,
      folder,
      environment,
      onFrame: (frame) => this.#onFrame(frame),
      onEnd: (reason) => this.#onEnd(reason),
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

  /** @param setupArgs Pickle of a tuple. */
  async setup(setupArgs: Uint8Array): Promise<SetupOutcome> {
    const { error } = await this.#ask(Request.SetUp, Notice.SetUp, [setupArgs]);
    return error === null ? { kind: "ready" } : { kind: "failed", reason: error };
  }

  /** Whether Python has ended: then nothing can be run here any more. */
  get isLost(): boolean {
    return this.#lost !== null;
  }

  /** Runs a job. What becomes of it is told to `running`. */
  run(job: JobTask, running: PythonJob): void {
    if (this.#lost !== null) return this.#end({ task: job, running }, null, [0, 0]);
    const number = ++this.#lastJob;
    this.#jobs.set(number, { task: job, running });
    const header = { environment: job.environment, code: job.code };
    this.#harness?.send(Request.Job, number, jobRequest(header, job.args, job.kwargs));
    running.onSent(() => this.#terminate(number));
  }

  #terminate(number: number): void {
    this.#harness?.send(Request.Terminate, number);
    this.#harness?.killIfStopped();
    // The guard kills the job in the end. One that does not has to go itself.
    const job = this.#jobs.get(number);
    if (job === undefined) return;
    job.killTimer = setTimeout(() => {
      void this.#harness?.kill("it did not end a job that was to end");
    }, this.#terminateLimitMs);
  }

  /** Calls the cleanup function; what goes wrong in it is logged. */
  async cleanup(): Promise<void> {
    await this.#ask(Request.CleanUp, Notice.CleanedUp, []);
  }

  /** Ends Python with all jobs, and resolves when they are gone. */
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
        return this.#onStarted(number, new DataView(payload.buffer).getUint32(0));
      case Notice.Stdout:
        return this.#jobs.get(number)?.running.onStdout(payload);
      case Notice.Stderr:
        return this.#jobs.get(number)?.running.onStderr(payload);
      case Notice.Message: {
        const job = this.#jobs.get(new DataView(payload.buffer).getUint32(0));
        if (job !== undefined) this.#messages.set(number, { job: job.running, parts: [] });
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
        const job = this.#jobs.get(number);
        this.#jobs.delete(number);
        return job && this.#end(job, outcome, dropped);
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
        this.#lost = LOST + (status === null ? "" : `: ${describeOutcome(status)}`);
        return this.#refuseAll();
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

  #onStarted(number: number, pid: number): void {
    const job = this.#jobs.get(number);
    if (job === undefined) return;
    job.task = null;
    job.running.onStarted(() => this.#harness!.findPid(pid));
  }

  /** @param outcome `null` where the job has ended with Python. */
  #end(
    { task, running, killTimer }: SentJob,
    outcome: Outcome | null,
    dropped: [number, number],
  ): void {
    clearTimeout(killTimer);
    const isUnstarted = task !== null && outcome === null && !running.isTerminated;
    if (isUnstarted && this.#closed === null) this.#onUnstarted(task, running);
    else running.onEnded(outcome ?? { error: this.#lost ?? LOST }, dropped);
  }

  /** The harness has ended: so have all jobs that it has not told of. */
  #onEnd(reason: string): void {
    this.#lost ??= this.#closed === null ? [LOST, reason].filter(Boolean).join(": ") : CLOSED;
    for (const job of this.#jobs.values()) this.#end(job, null, [0, 0]);
    this.#jobs.clear();
    this.#refuseAll();
  }

  /** Whoever waits for Python to do something waits in vain. */
  #refuseAll(): void {
    for (const resolve of this.#waiting.values()) resolve({ error: this.#lost });
    this.#waiting.clear();
  }
}

const LOST = "The computation's Python process has ended";
const CLOSED = "The computation was closed.";

function describeOutcome(outcome: Outcome): string {
  if ("signal" in outcome) return `killed by ${outcome.signal_name} (signal ${outcome.signal})`;
  return "code" in outcome ? `it has exited with code ${outcome.code}` : outcome.error;
}
