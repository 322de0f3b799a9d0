/**
 * What SQLite's errors mean for a journal.
 *
 * @module
 */

import { messageOf } from "../log/error_message.ts";
import { DamagedRowError, JournalError } from "./database.ts";

/** The file is not a journal of ours, or is damaged; the message says what is wrong. */
export class UnusableJournalError extends Error {
  override readonly name = "UnusableJournalError";
}

/**
 * Codes of SQLite that tell of the machine: no memory, not permitted, locked, read-only, disk errors,
 * disk full, a file that cannot be opened. All others tell of what is in the file.
 */
const SQLITE_OF_MACHINE: ReadonlySet<number> = new Set([3, 5, 6, 7, 8, 10, 13, 14, 15, 22, 23]);
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

/** Extended codes of SQLite for what has to do with the room on the disk, or what a user may have of it. */
const SQLITE_NO_ROOM: ReadonlySet<number> = new Set([SQLITE_FULL, 778, 4874]);

/** Whether there was no room on the disk. */
export function isFull(error: unknown): boolean {
  const { errcode, code } = (error ?? {}) as { errcode?: number; code?: string };
  return code === "ENOSPC" || (errcode !== undefined && SQLITE_NO_ROOM.has(errcode));
}

/** An error of opening a journal, as what it tells of: the machine, or the file. */
export function asOpenError(error: unknown, path: string): Error {
  if (error instanceof UnusableJournalError || error instanceof JournalError) return error;
  if (error instanceof DamagedRowError) return new UnusableJournalError(error.message);
  const { errcode } = error as { errcode?: number };
  // Of extended codes the lowest byte is the code proper.
  const code = errcode === undefined ? undefined : errcode & 0xff;
  if (code === undefined || SQLITE_OF_MACHINE.has(code)) {
    return new JournalError(`cannot open ${path}: ${messageOf(error)}`, { cause: error });
  }
  if (code === SQLITE_NOTADB) return new UnusableJournalError("it is not a database");
  return new UnusableJournalError(`it is damaged (${messageOf(error)})`);
}

/** An error of writing a journal. */
export function failure(path: string, error: unknown): JournalError {
  return new JournalError(`cannot write ${path}: ${messageOf(error)}`, { cause: error });
}
