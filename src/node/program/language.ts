/**
 * Program jobs: each is a run of a program that the client has sent, or that the node has.
 *
 * @module
 */

import { isPythonProgram } from "../../wire/platform_words.ts";
import {
  type ComputationCode,
  type ComputationRunner,
  type ComputationTask,
  type JobLanguage,
  type JobTask,
  RunnerError,
  type RunningJob,
  type SetupOutcome,
} from "../runner.ts";
import { ProgramJob } from "./job.ts";

/** How programs are run that are no executables themselves, by the end of their names. */
export interface Interpreters {
  /** The Python program for `.py`; `null` where there is none. */
  readonly python: string | null;
}

/** See the module's description. */
export class ProgramLanguage implements JobLanguage {
  readonly name = "programs";
  readonly platformMark = "";

  /**
   * @param functions Runs the setup and cleanup functions that a computation of programs may have;
   * `null` where none can be run.
   */
  constructor(
    private readonly interpreters: Interpreters,
    private readonly functions: JobLanguage | null,
  ) {}

  accepts({ type }: ComputationCode): boolean {
    return type === "program";
  }

  async open(task: ComputationTask): Promise<ComputationRunner> {
    const command = this.#command(task.name);
    const hasFunctions = task.setup !== null || task.cleanup !== null;
    if (hasFunctions && this.functions === null) {
      throw new RunnerError("this node has no Python to run setup and cleanup functions with");
    }
    const functions = hasFunctions ? await this.functions!.open(task) : null;
    return new ProgramRunner(task, command, functions);
  }

  /** What is run, up to the job's own arguments; as dispynode does. */
  #command(path: string): string[] {
    if (isPythonProgram(path)) {
      const { python } = this.interpreters;
      if (python === null) throw new RunnerError("this node has no Python to run the program with");
      return [python, path];
    }
    if (path.toLowerCase().endsWith(".java")) return ["java", path];
    return [path];
  }
}

class ProgramRunner implements ComputationRunner {
  readonly #jobs = new Set<ProgramJob>();

  constructor(
    private readonly task: ComputationTask,
    private readonly command: readonly string[],
    private readonly functions: ComputationRunner | null,
  ) {}

  setup(setupArgs: Uint8Array): Promise<SetupOutcome> {
    return this.functions?.setup(setupArgs) ?? Promise.resolve({ kind: "ready" });
  }

  start(job: JobTask): RunningJob {
    const running = new ProgramJob(this.task, this.command, job);
    this.#jobs.add(running);
    void running.ended.then(() => this.#jobs.delete(running));
    return running;
  }

  async cleanup(): Promise<void> {
    await this.functions?.cleanup();
  }

  async close(): Promise<void> {
    const jobs = [...this.#jobs];
    for (const job of jobs) job.terminate();
    await Promise.all(jobs.map(({ ended }) => ended));
    await this.functions?.close();
  }
}
