/**
 * The journal in an SQLite file, in write-ahead mode: a process that is killed at any moment
 * leaves the last commit behind, whole.
 *
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import { messageOf } from "../log/error_message.ts";
import {
  type Change,
  type Database,
  JournalError,
  type Key,
  type Row,
  type Table,
  TABLES,
} from "./database.ts";

/** Stands in SQLite's `application_id`: "dspy". */
const APPLICATION_ID = 0x64737079;

/**
 * What takes the schema from the version of its index to the next. Never changed once released:
 * a journal of any earlier version is brought up to date with them.
 */
const MIGRATIONS: readonly string[] = [
  Object.entries(TABLES).map(([table, key]) =>
    key === "number"
      ? `CREATE TABLE ${table} (key INTEGER PRIMARY KEY, record BLOB NOT NULL, payload BLOB);`
      : `CREATE TABLE ${table} (key TEXT PRIMARY KEY, record BLOB NOT NULL, payload BLOB)
         WITHOUT ROWID;`
  ).join("\n"),
];

/** Pages of 4 KiB in the log before they are moved into the database proper: 16 MiB. */
const CHECKPOINT_PAGES = 4096;

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

  private constructor(
    private readonly database: DatabaseSync,
    private readonly path: string,
    /** The write-ahead log, to be brought to disk after each commit; `null` = not each time. */
    private readonly log: Deno.FsFile | null,
  ) {
    for (const table of Object.keys(TABLES) as Table[]) {
      this.#puts.set(
        table,
        database.prepare(
          `INSERT INTO ${table} (key, record, payload) VALUES (?, ?, ?) ON CONFLICT DO UPDATE ` +
            "SET record = excluded.record, payload = coalesce(excluded.payload, payload)",
        ),
      );
      this.#deletes.set(table, database.prepare(`DELETE FROM ${table} WHERE key = ?`));
      this.#payloads.set(table, database.prepare(`SELECT payload FROM ${table} WHERE key = ?`));
    }
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    this.#rollback = database.prepare("ROLLBACK");
  }

  /**
   * Opens the journal at `path`, or begins one; brings one of an earlier version up to date.
   *
   * @throws {UnusableJournalError} where there is a file that is not ours or is damaged
   * @throws {JournalError} where no file can be opened or made
   */
  static async open(path: string, durability: Durability): Promise<SqliteDatabase> {
    try {
      // SQLite itself would leave it readable to others; what it puts beside it is like it.
      (await Deno.open(path, { write: true, create: true, mode: 0o600 })).close();
    } catch (error) {
      throw new JournalError(`cannot write ${path}: ${messageOf(error)}`);
    }
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path);
      prepare(database);
      const log = durability === "power" ? await openLog(path) : null;
      return new SqliteDatabase(database, path, log);
    } catch (error) {
      if (database?.isOpen) database.close();
      throw asOpenError(error, path);
    }
  }

  *rows(table: Table): Iterable<Row> {
    const payload = (key: Key) => this.payload(table, key);
    const select = this.database.prepare(`SELECT key, record FROM ${table} ORDER BY key`);
    for (const row of select.iterate()) {
      const { key, record } = row as { key: Key; record: Uint8Array };
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
    const row = this.#payloads.get(table)!.get(key);
    return (row?.payload ?? null) as Uint8Array | null;
  }

  commit(changes: readonly Change[]): void | Promise<void> {
    try {
      this.#begin.run();
      for (const change of changes) {
        if (change.kind === "delete") this.#deletes.get(change.table)!.run(change.key);
        else this.#puts.get(change.table)!.run(change.key, change.record, change.payload);
      }
      this.#commit.run();
    } catch (error) {
      if (this.database.isTransaction) this.#rollback.run();
      throw this.#failure(error);
    }
    if (this.log === null) return;
    return this.log.sync().catch((error) => {
      throw this.#failure(error);
    });
  }

  shrink(): void {
    if (this.#number("freelist_count") <= SPARE_PAGES) return;
    try {
      // Each step of it gives one page back.
      this.database.prepare(`PRAGMA incremental_vacuum(${SHRINK_PAGES})`).all();
      // The file itself becomes smaller once the log is moved into it.
      if (this.#number("freelist_count") <= SPARE_PAGES) this.#number("wal_checkpoint");
    } catch (error) {
      throw this.#failure(error);
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

  #failure(error: unknown): JournalError {
    return new JournalError(`cannot write ${this.path}: ${messageOf(error)}`);
  }
}

/** The first that a PRAGMA tells. */
function pragmaOf(database: DatabaseSync, pragma: string): unknown {
  const row = database.prepare(`PRAGMA ${pragma}`).get() as Record<string, unknown>;
  return Object.values(row)[0];
}

/** Checks a database, and brings its schema up to date. */
function prepare(database: DatabaseSync): void {
  const isNew = pragmaOf(database, "page_count") === 0;
  if (!isNew && pragmaOf(database, "application_id") !== APPLICATION_ID) {
    throw new UnusableJournalError("it is a database of another program");
  }
  const version = pragmaOf(database, "user_version") as number;
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
  for (let from = version; from < MIGRATIONS.length; from++) {
    database.exec(`
      BEGIN;
      ${MIGRATIONS[from]}
      PRAGMA application_id = ${APPLICATION_ID};
      PRAGMA user_version = ${from + 1};
      COMMIT;
    `);
  }
}

/**
 * The write-ahead log beside the database. Bringing it to disk after each commit is what
 * `synchronous = FULL` does; but done here, the program need not stand still meanwhile.
 */
async function openLog(path: string): Promise<Deno.FsFile> {
  if (Deno.build.os !== "windows") {
    // That the file exists must last, too.
    using folder = await Deno.open(path.replace(/\/[^/]*$/, "/"));
    await folder.sync();
  }
  return await Deno.open(`${path}-wal`, { read: true, write: true });
}

const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

function asOpenError(error: unknown, path: string): Error {
  if (error instanceof UnusableJournalError) return error;
  const code = (error as { errcode?: number }).errcode;
  // Of extended codes the lowest byte is the code proper.
  if (code !== undefined && (code & 0xff) === SQLITE_NOTADB) {
    return new UnusableJournalError("it is not a database");
  }
  if (code !== undefined && (code & 0xff) === SQLITE_CORRUPT) {
    return new UnusableJournalError("it is damaged");
  }
  return new JournalError(`cannot open ${path}: ${messageOf(error)}`);
}
