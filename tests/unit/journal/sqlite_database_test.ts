/** The journal's file: what a commit leaves, what is refused, and how large it gets. */

import { DatabaseSync } from "node:sqlite";
import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { assertRejects } from "@std/assert/rejects.js";
import { assertThrows } from "@std/assert/throws.js";
import {
  type Change,
  DamagedRowError,
  JournalError,
  type Key,
  type Table,
  TABLES,
} from "../../../src/journal/database.ts";
import { type Durability, SqliteDatabase } from "../../../src/journal/sqlite_database.ts";
import { UnusableJournalError } from "../../../src/journal/sqlite_errors.ts";
import { withFolder } from "./folder.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | null) => bytes && new TextDecoder().decode(bytes);

function put(table: Table, key: Key, record: string, payload: string | null = null): Change {
  const beside = payload === null ? null : bytes(payload);
  return { kind: "put", table, key, record: bytes(record), payload: beside };
}

/** All rows of a table as text. */
function rows(database: SqliteDatabase, table: Table): [Key, string | null, string | null][] {
  return Array.from(database.rows(table), ({ key, record, payload }) => [
    key,
    text(record),
    text(payload),
  ]);
}

/** Opens a journal in a folder of its own, as often as the test wants. */
async function withJournal(
  test: (open: (durability?: Durability) => Promise<SqliteDatabase>, path: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const path = `${folder}/journal.sqlite3`;
    await test((durability = "crash") => SqliteDatabase.open(path, durability), path);
  });
}

