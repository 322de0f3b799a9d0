/**
 * The journal in an SQLite file, in write-ahead mode: a process that is killed at any moment
 * leaves the last commit behind, whole.
 *
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { messageOf } from "../log/error_message.ts";
import { ifNotFound } from "../store/not_found.ts";
import { syncFolder } from "../store/sync_folder.ts";
import {
  type Change,
  DamagedRowError,
  type Database,
  JournalError,
  type Key,
  type Row,
  type Table,
  TABLES,
} from "./database.ts";
import { Reserve } from "./reserve.ts";

/** Stands in SQLite's `application_id`: "dspy". */
const APPLICATION_ID = 0x64737079;

/**
 * What takes the schema from the version of its index to the next. Never changed once released:
 * a journal of any earlier version is brought up to date with them.
 */
const MIGRATIONS: readonly (readonly string[])[] = [
  Object.entries(TABLES).map(([table, key]) =>
    key === "number"
      ? `CREATE TABLE ${table} (key INTEGER PRIMARY KEY, record BLOB NOT NULL, payload BLOB)`
      : `CREATE TABLE ${table} (key TEXT PRIMARY KEY, record BLOB NOT NULL, payload BLOB)
         WITHOUT ROWID`
  ),
  // SQLite notices damage to its own structure only. Rows of before have no sums.
  Object.keys(TABLES).flatMap((table) => [
    `ALTER TABLE ${table} ADD COLUMN record_sum INTEGER`,
    `ALTER TABLE ${table} ADD COLUMN payload_sum INTEGER`,
  ]),
];

/** Pages of 4 KiB in the log before they are moved into the database proper: 16 MiB. */
const CHECKPOINT_PAGES = 4096;

/**
 * Set aside for when the disk is full: more than it takes to move the log into the database, which
 * can be as large as {@linkcode CHECKPOINT_PAGES} and the last commit.
 */
const RESERVE_BYTES = 32 * 1024 * 1024;

/** For commits of more than that, as much is set aside in addition. */
const SMALL_COMMIT_BYTES = 8 * 1024 * 1024;

/** The log is cut back to this once it has been moved. */
const LOG_LIMIT_BYTES = 16 * 1024 * 1024;

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

/** The file is not a journal of ours, or is damaged; the message says what is wrong. */
export class UnusableJournalError extends Error {
  override readonly name = "UnusableJournalError";
}

/** See the module's description. */
export class SqliteDatabase implements Database {
  readonly #puts = new Map<Table, StatementSync>();
  readonly #deletes = new Map<Table, StatementSync>();
  readonly #payloads = new Map<Table, StatementSync>();
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #rollback: StatementSync;
  /** A sync of the log has failed: what is written to it from now on may have a gap before it. */
  #isLogDoubtful = false;

  private constructor(
    private readonly database: DatabaseSync,
    private readonly path: string,
    private readonly reserve: Reserve,
    /** The write-ahead log, to be brought to disk after each commit; `null` = not each time. */
    private readonly log: Deno.FsFile | null,
  ) {
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
    await checkComplete(path);
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
      const log = durability === "power" ? await openLog(path) : null;
      // Last, as what is there already goes before.
      reserve.fill();
      return new SqliteDatabase(database, path, reserve, log);
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
      const { key, record, sum } = row as { key: Key; record: Uint8Array; sum: Sum };
      check(table, key, record, sum);
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
    check(table, key, row.payload, row.sum);
    return row.payload;
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
    if (this.log === null) return;
    return this.log.sync().catch((error) => {
      this.#isLogDoubtful = true;
      throw failure(this.path, error);
    });
  }

  #write(changes: readonly Change[]): void {
    try {
      this.#begin.run();
      for (const change of changes) {
        if (change.kind === "delete") this.#deletes.get(change.table)!.run(change.key);
        else this.#put(change);
      }
      this.#commit.run();
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
    this.log?.close();
    this.database.close();
  }

  #number(pragma: string): number {
    return pragmaOf(this.database, pragma) as number;
  }
}

function failure(path: string, error: unknown): JournalError {
  return new JournalError(`cannot write ${path}: ${messageOf(error)}`, { cause: error });
}

