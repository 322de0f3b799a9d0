/**
 * The tables in a journal's file, and how those of earlier versions become them.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { TABLES } from "./database.ts";
import { UnusableJournalError } from "./sqlite_errors.ts";

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

/** The first that a PRAGMA tells. */
export function pragmaOf(database: DatabaseSync, pragma: string): unknown {
  const row = database.prepare(`PRAGMA ${pragma}`).get() as Record<string, unknown>;
  return Object.values(row)[0];
}

/** Pages of 4 KiB in the log before they are moved into the database proper: 16 MiB. */
export const CHECKPOINT_PAGES = 4096;

/** The log is cut back to this once it has been moved. */
const LOG_LIMIT_BYTES = 16 * 1024 * 1024;

/** Checks a database, and brings its schema up to date. */
export function prepare(database: DatabaseSync): void {
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
