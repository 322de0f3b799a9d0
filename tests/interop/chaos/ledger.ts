/**
 * What became of each job, from what its client and the node that ran it have written down.
 *
 * @module
 */

import { JobStatus } from "../harness/jobs.ts";

/** One client's books. */
export interface Books {
  /** How the report calls the client. */
  readonly name: string;
  /** Whether its jobs may run twice. */
  readonly reentrant: boolean;
  /** What the client wrote; see `client.py`. */
  readonly ledger: string;
  /** What its jobs wrote: `x ATTEMPT NODE` as each begins. */
  readonly executions: string;
}

/** Numbers of a run. */
export interface Tally {
  accepted: number;
  /** Submissions that failed, as the scheduler could not be reached. */
  notAccepted: number;
  /** By dispy's name of the status. */
  readonly outcomes: Record<string, number>;
  /** Jobs that ran more than once, as they may. */
  ranAgain: number;
  /** Jobs given up because they may not run twice. */
  givenUp: number;
  /**
   * Jobs that dispynode itself has reported Terminated, as its own thread looked at a process that
   * was just about to be started: the same with any scheduler.
   */
  races: number;
}

/** What must not be, each with the jobs it was found of: `client 1: 17, 20`. */
export interface Verdict {
  readonly tally: Tally;
  readonly faults: ReadonlyMap<Wrong, readonly string[]>;
}

/** What must not be. */
export type Wrong =
  | "lost"
  | "doubled"
  | "wrong results"
  | "finished without having run"
  | "run twice though not reentrant"
  | "reentrant, but not finished";

/** All there is, in the order of the report. */
export const WRONGS: readonly Wrong[] = [
  "lost",
  "doubled",
  "wrong results",
  "finished without having run",
  "run twice though not reentrant",
  "reentrant, but not finished",
];

const NAMES = new Map<number, string>(
  Object.entries(JobStatus).map(([name, status]) => [status, name]),
);

interface Outcome {
  readonly status: number;
  readonly result: string;
}

/** Checks the books of all clients. */
export function audit(books: readonly Books[]): Verdict {
  const tally: Tally = {
    accepted: 0,
    notAccepted: 0,
    outcomes: {},
    ranAgain: 0,
    givenUp: 0,
    races: 0,
  };
  const faults = new Map<Wrong, string[]>(WRONGS.map((wrong) => [wrong, []]));
  for (const { name, reentrant, ledger, executions } of books) {
    const runs = countRuns(executions);
    const { accepted, outcomes, notAccepted } = readLedger(ledger);
    tally.accepted += accepted.size;
    tally.notAccepted += notAccepted;
    for (const attempt of accepted) {
      const found = (wrong: Wrong) => faults.get(wrong)!.push(`${name}: ${attempt}`);
      const ran = runs.get(attempt) ?? 0;
      const [outcome, ...others] = outcomes.get(attempt) ?? [];
      if (outcome === undefined) {
        found("lost");
        continue;
      }
      if (others.length > 0) found("doubled");
      const isFinished = outcome.status === JobStatus.Finished;
      const status = NAMES.get(outcome.status) ?? String(outcome.status);
      tally.outcomes[status] = (tally.outcomes[status] ?? 0) + 1;
      if (outcome.result === "wrong") found("wrong results");
      if (isFinished && ran === 0) found("finished without having run");
      if (outcome.result === "race") tally.races++;
      else if (reentrant && !isFinished) found("reentrant, but not finished");
      else if (!isFinished) tally.givenUp++;
      if (ran > 1) {
        tally.ranAgain++;
        if (!reentrant) found("run twice though not reentrant");
      }
    }
  }
  return { tally, faults };
}

function countRuns(executions: string): Map<number, number> {
  const runs = new Map<number, number>();
  for (const line of executions.split("\n")) {
    const [mark, attempt] = line.split(" ");
    if (mark === "x") runs.set(Number(attempt), (runs.get(Number(attempt)) ?? 0) + 1);
  }
  return runs;
}

function readLedger(ledger: string) {
  const accepted = new Set<number>();
  const outcomes = new Map<number, Outcome[]>();
  let notAccepted = 0;
  for (const line of ledger.split("\n")) {
    const [mark, number, status, result = "none"] = line.split(" ");
    const attempt = Number(number);
    if (mark === "a") accepted.add(attempt);
    else if (mark === "n") notAccepted++;
    else if (mark === "o") {
      outcomes.set(attempt, [
        ...outcomes.get(attempt) ?? [],
        { status: Number(status), result },
      ]);
    }
  }
  return { accepted, outcomes, notAccepted };
}
