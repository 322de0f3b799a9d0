/**
 * A computation of Python functions.
 *
 * @module
 */

import { messageOf } from "../../log/error_message.ts";
import type {
  ComputationRunner,
  ComputationTask,
  JobHost,
  JobTask,
  RunningJob,
  SetupOutcome,
} from "../runner.ts";
import { PythonJob } from "./job.ts";
import { PythonSession, type PythonSettings } from "./session.ts";

/**
 * Runs the jobs of one computation in Python. Should the process that jobs are made from be killed
 * (it may be large, and the system short of memory), the next job gets a new one, set up again.
 */
export class PythonComputation implements ComputationRunner {
  readonly #settings: PythonSettings;
  readonly #task: ComputationTask;
  #session: PythonSession | null = null;
  #setupArgs: Uint8Array | null = null;
  /** A new session that is being made, or why it could not be. */
  #renewal: Promise<PythonSession | string> | null = null;
  /** Jobs that were sent a second time. */
  readonly #retried = new WeakSet<PythonJob>();
  #isClosed = false;

  private constructor(settings: PythonSettings, task: ComputationTask) {
    this.#settings = settings;
    this.#task = task;
  }

  /**
   * Starts Python for a computation, and has it compile the code.
   *
   * @throws {RunnerError}
   */
  static async open(settings: PythonSettings, task: ComputationTask): Promise<PythonComputation> {
    const computation = new PythonComputation(settings, task);
    computation.#session = await computation.#openSession();
    return computation;
  }

  setup(setupArgs: Uint8Array): Promise<SetupOutcome> {
    this.#setupArgs = setupArgs;
    return this.#session!.setup(setupArgs);
  }

  start(job: JobTask, host: JobHost): RunningJob {
    const running = new PythonJob(this.#task, host);
    this.#run(job, running);
    return running;
  }

  cleanup(): Promise<void> {
    return this.#session!.cleanup();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#session!.close();
    await this.#renewal;
  }

  #openSession(): Promise<PythonSession> {
    return PythonSession.open(this.#settings, this.#task, (job, running) => {
      // What ends Python twice would do it for ever.
      if (this.#retried.has(running)) {
        return running.onEnded({ error: "Python has ended twice before the job began." }, [0, 0]);
      }
      this.#retried.add(running);
      this.#run(job, running);
    });
  }

  #run(job: JobTask, running: PythonJob): void {
    if (this.#isClosed || !this.#session!.isLost) this.#session!.run(job, running);
    else void this.#runAnew(job, running);
  }

  async #runAnew(job: JobTask, running: PythonJob): Promise<void> {
    const session = await (this.#renewal ??= this.#renew().finally(() => this.#renewal = null));
    if (typeof session === "string") running.onEnded({ error: session }, [0, 0]);
    else session.run(job, running);
  }

  /** Starts Python again, in the place of one that has ended. */
  async #renew(): Promise<PythonSession | string> {
    this.#task.log("warning", "the computation's Python process has ended; it is set up again");
    await this.#session!.close();
    let session: PythonSession;
    try {
      session = await this.#openSession();
    } catch (error) {
      return messageOf(error);
    }
    const outcome = await session.setup(this.#setupArgs!);
    if (outcome.kind === "ready" && !this.#isClosed) return this.#session = session;
    await session.close();
    return outcome.kind === "failed" ? outcome.reason : "The computation was closed.";
  }
}
