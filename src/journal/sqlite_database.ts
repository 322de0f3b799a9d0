/**
 * The journal in an SQLite file, in write-ahead mode: a process that is killed at any moment
 * leaves the last commit behind, whole.
 *
 * @module
 */

import { backup, DatabaseSync, type StatementSync } from "node:sqlite";
import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import { ifNotFound } from "../store/not_found.ts";
import { syncFolder } from "../store/sync_folder.ts";
import { type CommitCounts, CommitMark } from "./commit_mark.ts";
import { checkPresent, type JournalLoss, type LogDamage, lossOf, mend } from "./completeness.ts";
import {
  type Change,
  type Database,
  JournalError,
  type Key,
  type Row,
  type Table,
  TABLES,
} from "./database.ts";
import { pack, type Packable, unpack } from "./packing.ts";
import { Reserve } from "./reserve.ts";
import { checked, type Sum, sumOf } from "./row_sum.ts";
import { pragmaOf, prepare } from "./schema.ts";
import { asOpenError, failure, isFull } from "./sqlite_errors.ts";

const log = getLogger("journal");

/**
 * Set aside for when the disk is full: more than it takes to move the log into the database, which
 * can be as large as {@linkcode CHECKPOINT_PAGES} and the last commit.
 */
const RESERVE_BYTES = 32 * 1024 * 1024;

/** For commits of more than that, as much is set aside in addition. */
const SMALL_COMMIT_BYTES = 8 * 1024 * 1024;

/** Unused pages that are given back at a time: some ten milliseconds' work. */
const SHRINK_PAGES = 4096;

/** So few unused pages are left to be used again. */
const SPARE_PAGES = 1024;

/** What a power failure may take. */
export type Durability =
  /** Nothing that was committed: each commit waits until the disk has it. */
  | "power"
  /** The last seconds, but never more; a killed process loses nothing. */
  | "crash";

/** See the module's description. */
export class SqliteDatabase implements Database {
  readonly #puts = new Map<Table, StatementSync>();
  readonly #deletes = new Map<Table, StatementSync>();
  readonly #payloads = new Map<Table, StatementSync>();
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #rollback: StatementSync;
  /** What this journal holds; a row of it, too. */
  #counts: CommitCounts;
  /** Of its files, by the ends of their names. */
  private readonly inodes: ReadonlyMap<string, number | null>;
  /** A sync of the log has failed: what is written to it from now on may have a gap before it. */
  #isLogDoubtful = false;

