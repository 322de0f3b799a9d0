/**
 * Where the journal is kept: tables of records under keys, changed by whole batches.
 *
 * @module
 */

/** The journal's tables. A key is a number, or text where the table says so. */
export const TABLES = {
  /** By name (text): what there is one of. */
  meta: "text",
  /** By cluster id. */
  cluster: "number",
  /** By address (text). */
  node: "text",
  /** By cluster id and address (text). */
  share: "text",
  /** By uid: what of a job never changes, with what is needed to run it. */
  job: "number",
  /** By uid: where a job is that has a CPU. */
  job_place: "number",
  /** By delivery id: results, with the reply. */
  result: "number",
  /** By number in the store: files of clients. */
  file: "number",
  /** By address (text): nodes that were given up and may not know. */
  lost_node: "text",
} as const;

/** One of {@linkcode TABLES}. */
export type Table = keyof typeof TABLES;

/** No payload may be longer; SQLite takes a little more. */
export const MAX_PAYLOAD_BYTES = 950_000_000;

/** A key in a table. */
export type Key = number | string;

/** One change. A `put` replaces what is there; without payload, it leaves that as it is. */
export type Change =
  | {
    readonly kind: "put";
    readonly table: Table;
    readonly key: Key;
    readonly record: Uint8Array;
    /** What is long and never looked at, kept beside the record. */
    readonly payload: Uint8Array | null;
  }
  | { readonly kind: "delete"; readonly table: Table; readonly key: Key };

/** What a table holds under a key. */
export interface Row {
  readonly key: Key;
  readonly record: Uint8Array;
  /** May be read from disk when it is asked for, as long as the row is there. */
  readonly payload: Uint8Array | null;
}

/** Keeps the journal. */
export interface Database {
  /**
   * All rows of a table, in the order of their keys.
   *
   * @throws {DamagedRowError} where one is not what was written
   */
  rows(table: Table): Iterable<Row>;
  /**
   * The payload under a key, or `null`.
   *
   * @throws {DamagedRowError} where it is not what was written
   */
  payload(table: Table, key: Key): Uint8Array | null;
  /**
   * Makes all of `changes` last, or none of them. A promise where that takes a while; there is
   * never more than one call under way.
   *
   * @throws {JournalError} where they cannot be written
   */
  commit(changes: readonly Change[]): void | PromiseLike<void>;
  /**
   * Gives back some of the room that is not needed any more; called now and then.
   *
   * @throws {JournalError} where that cannot be written
   */
  shrink(): void;
  /**
   * Why nothing new should be taken on for now although all can be written, or `null`: little room
   * is left, and that is for what is here already.
   */
  readonly shortage: string | null;
  /** Sets room aside again that was used up; called now and then. */
  replenish(): void;
  /** How much room it takes. */
  readonly sizeBytes: number;
  /** Whether its files are where the next run looks for them; absent = there are none. */
  isInPlace?(): boolean;
  /**
   * Writes its files anew, with all that it holds; nothing is committed meanwhile.
   *
   * @throws {JournalError} where that cannot be done
   */
  renew?(): Promise<void>;
  close(): void;
}

/** A row holds something else than what was written. */
export class DamagedRowError extends Error {
  override readonly name = "DamagedRowError";
}

/** The journal cannot be read or written; the message says why and what to do. */
export class JournalError extends Error {
  override readonly name = "JournalError";
}