/** Changes a journal that is closed by SQL. */
function alter(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

for (const durability of ["crash", "power"] as const) {
  Deno.test(`what is committed is there when the journal is opened again (${durability})`, async () => {
    await withJournal(async (open) => {
      const first = await open(durability);
      await first.commit([put("job", 7, "job"), put("meta", "sign", "mark", "long")]);
      await first.commit([put("node", "10.0.0.1", "node"), {
        kind: "delete",
        table: "job",
        key: 7,
      }]);
      first.close();
      const second = await open(durability);
      assertEquals(rows(second, "job"), []);
      assertEquals(rows(second, "meta"), [["sign", "mark", "long"]]);
      assertEquals(rows(second, "node"), [["10.0.0.1", "node", null]]);
      second.close();
    });
  });
}

Deno.test("a copy made at any moment after a commit holds it, as after a kill", async () => {
  await withJournal(async (open, path) => {
    const database = await open();
    database.commit([put("job", 1, "a")]);
    for (const suffix of ["", "-wal"]) await Deno.copyFile(path + suffix, `${path}.copy${suffix}`);
    database.commit([put("job", 2, "b")]);
    const copy = await SqliteDatabase.open(`${path}.copy`, "crash");
    assertEquals(rows(copy, "job"), [[1, "a", null]]);
    copy.close();
    database.close();
  });
});

Deno.test("a commit that fails leaves nothing of it, and later ones work", async () => {
  await withJournal(async (open) => {
    const database = await open();
    database.commit([put("job", 1, "before")]);
    const impossible = put("job", "no number", "");
    const error = assertThrows(
      () => database.commit([put("job", 2, "lost"), put("job", 1, "changed"), impossible]),
      JournalError,
    );
    assertMatch(error.message, /^cannot write .*journal\.sqlite3: datatype mismatch/);
    assertEquals(rows(database, "job"), [[1, "before", null]]);
    database.commit([put("job", 2, "after")]);
    assertEquals(rows(database, "job"), [[1, "before", null], [2, "after", null]]);
    database.close();
  });
});

Deno.test("a put without payload leaves the payload that is there", async () => {
  await withJournal(async (open) => {
    const database = await open();
    database.commit([put("cluster", 1, "new", "computation")]);
    database.commit([put("cluster", 1, "changed")]);
    assertEquals(rows(database, "cluster"), [[1, "changed", "computation"]]);
    assertEquals(text(database.payload("cluster", 1)), "computation");
    assertEquals(database.payload("cluster", 2), null);
    database.commit([
      { kind: "delete", table: "cluster", key: 1 },
      put("cluster", 1, "another"),
    ]);
    assertEquals(rows(database, "cluster"), [[1, "another", null]]);
    database.close();
  });
});

Deno.test("rows come in the order of their keys, numbers as numbers up to 2^53", async () => {
  await withJournal(async (open) => {
    const database = await open();
    const keys = [2 ** 53 - 1, 3, 1_795_353_350_958_000, 20];
    database.commit(keys.map((key) => put("job", key, "")));
    assertEquals(rows(database, "job").map(([key]) => key), keys.toSorted((a, b) => a - b));
    database.close();
  });
});

Deno.test("every table takes the keys that it says", async () => {
  await withJournal(async (open) => {
    const database = await open();
    for (const [table, kind] of Object.entries(TABLES) as [Table, string][]) {
      const key = kind === "number" ? 5 : "five";
      database.commit([put(table, key, table)]);
      assertEquals(rows(database, table), [[key, table, null]]);
    }
    database.close();
  });
});

Deno.test("the journal and what lies beside it are readable by their owner only", async () => {
  await withJournal(async (open, path) => {
    const database = await open();
    database.commit([put("job", 1, "a")]);
    for (const suffix of ["", "-wal", "-shm"]) {
      assertEquals(((await Deno.stat(path + suffix)).mode ?? 0) & 0o777, 0o600, suffix);
    }
    database.close();
  });
});

Deno.test("with power, a commit lasts only once the log was brought to disk", async () => {
  await withJournal(async (open) => {
    const database = await open("power");
    const sync = Deno.FsFile.prototype.sync;
    const synced = Promise.withResolvers<void>();
    let calls = 0;
    Deno.FsFile.prototype.sync = () => (calls++, synced.promise);
    try {
      let lasts = false;
      const committed = Promise.resolve(database.commit([put("job", 1, "a")]))
        .then(() => lasts = true);
      await Promise.resolve();
      assertEquals([calls, lasts], [1, false]);
      synced.resolve();
      await committed;
      Deno.FsFile.prototype.sync = () => Promise.reject(new Error("no disk"));
      const failing = Promise.resolve(database.commit([put("job", 2, "b")]));
      await assertRejects(() => failing, JournalError, "no disk");
    } finally {
      Deno.FsFile.prototype.sync = sync;
      database.close();
    }
  });
});

Deno.test("after a sync that has failed, what it was for is brought to disk another way", async () => {
  await withJournal(async (open, path) => {
    const database = await open("power");
    const { sync } = Deno.FsFile.prototype;
    const logBytes = () => Deno.statSync(`${path}-wal`).size;
    const many = Array.from({ length: 100 }, (_, key) => put("job", key, "x".repeat(4000)));
    try {
      Deno.FsFile.prototype.sync = () => Promise.reject(new Error("input/output error"));
      const failing = Promise.resolve(database.commit(many));
      await assertRejects(() => failing, JournalError, "input/output error");
    } finally {
      Deno.FsFile.prototype.sync = sync;
    }
    assertEquals(logBytes() > 400_000, true);
    // The system may have dropped any of these bytes, and say of later syncs that all is well.
    await database.commit([put("job", 1000, "b")]);
    assertEquals(logBytes() < 50_000, true, "the log was moved, and begun anew");
    assertEquals(Deno.statSync(path).size > 400_000, true);
    assertEquals(rows(database, "job").length, 101);
    await database.commit(many.map((change) => ({ ...change, key: Number(change.key) + 2000 })));
    await database.commit([put("job", 1001, "c")]);
    assertEquals(logBytes() > 400_000, true, "once is enough");
    database.close();
  });
});

Deno.test("a new journal has the current schema, and our mark", async () => {
  await withJournal(async (open, path) => {
    (await open()).close();
    const database = new DatabaseSync(path);
    assertEquals(database.prepare("PRAGMA user_version").get()?.user_version, 2);
    assertEquals(database.prepare("PRAGMA application_id").get()?.application_id, 0x64737079);
    assertEquals(database.prepare("PRAGMA auto_vacuum").get()?.auto_vacuum, 2);
    database.close();
  });
});

Deno.test("a first start that was killed before its schema was there is no matter", async () => {
  await withJournal(async (open, path) => {
    alter(path, "PRAGMA application_id = 0x64737079");
    const database = await open();
    database.commit([put("job", 1, "a")]);
    assertEquals(rows(database, "job"), [[1, "a", null]]);
    database.close();
  });
});

/** What version 1 has left: its schema, and a row in each table. */
function makeVersion1(path: string): void {
  const schema = Object.entries(TABLES).map(([table, key]) =>
    key === "number"
      ? `CREATE TABLE ${table} (key INTEGER PRIMARY KEY, record BLOB NOT NULL, payload BLOB);
         INSERT INTO ${table} VALUES (7, CAST('old ${table}' AS BLOB), CAST('long' AS BLOB));`
      : `CREATE TABLE ${table} (key TEXT PRIMARY KEY, record BLOB NOT NULL, payload BLOB)
           WITHOUT ROWID;
         INSERT INTO ${table} VALUES ('seven', CAST('old ${table}' AS BLOB), NULL);`
  );
  alter(
    path,
    `PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA user_version = 1;
     PRAGMA application_id = 0x64737079; ${schema.join("\n")}`,
  );
}

Deno.test("a journal of an earlier schema is brought up to date, with all that it holds", async () => {
  await withJournal(async (open, path) => {
    makeVersion1(path);
    // The second time there is nothing left to be done.
    for (let times = 0; times < 2; times++) {
      const database = await open();
      for (const [table, kind] of Object.entries(TABLES) as [Table, string][]) {
        const [key, payload] = kind === "number" ? [7, "long"] : ["seven", null];
        assertEquals(rows(database, table), [[key, `old ${table}`, payload]]);
      }
      database.close();
    }
    const database = await open();
    database.commit([put("job", 7, "new"), put("job", 8, "new", "long, too")]);
    assertEquals(rows(database, "job"), [[7, "new", "long"], [8, "new", "long, too"]]);
    database.close();
    const raw = new DatabaseSync(path);
    assertEquals(raw.prepare("PRAGMA user_version").get()?.user_version, 2);
    raw.close();
  });
});

Deno.test("a migration that is killed, or fails, leaves the journal as it was", async () => {
  await withJournal(async (open, path) => {
    makeVersion1(path);
    // One of its last steps cannot be done.
    alter(path, "ALTER TABLE lost_node ADD COLUMN payload_sum INTEGER");
    await assertRejects(() => open(), UnusableJournalError, "duplicate column name");
    alter(path, "ALTER TABLE lost_node DROP COLUMN payload_sum");
    const database = await open();
    assertEquals(rows(database, "job"), [[7, "old job", "long"]]);
    database.close();
  });
});

for (const what of ["record", "payload"] as const) {
  Deno.test(`a ${what} that is not what was written is noticed, also where SQLite sees nothing`, async () => {
    await withJournal(async (open, path) => {
      const database = await open();
      database.commit([put("job", 1, "record", "payload"), put("job", 2, "record", "payload")]);
      database.commit([put("job", 2, "changed")]);
      database.close();
      alter(path, `UPDATE job SET ${what} = CAST('${what}!' AS BLOB) WHERE key = 2`);
      const next = await open();
      assertThrows(() => rows(next, "job"), DamagedRowError, "row 2 of job is damaged");
      assertEquals(text(next.payload("job", 1)), "payload");
      next.close();
    });
  });
}

Deno.test("a row that has come under another key is noticed", async () => {
  await withJournal(async (open, path) => {
    const database = await open();
    database.commit([put("job", 1, "record", "payload")]);
    database.close();
    alter(path, "UPDATE job SET key = 2");
    const next = await open();
    assertThrows(() => rows(next, "job"), DamagedRowError);
    assertThrows(() => next.payload("job", 2), DamagedRowError);
    next.close();
  });
});

/** Files that are no journals of ours, and what is said of them. */
const UNUSABLE: Record<string, [make: (path: string) => Promise<void> | void, says: RegExp]> = {
  "a text": [(path) => Deno.writeTextFile(path, "dear diary\n".repeat(100)), /not a database/],
  "another program's database": [
    (path) => alter(path, "CREATE TABLE theirs (a)"),
    /database of another program/,
  ],
  "a journal of a later version": [
    (path) => alter(path, "PRAGMA application_id = 0x64737079; PRAGMA user_version = 99"),
    /later version of this program \(schema 99, this one knows 2\)/,
  ],
  "a journal of no version at all": [
    (path) => alter(path, "PRAGMA application_id = 0x64737079; PRAGMA user_version = -5"),
    /damaged/,
  ],
  "a journal without one of its tables": [async (path) => {
    await filled(path);
    alter(path, "DROP TABLE share");
  }, /damaged \(no such table: share\)/],
  "a journal whose tables are there before its first migration": [async (path) => {
    await filled(path);
    alter(path, "PRAGMA user_version = 0");
  }, /damaged \(table meta already exists\)/],
  "a journal with a wrong file format": [async (path) => {
    await filled(path);
    using file = await Deno.open(path, { write: true });
    await file.seek(47, Deno.SeekMode.Start);
    await file.write(new Uint8Array([9]));
  }, /damaged \(unsupported file format\)/],
  "a journal that is empty, with the log of one that was not": [async (path) => {
    await Deno.writeTextFile(path, "");
    await Deno.writeTextFile(`${path}-wal`, "not empty");
  }, /it is empty, and the log beside it is not/],
  "a journal that was cut off after some bytes": [async (path) => {
    await filled(path);
    await Deno.truncate(path, 511);
  }, /not a database/],
  "a journal that was cut off": [async (path) => {
    await filled(path);
    await Deno.truncate(path, 20_000);
  }, /damaged/],
  "a journal with other bytes in its middle": [async (path) => {
    await filled(path);
    using file = await Deno.open(path, { write: true });
    for (let page = 2; page < 60; page += 3) {
      await file.seek(page * 4096, Deno.SeekMode.Start);
      await file.write(new Uint8Array(4096).fill(page));
    }
  }, /damaged/],
};

async function filled(path: string): Promise<void> {
  const database = await SqliteDatabase.open(path, "crash");
  const long = "x".repeat(1000);
  database.commit(Array.from({ length: 500 }, (_, key) => put("job", key, long)));
  database.close();
}

for (const [what, [make, says]] of Object.entries(UNUSABLE)) {
  Deno.test(`${what} is refused as unusable, and left as it is`, async () => {
    await withJournal(async (open, path) => {
      await make(path);
      const before = await Deno.readFile(path);
      const error = await assertRejects(() => open(), UnusableJournalError);
      assertMatch(error.message, says);
      assertEquals(await Deno.readFile(path), before);
    });
  });
}

Deno.test("a place where nothing can be written is an error of another kind", async () => {
  await withJournal(async (open, path) => {
    await Deno.mkdir(path);
    const error = await assertRejects(() => open(), JournalError);
    assertMatch(error.message, /^cannot write .*journal\.sqlite3: /);
  });
});

Deno.test("where the disk is full a commit fails, and works again when there is room", async () => {
  await withJournal(async (open) => {
    const database = await open();
    const inner = (database as unknown as { database: DatabaseSync }).database;
    database.commit([put("job", 1, "a")]);
    // SQLite answers as it does when the disk is full.
    inner.exec("PRAGMA max_page_count = 60");
    const many = Array.from({ length: 100 }, (_, key) => put("job", key + 10, "x".repeat(4000)));
    assertThrows(() => database.commit(many), JournalError, "full");
    assertEquals(rows(database, "job"), [[1, "a", null]]);
    inner.exec("PRAGMA max_page_count = 1000000");
    database.commit(many);
    assertEquals(rows(database, "job").length, 101);
    database.close();
  });
});

Deno.test("two hundred thousand jobs that come and go leave a small file", async () => {
  await withJournal(async (open, path) => {
    const database = await open();
    const job = (key: number) => put("job", key, "r".repeat(60), "p".repeat(300));
    let largest = 0;
    for (let first = 0; first < 200_000; first += 1000) {
      const changes: Change[] = [];
      for (let key = first; key < first + 1000; key++) {
        changes.push(job(key));
        if (key >= 1000) changes.push({ kind: "delete", table: "job", key: key - 1000 });
      }
      database.commit(changes);
      largest = Math.max(largest, database.sizeBytes);
    }
    assertEquals(largest < 3_000_000, true, `it grew to ${largest} bytes`);
    assertEquals(Deno.statSync(`${path}-wal`).size < 32 * 1024 * 1024, true);
    database.close();
    assertEquals(Deno.statSync(path).size < 3_000_000, true);
  });
});

Deno.test("a file that was large shrinks step by step once its jobs are done", async () => {
  await withJournal(async (open, path) => {
    const database = await open();
    const count = 60_000;
    const payload = "p".repeat(500);
    database.commit(Array.from({ length: count }, (_, key) => put("job", key, "r", payload)));
    const full = database.sizeBytes;
    assertEquals(full > 30_000_000, true);
    database.commit(
      Array.from({ length: count }, (_, key) => ({ kind: "delete", table: "job", key })),
    );
    database.shrink();
    const once = database.sizeBytes;
    assertEquals(once < full - 15_000_000 && once > 5_000_000, true, `${full}, then ${once}`);
    for (let calls = 0; calls < 3; calls++) database.shrink();
    assertEquals(database.sizeBytes < 5_000_000, true, `${database.sizeBytes} in the end`);
    assertEquals(Deno.statSync(path).size < 5_000_000, true, "also on disk");
    database.close();
  });
});