  private constructor(
    private readonly database: DatabaseSync,
    private readonly path: string,
    private readonly reserve: Reserve,
    /** The write-ahead log, to be brought to disk after each commit; `null` = not each time. */
    private readonly log: Deno.FsFile | null,
    private readonly mark: CommitMark,
    /** What is missing of what was committed, or `null`. */
    readonly loss: JournalLoss | null,
    counts: CommitCounts,
  ) {
    this.#counts = counts;
    this.inodes = new Map(["", "-wal"].map((suffix) => [suffix, inodeOf(path + suffix)]));
    for (const table of Object.keys(TABLES) as Table[]) {
      this.#puts.set(
        table,
        database.prepare(
          `INSERT INTO ${table} (key, record, record_sum, payload, payload_sum) ` +
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET record = excluded.record, " +
            "record_sum = excluded.record_sum, payload = coalesce(excluded.payload, payload), " +
            "payload_sum = coalesce(excluded.payload_sum, payload_sum)",
        ),
      );
      this.#deletes.set(table, database.prepare(`DELETE FROM ${table} WHERE key = ?`));
      this.#payloads.set(
        table,
        database.prepare(`SELECT payload, payload_sum AS sum FROM ${table} WHERE key = ?`),
      );
    }
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    this.#rollback = database.prepare("ROLLBACK");
  }

  /**
   * Opens the journal at `path`, or begins one; brings one of an earlier version up to date.
   *
   * @param reserveBytes How much of the disk is set aside for when it is full.
   * @throws {UnusableJournalError} where there is a file that is not ours or is damaged
   * @throws {JournalError} where no file can be opened or made
   */
  static async open(
    path: string,
    durability: Durability,
    reserveBytes: number = RESERVE_BYTES,
  ): Promise<SqliteDatabase> {
    const reserve = new Reserve(`${path}-reserve`, reserveBytes);
    try {
      return await SqliteDatabase.#open(path, durability, reserve);
    } catch (error) {
      if (!isFull(error instanceof JournalError ? error.cause : error)) throw error;
      // It may be there from an earlier run.
      reserve.release();
      return await SqliteDatabase.#open(path, durability, reserve);
    }
  }

  static async #open(
    path: string,
    durability: Durability,
    reserve: Reserve,
  ): Promise<SqliteDatabase> {
    const mark = openMark(path);
    try {
      await checkPresent(path, mark.found);
      const damage = await mend(path);
      return await SqliteDatabase.#openMended(path, durability, reserve, mark, damage);
    } catch (error) {
      mark.close();
      throw asOpenError(error, path);
    }
  }

  static async #openMended(
    path: string,
    durability: Durability,
    reserve: Reserve,
    mark: CommitMark,
    damage: LogDamage | null,
  ): Promise<SqliteDatabase> {
    try {
      // SQLite itself would leave it readable to others; what it puts beside it is like it.
      (await Deno.open(path, { write: true, create: true, mode: 0o600 })).close();
    } catch (error) {
      throw failure(path, error);
    }
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path);
      prepare(database);
      const wal = durability === "power" ? await openLog(path) : null;
      // Last, as what is there already goes before.
      reserve.fill();
      const counts = countsIn(database);
      const loss = lossOf(damage, mark.found, counts);
      if (mark.found === null && counts.commits > 0) {
        log.warning("whether the journal is complete cannot be told", {
          reason: `${path}${MARK} is gone or damaged`,
        });
      }
      // Above what was lost, so that the next start does not find it missing again.
      const commits = Math.max(counts.commits, mark.found?.commits ?? 0);
      const places = Math.max(counts.places, mark.found?.places ?? 0);
      return new SqliteDatabase(database, path, reserve, wal, mark, loss, { commits, places });
    } catch (error) {
      if (database?.isOpen) database.close();
      throw asOpenError(error, path);
    }
  }

  *rows(table: Table): Iterable<Row> {
    const payload = (key: Key) => this.payload(table, key);
    const select = this.database.prepare(
      `SELECT key, record, record_sum AS sum FROM ${table} ORDER BY key`,
    );
    for (const row of select.iterate()) {
      const { key, record: stored, sum } = row as { key: Key; record: Uint8Array; sum: Sum };
      if (table === COUNTS_ROW.table && key === COUNTS_ROW.key) continue;
      const record = checked(table, key, stored, sum);
      yield {
        key,
        record,
        get payload() {
          return payload(key);
        },
      };
    }
  }

  payload(table: Table, key: Key): Uint8Array | null {
    const row = this.#payloads.get(table)!.get(key) as
      | { payload: Uint8Array | null; sum: Sum }
      | undefined;
    if (!row?.payload) return null;
    return checked(table, key, row.payload, row.sum);
  }

  commit(changes: readonly Change[]): void | Promise<void> {
    try {
      this.#setAsideFor(changes);
      if (this.#isLogDoubtful) {
        this.#emptyLog("TRUNCATE");
        this.#isLogDoubtful = false;
      }
      this.#write(changes);
    } catch (error) {
      if (!isFull(error)) throw failure(this.path, error);
      this.#writeWithReserve(changes);
    }
    if (this.log === null) return this.#setMark();
    return this.log.sync().then(() => this.#setMark(), (error) => {
      this.#isLogDoubtful = true;
      throw failure(this.path, error);
    });
  }

  /** Before anybody is told of the commit. */
  #setMark(): void {
    try {
      this.mark.write(this.#counts);
    } catch (error) {
      // What was committed lasts all the same; only its loss would not be noticed.
      log.debug("the mark beside the journal cannot be written", { reason: messageOf(error) });
    }
  }

  #write(changes: readonly Change[]): void {
    const placed = changes.filter(({ kind, table }) => kind === "put" && table === "job_place");
    const counts = {
      commits: this.#counts.commits + 1,
      places: this.#counts.places + placed.length,
    };
    try {
      this.#begin.run();
      for (const change of changes) {
        if (change.kind === "delete") this.#deletes.get(change.table)!.run(change.key);
        else this.#put(change);
      }
      this.#put({ kind: "put", ...COUNTS_ROW, record: pack({ ...counts }), payload: null });
      this.#commit.run();
      this.#counts = counts;
    } catch (error) {
      if (this.database.isTransaction) this.#rollback.run();
      throw error;
    }
  }

  /** Where the disk is full: also what makes the database smaller has to go through the log first. */
  #writeWithReserve(changes: readonly Change[]): void {
    this.reserve.release();
    try {
      // The log keeps the room that it has, and is written from its beginning.
      this.#emptyLog("RESTART");
      this.#write(changes);
    } catch (error) {
      throw failure(this.path, error);
    }
  }

  #setAsideFor(changes: readonly Change[]): void {
    let sizeBytes = 0;
    for (const change of changes) {
      if (change.kind === "put") sizeBytes += change.record.length + (change.payload?.length ?? 0);
    }
    if (sizeBytes > SMALL_COMMIT_BYTES) this.reserve.grow(RESERVE_BYTES + sizeBytes);
  }

  #put({ table, key, record, payload }: Extract<Change, { kind: "put" }>): void {
    const payloadSum = payload && sumOf(key, payload);
    this.#puts.get(table)!.run(key, record, sumOf(key, record), payload, payloadSum);
  }

  /**
   * Moves the log into the database proper and begins it anew. Where a sync has failed, a later one
   * that works says nothing of what the first was for: the system may have dropped that.
   */
  #emptyLog(how: "RESTART" | "TRUNCATE"): void {
    const { busy } = this.database.prepare(`PRAGMA wal_checkpoint(${how})`).get()!;
    if (busy !== 0) throw new Error("its log is in use");
  }

  get shortage(): string | null {
    return this.reserve.shortage;
  }

  replenish(): void {
    this.reserve.fill();
  }

  /** Whether its files are those that lie at its path. */
  isInPlace(): boolean {
    for (const [suffix, inode] of this.inodes) {
      if (inode !== null && inodeOf(this.path + suffix) !== inode) return false;
    }
    return true;
  }

  /** Writes all that it holds to its path, where its own files are gone from. */
  async copyToOwnPath(): Promise<void> {
    try {
      for (const suffix of ["", "-wal", "-shm", MARK]) {
        await Deno.remove(this.path + suffix).catch(ifNotFound(undefined));
      }
      (await Deno.open(this.path, { write: true, createNew: true, mode: 0o600 })).close();
      await backup(this.database, this.path);
      const mark = CommitMark.open(this.path + MARK);
      mark.write(this.#counts);
      mark.close();
    } catch (error) {
      throw failure(this.path, error);
    }
  }

  shrink(): void {
    if (this.#number("freelist_count") <= SPARE_PAGES) return;
    try {
      // Each step of it gives one page back.
      this.database.prepare(`PRAGMA incremental_vacuum(${SHRINK_PAGES})`).all();
      // The file itself becomes smaller once the log is moved into it.
      if (this.#number("freelist_count") <= SPARE_PAGES) this.#number("wal_checkpoint");
    } catch (error) {
      throw failure(this.path, error);
    }
  }

  get sizeBytes(): number {
    return this.#number("page_count") * this.#number("page_size");
  }

  close(): void {
    this.mark.close();
    this.log?.close();
    this.database.close();
  }

  #number(pragma: string): number {
    return pragmaOf(this.database, pragma) as number;
  }
}

/** Of a file; `null` where there is none, or the system has no such thing. */
function inodeOf(path: string): number | null {
  try {
    return Deno.statSync(path).ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw error;
  }
}

/** Where the journal itself counts its commits. */
const COUNTS_ROW = { table: "meta", key: "commits" } as const;

/** Ends the name of the file beside the journal that counts them as well. */
const MARK = "-commits";

function openMark(path: string): CommitMark {
  try {
    return CommitMark.open(path + MARK);
  } catch (error) {
    throw failure(path + MARK, error);
  }
}

function countsIn(database: DatabaseSync): CommitCounts {
  const { table, key } = COUNTS_ROW;
  const row = database.prepare(`SELECT record, record_sum AS sum FROM ${table} WHERE key = ?`)
    .get(key) as { record: Uint8Array; sum: Sum } | undefined;
  // Earlier versions did not count.
  if (row === undefined) return { commits: 0, places: 0 };
  return unpack<CommitCounts & Packable>(checked(table, key, row.record, row.sum));
}

/**
 * The write-ahead log beside the database. Bringing it to disk after each commit is what
 * `synchronous = FULL` does; but done here, the program need not stand still meanwhile.
 */
async function openLog(path: string): Promise<Deno.FsFile> {
  await syncFolder(path.replace(/\/[^/]*$/, "/"));
  return await Deno.open(`${path}-wal`, { read: true, write: true });
}
