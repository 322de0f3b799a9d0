/**
 * Whether a journal holds all that was committed to it, and what is to be done where it does not.
 *
 * @module
 */

import { getLogger } from "../log/log.ts";
import { ifNotFound } from "../store/not_found.ts";
import type { CommitCounts } from "./commit_mark.ts";
import { UnusableJournalError } from "./sqlite_errors.ts";
import { examineLog, mendLog } from "./write_ahead_log.ts";

const log = getLogger("journal");

/** SQLite takes a file that is shorter than its smallest page for an empty one. */
const MIN_PAGE_BYTES = 512;

/** A log that cannot be read to its end. */
export interface LogDamage {
  /** Where it begins. */
  readonly at: number;
  readonly commitsBehind: number;
  /** What SQLite will overwrite is kept there. */
  readonly copy: string;
}

/** What a journal has lost. */
export interface JournalLoss {
  /** In words for the log. */
  readonly reason: string;
  /** How many of the last commits are missing; `null` = it is not known. */
  readonly commits: number | null;
  /** How often, at most, a job was noted in these as being at a node. */
  readonly places: number;
  /** What is left of them; `null` = nothing. */
  readonly copy: string | null;
}

/**
 * Sees that a database that is empty is a new one: SQLite would drop a log beside it.
 *
 * @param marked What the mark beside it says.
 * @throws {UnusableJournalError} where it is not
 */
export async function checkPresent(path: string, marked: CommitCounts | null): Promise<void> {
  const sizeOf = (path: string) => Deno.stat(path).then(({ size }) => size, ifNotFound(0));
  const sizeBytes = await sizeOf(path);
  if (sizeBytes >= MIN_PAGE_BYTES) return;
  if (sizeBytes > 0) throw new UnusableJournalError("it is not a database");
  if (await sizeOf(`${path}-wal`) > 0) {
    throw new UnusableJournalError("it is empty, and the log beside it is not");
  }
  if (marked !== null && marked.commits > 0) {
    throw new UnusableJournalError(`it is empty, although ${marked.commits} commits went into it`);
  }
}

/**
 * Mends the log beside a journal as far as that can be done, before SQLite reads it.
 *
 * @returns what is wrong with it then, or `null`
 */
export async function mend(path: string): Promise<LogDamage | null> {
  const logPath = `${path}-wal`;
  const file = await Deno.open(logPath, { read: true, write: true }).catch(ifNotFound(null));
  if (file === null) return null;
  try {
    const { mends, damagedAt: at, commitsBehind } = examineLog(file);
    const copy = `${logPath}_damaged_${new Date().toISOString().replaceAll(/[^\d]/g, "")}`;
    if (at !== null) await Deno.copyFile(logPath, copy);
    mendLog(file, mends);
    if (mends.length > 0) {
      log.warning("the journal's log was damaged, and has been mended", {
        log: logPath,
        bits: mends.length,
        at: mends.map(({ at }) => at).slice(0, 10).join(" "),
        hint: "the disk or the memory of this machine may be failing",
      });
    }
    return at === null ? null : { at, commitsBehind, copy };
  } finally {
    file.close();
  }
}

/**
 * What a journal has lost, or `null`.
 *
 * @param marked What the mark beside it says; `null` = there is none.
 * @param found What it holds.
 */
export function lossOf(
  damage: LogDamage | null,
  marked: CommitCounts | null,
  found: CommitCounts,
): JournalLoss | null {
  const commits = marked === null ? null : marked.commits - found.commits;
  // Where it was moved into the database already, damage to the log does no harm.
  if (damage === null ? commits === null || commits <= 0 : commits !== null && commits <= 0) {
    return null;
  }
  const reason = damage === null
    ? "its log was cut off, or the machine has lost power"
    : `its log is damaged from byte ${damage.at} on, with ${damage.commitsBehind} whole commits ` +
      "behind";
  const places = marked === null ? Infinity : marked.places - found.places;
  return { reason, commits, places, copy: damage?.copy ?? null };
}
