/** A journal whose files go while it is in use. */

import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { assertRejects } from "@std/assert/rejects.js";
import { assertThrows } from "@std/assert/throws.js";
import { type Change, JournalError } from "../../../src/journal/database.ts";
import { Journal } from "../../../src/journal/journal.ts";
import { LastingDatabase } from "../../../src/journal/lasting_database.ts";
import { type Durability, SqliteDatabase } from "../../../src/journal/sqlite_database.ts";
import { configureLogging } from "../../../src/log/log.ts";
import { DiskStore } from "../../../src/store/disk_store.ts";
import { withFolder } from "./folder.ts";

configureLogging({ level: "error", format: "text", write: () => {} });

function job(key: number): Change {
  const record = new Uint8Array(50).fill(key);
  return { kind: "put", table: "job", key, record, payload: new Uint8Array(5000).fill(key + 1) };
}

const keys = (database: { rows(table: "job"): Iterable<{ key: unknown }> }) =>
  Array.from(database.rows("job"), ({ key }) => key);

async function withDatabase(
  durability: Durability,
  test: (database: LastingDatabase, store: DiskStore, path: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (parent) => {
    const store = await DiskStore.open(parent, { clean: false, name: "state" });
    const path = `${store.folder}/journal.sqlite3`;
    const open = () => SqliteDatabase.open(path, durability, 4096);
    const database = new LastingDatabase(await open(), store, open);
    await database.commit([job(1), job(2)]);
    await test(database, store, path);
    await store.close({ keep: true });
  });
}

/** What may become of the files. */
const FATES: Record<string, (folder: string, path: string) => Promise<void>> = {
  "the folder is removed": (folder) => Deno.remove(folder, { recursive: true }),
  "the folder is moved": (folder) => Deno.rename(folder, `${folder}.bak`),
  "the folder is replaced by a copy": async (folder, path) => {
    await Deno.rename(folder, `${folder}.bak`);
    await Deno.mkdir(folder);
    await Deno.copyFile(path.replace(folder, `${folder}.bak`), path);
  },
  "the journal is removed": (_, path) => Deno.remove(path),
  "its log is removed": (_, path) => Deno.remove(`${path}-wal`),
  "its log is replaced": async (_, path) => {
    await Deno.rename(`${path}-wal`, `${path}-wal.bak`);
    await Deno.writeTextFile(`${path}-wal`, "");
  },
};

for (const durability of ["crash", "power"] as const) {
  for (const [fate, happens] of Object.entries(FATES)) {
    Deno.test(`all is written anew where ${fate} (${durability})`, () =>
      withDatabase(durability, async (database, store, path) => {
        assertEquals(database.isInPlace(), true);
        await happens(store.folder, path);
        assertEquals(database.isInPlace(), false);
        await database.commit([job(3)]);
        await database.renew();
        assertEquals([database.isInPlace(), keys(database)], [true, [1, 2, 3]]);
        await database.commit([job(4)]);
        assertEquals(database.payload("job", 3), new Uint8Array(5000).fill(4));
        database.close();
        const next = await SqliteDatabase.open(path, durability);
        assertEquals([next.loss, keys(next)], [null, [1, 2, 3, 4]]);
        next.close();
      }));
  }
}

Deno.test("while it cannot be written anew nothing counts as committed, and it is tried again", () =>
  withDatabase("crash", async (database, store, path) => {
    let changes = [job(3)];
    const journal = new Journal(database, () => changes.splice(0));
    await Deno.remove(store.folder, { recursive: true });
    await Deno.writeTextFile(store.folder, "in its way");
    assertEquals(await journal.tend(), false);
    assertMatch(journal.problem ?? "", /is gone, and cannot be made anew/);
    assertThrows(() => database.commit([job(9)]), JournalError);
    await journal.committed();
    changes = [job(4)];
    await Deno.remove(store.folder);
    assertEquals(await journal.tend(), true);
    await journal.committed();
    assertEquals([journal.problem, keys(database)], [null, [1, 2, 3, 4]]);
    await journal.close();
    const next = await SqliteDatabase.open(path, "crash");
    assertEquals(keys(next), [1, 2, 3, 4]);
    next.close();
  }));

Deno.test("a folder that another scheduler has taken is not written to", () =>
  withDatabase("crash", async (database, store) => {
    const parent = store.folder.replace(/\/[^/]*$/, "");
    await Deno.remove(store.folder, { recursive: true });
    const other = await DiskStore.open(parent, { clean: false, name: "state" });
    await assertRejects(() => database.renew(), JournalError, "another scheduler");
    assertEquals([...Deno.readDirSync(other.folder)].map(({ name }) => name), ["lock"]);
    database.close();
    await other.close({ keep: false });
  }));
