/**
 * Runs command lines as jobs: so many at a time, again where they fail, up to a time limit.
 *
 * @module
 */

import { ClosedError, type Job, type SubmitOptions } from "../../client/mod.ts";
import type { Line } from "./lines.ts";
import { lineFolder } from "./line_program.ts";
import { type EndedBy, EXIT_CODES, type Outcome, outcomeOf } from "./outcome.ts";
import { folderOf, linePlace } from "./place.ts";

/** The arguments of the program that runs lines: command, folder or "" (see `run_line.sh`). */
export type LineArgs = readonly [command: string, folder: string];

/** A cluster, as far as it is needed here. */
export interface LineCluster {
  /** Throws `ClosedError` once the cluster is closed. */
  submit(args: LineArgs, options: SubmitOptions): Job<number>;
}

/** A command line that is over. */
export interface LineResult {
  readonly line: Line;
  readonly outcome: Outcome;
  /** How often it was run. */
  readonly attempts: number;
  /** Its last job; `null` where it never was one. */
  readonly job: Job<number> | null;
}

/** How lines are run. */
export interface RunnerOptions {
  /** Lines that are under way at once, at most. */
  readonly maxPending: number;
  /** How often a line that fails is run again. */
  readonly retries: number;
  /** `null` = no limit. */
  readonly timeoutMs: number | null;
  /** All lines run in the folder of the program, not each in its own. */
  readonly sharesFolder: boolean;
  readonly onResult: (result: LineResult) => void;
  /** Resolves when more results can be taken: until then no more lines are. */
  readonly room?: () => Promise<void>;
}

/** A refusal that is over when some jobs are: a limit of the scheduler's (`--max_client_jobs`). */
const OVER_LIMIT = /; the limit is \d+$/;

/** After such a refusal a line is submitted again so soon. */
const OVER_LIMIT_PAUSE_MS = 500;

/** What is known of a job that is under way. */
interface Attempt {
  endedBy: EndedBy;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** See the module's description. */
export class Runner {
  /** Lines that were taken from the input. */
  taken = 0;
  /** Lines that are over. */
  done = 0;
  /** Lines that are over and whose exit code is not 0. */
  failed = 0;
  readonly #cluster: LineCluster;
  readonly #options: RunnerOptions;
  readonly #attempts = new Map<Job<number>, Attempt>();
  /** Resolves when no more lines are taken. */
  readonly #over = Promise.withResolvers<undefined>();
  #stopped = false;
  /** Why no more lines are submitted, where that is the scheduler's wish. */
  #refusal: Outcome | null = null;
  #onRoom: () => void = () => {};

  constructor(cluster: LineCluster, options: RunnerOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** Lines whose jobs run. */
  get running(): number {
    let count = 0;
    for (const job of this.#attempts.keys()) if (job.status === "Running") count++;
    return count;
  }

  /** Why the scheduler takes no more lines, or `null`. */
  get refusal(): string | null {
    return this.#refusal?.reason ?? null;
  }

  /** To be called of every job that begins to run: its time begins to count. */
  onRunning(job: Job<number>): void {
    const attempt = this.#attempts.get(job);
    const { timeoutMs } = this.#options;
    if (attempt === undefined || attempt.timer !== undefined || timeoutMs === null) return;
    attempt.timer = setTimeout(() => {
      if (attempt.endedBy === "nobody") attempt.endedBy = "timeout";
      void job.cancel();
    }, timeoutMs);
  }

  /** Runs all lines; returns when all of them are over. What `lines` throws, it throws then. */
  async run(lines: AsyncIterable<Line>): Promise<void> {
    const pending = new Set<Promise<void>>();
    const iterator = lines[Symbol.asyncIterator]();
    try {
      while (!this.#isOver) {
        const { room } = this.#options;
        if (room !== undefined) await Promise.race([room(), this.#over.promise]);
        if (this.#isOver) break;
        // The next line may be long in coming: somebody types it.
        const next = await Promise.race([iterator.next(), this.#over.promise]);
        if (next === undefined || next.done) break;
        this.taken++;
        const task = this.#runLine(next.value).finally(() => {
          pending.delete(task);
          this.#onRoom();
        });
        pending.add(task);
        while (pending.size >= this.#options.maxPending) await this.#room();
      }
    } finally {
      await Promise.all(pending);
    }
  }

  /** Takes no more lines; those under way are being cancelled by whoever calls this. */
  stop(): void {
    this.#stopped = true;
    for (const attempt of this.#attempts.values()) {
      if (attempt.endedBy === "nobody") attempt.endedBy = "user";
    }
    this.#over.resolve(undefined);
  }

  get #isOver(): boolean {
    return this.#stopped || this.#refusal !== null;
  }

  #room(): Promise<void> {
    return new Promise((resolve) => this.#onRoom = resolve);
  }

  async #runLine(line: Line): Promise<void> {
    for (let attempts = 1;; attempts++) {
      const [job, outcome] = await this.#attempt(line, attempts);
      const isFinal = outcome.exitCode === 0 || attempts > this.#options.retries || this.#isOver;
      if (!isFinal) continue;
      this.done++;
      if (outcome.exitCode !== 0) this.failed++;
      this.#options.onResult({ line, outcome, attempts, job });
      return;
    }
  }

  /** Runs a line once, as soon as the scheduler takes it. */
  async #attempt(line: Line, attempt: number): Promise<[Job<number> | null, Outcome]> {
    while (true) {
      if (this.#stopped) return [null, CANCELLED];
      if (this.#refusal !== null) return [null, this.#refusal];
      let job: Job<number>;
      try {
        job = this.#submit(line, attempt);
      } catch (error) {
        if (error instanceof ClosedError) return [null, CANCELLED];
        throw error;
      }
      const state: Attempt = { endedBy: "nobody", timer: undefined };
      this.#attempts.set(job, state);
      await job.done;
      clearTimeout(state.timer);
      this.#attempts.delete(job);
      const outcome = await outcomeOf(job, state.endedBy);
      if (outcome.kind === "refused" && OVER_LIMIT.test(outcome.reason ?? "")) {
        await new Promise((resolve) => setTimeout(resolve, OVER_LIMIT_PAUSE_MS));
        continue;
      }
      if (outcome.kind === "refused") {
        this.#refusal = outcome;
        this.#over.resolve(undefined);
      }
      return [job, outcome];
    }
  }

  #submit({ command, depends, number }: Line, attempt: number): Job<number> {
    const folder = this.#options.sharesFolder ? "" : lineFolder(number, attempt);
    return this.#cluster.submit([command, folder], {
      depends: depends.map((file) => ({ file, folder: below(folder, folderOf(linePlace(file))) })),
    });
  }
}

/** A folder within another one; "" = the other one itself. */
function below(folder: string, place: string): string {
  return folder === "" ? place : `${folder}/${place}`;
}

const CANCELLED: Outcome = {
  kind: "cancelled",
  exitCode: EXIT_CODES.cancelled,
  reason: "it was cancelled",
};