/** A checksum; `null` = it was written by a version that had none. */
type Sum = number | null;

/** Tells also of bytes that have come under another key. */
function sumOf(key: Key, bytes: Uint8Array): number {
  return crc32(bytes, typeof key === "number" ? key % 2 ** 32 : crc32(key));
}

function check(table: Table, key: Key, bytes: Uint8Array, sum: Sum): void {
  if (sum === null || sum === sumOf(key, bytes)) return;
  throw new DamagedRowError(`row ${key} of ${table} is damaged`);
}

/** The first that a PRAGMA tells. */
function pragmaOf(database: DatabaseSync, pragma: string): unknown {
  const row = database.prepare(`PRAGMA ${pragma}`).get() as Record<string, unknown>;
  return Object.values(row)[0];
}

/** SQLite takes a file that is shorter than its smallest page for an empty one. */
const MIN_PAGE_BYTES = 512;

/**
 * Sees that a database that is empty is a new one: SQLite would drop a log beside it.
 *
 * @throws {UnusableJournalError} where it is not
 */
async function checkComplete(path: string): Promise<void> {
  const sizeOf = (path: string) => Deno.stat(path).then(({ size }) => size, ifNotFound(0));
  const sizeBytes = await sizeOf(path);
  if (sizeBytes >= MIN_PAGE_BYTES) return;
  if (sizeBytes > 0) throw new UnusableJournalError("it is not a database");
  if (await sizeOf(`${path}-wal`) === 0) return;
  throw new UnusableJournalError("it is empty, and the log beside it is not");
}

/** Checks a database, and brings its schema up to date. */
function prepare(database: DatabaseSync): void {
  const isNew = pragmaOf(database, "page_count") === 0;
  if (!isNew && pragmaOf(database, "application_id") !== APPLICATION_ID) {
    throw new UnusableJournalError("it is a database of another program");
  }
  const version = pragmaOf(database, "user_version") as number;
  if (version < 0) throw new UnusableJournalError("it is damaged");
  if (version > MIGRATIONS.length) {
    throw new UnusableJournalError(
      `it was written by a later version of this program (schema ${version}, this one knows ` +
        `${MIGRATIONS.length})`,
    );
  }
  if (isNew) database.exec("PRAGMA auto_vacuum = INCREMENTAL");
  else if (pragmaOf(database, "quick_check(1)") !== "ok") {
    throw new UnusableJournalError("it is damaged");
  }
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
    PRAGMA journal_size_limit = ${LOG_LIMIT_BYTES};
  `);
  for (const [index, migration] of MIGRATIONS.entries()) {
    if (index < version) continue;
    const statements = [
      "BEGIN IMMEDIATE",
      ...migration,
      `PRAGMA application_id = ${APPLICATION_ID}`,
      `PRAGMA user_version = ${index + 1}`,
      "COMMIT",
    ];
    // One by one: errors of `exec` do not tell SQLite's code.
    for (const statement of statements) database.prepare(statement).run();
  }
}

/**
 * The write-ahead log beside the database. Bringing it to disk after each commit is what
 * `synchronous = FULL` does; but done here, the program need not stand still meanwhile.
 */
async function openLog(path: string): Promise<Deno.FsFile> {
  await syncFolder(path.replace(/\/[^/]*$/, "/"));
  return await Deno.open(`${path}-wal`, { read: true, write: true });
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

function isFull(error: unknown): boolean {
  const { errcode, code } = (error ?? {}) as { errcode?: number; code?: string };
  return code === "ENOSPC" || (errcode !== undefined && SQLITE_NO_ROOM.has(errcode));
}

function asOpenError(error: unknown, path: string): Error {
  if (error instanceof UnusableJournalError) return error;
  const { errcode } = error as { errcode?: number };
  // Of extended codes the lowest byte is the code proper.
  const code = errcode === undefined ? undefined : errcode & 0xff;
  if (code === undefined || SQLITE_OF_MACHINE.has(code)) {
    return new JournalError(`cannot open ${path}: ${messageOf(error)}`, { cause: error });
  }
  if (code === SQLITE_NOTADB) return new UnusableJournalError("it is not a database");
  return new UnusableJournalError(`it is damaged (${messageOf(error)})`);
}
