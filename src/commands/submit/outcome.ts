/**
 * What has become of a command line.
 *
 * @module
 */

import { type Job, JobRefusedError } from "../../client/mod.ts";
import { OPERATOR_REASON, SHUTDOWN_REASON } from "../../core/mod.ts";
import { messageOf } from "../../log/error_message.ts";

/** How a command line ended. */
export type OutcomeKind =
  /** By itself, or by a signal of its own. */
  | "exited"
  /** By us: it took too long. */
  | "timed_out"
  /** By us, by an operator of the scheduler, or with the scheduler: everything was to end. */
  | "cancelled"
  /** Not by us: it could not be run, its node is gone, or something at its node has ended it. */
  | "lost"
  /** The scheduler has not taken it. */
  | "refused";

/** See the module's description. */
export interface Outcome {
  readonly kind: OutcomeKind;
  /** 0 to 255; see {@linkcode EXIT_CODES} for those that are not the line's own. */
  readonly exitCode: number;
  /** Why, in one line, where it is not the line's own doing; else `null`. */
  readonly reason: string | null;
}

/** Exit codes of lines that have none of their own, as `timeout` and shells have them. */
export const EXIT_CODES = { timed_out: 124, lost: 125, refused: 125, cancelled: 130 } as const;

/** Shells tell a signal so. */
const SIGNAL_BASE = 128;
const MAX_EXIT_CODE = 255;

/** Who has wanted a job to end before its time. */
export type EndedBy = "nobody" | "timeout" | "user";

/**
 * Tells what has become of a job at its end.
 *
 * @param job Whose computation is a program.
 * @param endedBy Who has had it cancelled.
 */
export async function outcomeOf(job: Job<number>, endedBy: EndedBy): Promise<Outcome> {
  if (job.status === "Finished") {
    try {
      return exited(await job.result);
    } catch (error) {
      return without("lost", `its exit code cannot be read: ${messageOf(error)}`);
    }
  }
  if (endedBy === "timeout") return without("timed_out", "it took too long");
  if (endedBy === "user") return without("cancelled", "it was cancelled");
  if (job.status === "Failed") {
    const kind = job.error instanceof JobRefusedError ? "refused" : "lost";
    return without(kind, job.error === null ? "it was not taken" : job.error.message);
  }
  const reason = lastLine(job.exception);
  if (reason !== undefined && ENDED_AT_SCHEDULER.includes(reason)) {
    return { kind: "cancelled", exitCode: EXIT_CODES.lost, reason };
  }
  return without("lost", reason ?? ENDS[job.status] ?? "it was ended");
}

/** Why jobs end that neither their node nor this command has ended. */
const ENDED_AT_SCHEDULER: readonly string[] = [OPERATOR_REASON, SHUTDOWN_REASON];

const ENDS: Readonly<Record<string, string>> = {
  Terminated: "it was ended at its node, by another process there or by a user",
  Cancelled: "the scheduler has cancelled it",
  Abandoned: "its node is gone",
};

function exited(code: number): Outcome {
  if (!Number.isInteger(code)) return without("lost", "its node has told no exit code");
  // Python tells a signal as its negative number.
  const exitCode = Math.min(code < 0 ? SIGNAL_BASE - code : code, MAX_EXIT_CODE);
  return { kind: "exited", exitCode, reason: null };
}

function without(kind: Exclude<OutcomeKind, "exited">, reason: string): Outcome {
  return { kind, exitCode: EXIT_CODES[kind], reason };
}

/** What a Python traceback says at its end, or a reason that the scheduler gives. */
function lastLine(text: string | null): string | undefined {
  return text?.trimEnd().split("\n").at(-1)?.trim() || undefined;
}
