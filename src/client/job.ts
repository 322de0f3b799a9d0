/**
 * Jobs as programs see them.
 *
 * @module
 */

/**
 * What has become of a job, by dispy's names. `Created` until it runs, `Running` while it does;
 * the others are ends: `Finished` with a result, `Terminated` by an exception or while running,
 * `Cancelled` before it ran, `Abandoned` where its node is gone, `Failed` where the scheduler never
 * took it (dispy's own client has no job then).
 */
export type JobState =
  | "Created"
  | "Running"
  | "Finished"
  | "Terminated"
  | "Cancelled"
  | "Abandoned"
  | "Failed";

/**
 * A submitted job.
 *
 * It is no promise itself, so that it can be passed around and yielded as it is:
 * `await job.result` is what the computation returns, `await job.done` the job at its end.
 *
 * @typeParam Result What the computation returns.
 */
export interface Job<Result = unknown> {
  /** As given to `submit`, or else a number: 1, 2, … */
  readonly id: number | string;
  /** The scheduler's number for it; `null` until the scheduler has taken the job. */
  readonly uid: number | null;
  readonly status: JobState;
  /**
   * What the computation returned; for programs the exit code.
   *
   * Rejects with `JobFailedError` where it threw, `JobCancelledError`, `JobAbandonedError`,
   * `JobRefusedError`, `SubmitTimeoutError`, `ResultUnreadableError`, `ComputationLostError`,
   * `ClosedError`. A rejection that nobody looks at is no "unhandled rejection".
   */
  readonly result: Promise<Result>;
  /** The job itself at its end, whatever that is; never rejects. */
  readonly done: Promise<Job<Result>>;
  /** Resolves once the scheduler has taken the job; rejects as {@linkcode Job.result} does. */
  readonly accepted: Promise<Job<Result>>;
  /** Why there is no result; `null` before the end, and where there is one. */
  readonly error: Error | null;
  /** What it printed; "" before the end. Bytes that are no UTF-8 become U+FFFD. */
  readonly stdout: string;
  /** What it printed to standard error; "" before the end. */
  readonly stderr: string;
  /** {@linkcode Job.stdout} as bytes, as programs wrote them. */
  readonly stdoutBytes: Uint8Array;
  /** {@linkcode Job.stderr} as bytes, as programs wrote them. */
  readonly stderrBytes: Uint8Array;
  /** The traceback of the exception that ended it, or `null`. */
  readonly exception: string | null;
  /** Address of the node that runs it or has run it; `null` before. */
  readonly ipAddr: string | null;
  readonly submittedAt: Date;
  /** When it began to run, by the node's clock; `null` before. */
  readonly startedAt: Date | null;
  /** When it ended, by the node's clock; `null` before. */
  readonly endedAt: Date | null;
  /** The last provisional result so far, `undefined` without one. */
  readonly provisionalResult: unknown;
  /**
   * The provisional results that the job sends (`dispy_provisional_result` in Python,
   * `dispy.provisionalResult` in TypeScript), from the first on, until the job ends.
   */
  provisionalResults(): AsyncIterableIterator<unknown>;
  /**
   * Tells the scheduler to cancel the job, as soon as it is there; the job is over when
   * {@linkcode Job.done} resolves. A job that has ended is left alone.
   */
  cancel(): Promise<void>;
}

/** A file, and the folder in which a node keeps it. */
export interface PlacedFile {
  readonly file: string | URL;
  /** Below the computation's folder at the node: a relative path, with `/` between folders. */
  readonly folder: string;
}

/** How one job differs from the others. */
export interface SubmitOptions {
  /** Names the job in this program; a number when absent. */
  readonly id?: number | string | undefined;
  /** Address or name of the only node that may run it. */
  readonly node?: string | undefined;
  /** Keyword arguments, for Python functions. */
  readonly kwargs?: Readonly<Record<string, unknown>> | undefined;
  /** Files that the job's node gets before it runs the job: paths, `file:` URLs, or placed ones. */
  readonly depends?: readonly (string | URL | PlacedFile)[] | undefined;
  /** Python source text that goes with this job alone: functions and classes it needs. */
  readonly code?: string | undefined;
  /** Cancels the job. */
  readonly signal?: AbortSignal | undefined;
  /** How long the job may wait to be taken by an absent scheduler, in ms; for ever when absent. */
  readonly submitTimeoutMs?: number | undefined;
}
