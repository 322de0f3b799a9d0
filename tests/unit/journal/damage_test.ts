/**
 * A journal whose files were damaged in any place: all is there, or it is said that it is not.
 *
 * Where nothing is said, each row is what was committed last. A loss that is said leaves what some
 * earlier commit had left.
 */

import { assert } from "@std/assert/assert.js";
import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { assertRejects } from "@std/assert/rejects.js";
import { DatabaseSync } from "node:sqlite";
import {
  type Change,
  DamagedRowError,
  JournalError,
  type Table,
  TABLES,
} from "../../../src/journal/database.ts";
import { SqliteDatabase } from "../../../src/journal/sqlite_database.ts";
import { UnusableJournalError } from "../../../src/journal/sqlite_errors.ts";
import { configureLogging } from "../../../src/log/log.ts";
import { withFolder } from "./folder.ts";

/** The files of a journal whose process was killed, by the ends of their names. */
type Files = ReadonlyMap<string, Uint8Array>;

const SUFFIXES = ["", "-wal", "-commits"] as const;
const RESERVE_BYTES = 4096;

/** Bytes that no two rows have in common. */
function bytesOf(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed * 2654435761 + 1;
  for (let at = 0; at < length; at++) {
    state = Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x9e3779b9 | 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

function job(key: number, length: number): Change {
  const record = bytesOf(key, 40);
  return { kind: "put", table: "job", key, record, payload: bytesOf(key + 1, length) };
}

const remove = (table: Table, key: number): Change => ({ kind: "delete", table, key });

/** What a journal holds, row by row. */
function contents(database: SqliteDatabase): string[] {
  return (Object.keys(TABLES) as Table[]).flatMap((table) =>
    Array.from(database.rows(table), ({ key, record, payload }) => {
      return `${table} ${key} ${record.toHex()} ${payload?.toHex() ?? ""}`;
    })
  );
}

/** A journal with a history: rows of all lengths, some gone; half of it moved out of the log. */
async function killed(folder: string): Promise<{ files: Files; states: string[][] }> {
  const path = `${folder}/journal`;
  const database = await SqliteDatabase.open(path, "crash", RESERVE_BYTES);
  const states: string[][] = [contents(database)];
  const commit = (...changes: Change[]) => {
    database.commit(changes);
    states.push(contents(database));
  };
  commit({ kind: "put", table: "meta", key: "sign", record: bytesOf(1, 20), payload: null });
  for (let n = 0; n < 60; n++) commit(job(1000 + n, n % 7 === 0 ? 9000 : 300));
  commit(...Array.from({ length: 300 }, (_, n) => job(5000 + n, 100)));
  commit(...Array.from({ length: 250 }, (_, n) => remove("job", 5000 + n)));
  (database as unknown as { database: DatabaseSync }).database.exec("PRAGMA wal_checkpoint");
  for (let n = 0; n < 40; n++) {
    commit(job(2000 + n, n % 9 === 0 ? 6000 : 200), remove("job", 1000 + n), {
      ...{ kind: "put", table: "job_place", key: 2000 + n },
      ...{ record: bytesOf(n, 30), payload: null },
    });
  }
  const files = new Map<string, Uint8Array>();
  for (const suffix of SUFFIXES) files.set(suffix, await Deno.readFile(path + suffix));
  database.close();
  return { files, states };
}

/** What came of opening damaged files. */
interface Outcome {
  /** "whole", or what was said. */
  readonly kind: "whole" | "loss" | "unusable" | "damaged row";
  readonly says: string;
  readonly rows: string[] | null;
}

async function opened(path: string, files: Files): Promise<Outcome> {
  for (const suffix of ["-shm", "-reserve", ...SUFFIXES]) {
    await Deno.remove(path + suffix).catch(() => {});
  }
  for (const [suffix, bytes] of files) await Deno.writeFile(path + suffix, bytes);
  let database: SqliteDatabase;
  try {
    database = await SqliteDatabase.open(path, "crash", RESERVE_BYTES);
  } catch (error) {
    // Of the machine, not of the file: it would not be put aside, and the next start try again.
    if (!(error instanceof UnusableJournalError)) throw error;
    return { kind: "unusable", says: error.message, rows: null };
  }
  try {
    const rows = contents(database);
    const { loss } = database;
    return { kind: loss === null ? "whole" : "loss", says: loss?.reason ?? "", rows };
  } catch (error) {
    if (error instanceof DamagedRowError || (error instanceof Error && "errcode" in error)) {
      return { kind: "damaged row", says: error.message, rows: null };
    }
    throw error;
  } finally {
    database.close();
  }
}

/** Damages files in many ways; nothing may be missing without a word. Counts what came of it. */
async function tryAll(
  damages: (files: Files) => Iterable<readonly [what: string, damaged: Files]>,
): Promise<Record<Outcome["kind"], number>> {
  configureLogging({ level: "error", format: "text", write: () => {} });
  const counts = { whole: 0, loss: 0, unusable: 0, "damaged row": 0 };
  await withFolder(async (folder) => {
    const { files, states } = await killed(folder);
    const whole = states.at(-1)!;
    for (const [what, damaged] of damages(files)) {
      const { kind, says, rows } = await opened(`${folder}/damaged`, damaged);
      counts[kind]++;
      if (kind === "whole") assertEquals(rows, whole, `${what}: silently lost`);
      else assert(says.length > 10, what);
      if (kind === "loss") {
        const isEarlier = states.some((state) => String(state) === String(rows));
        assert(isEarlier, `${what}: rows of no moment there was`);
      }
    }
  });
  return counts;
}

function* flips(files: Files, suffix: string, step: number): Iterable<readonly [string, Files]> {
  const bytes = files.get(suffix)!;
  for (let at = 0; at < bytes.length; at += at < 64 ? 1 : step) {
    const damaged = bytes.slice();
    damaged[at]! ^= 1 << (at * 5 + at / 64 % 8) % 8;
    yield [`a bit of byte ${at} of "${suffix}"`, new Map([...files, [suffix, damaged]])];
  }
}

function* cuts(files: Files, suffix: string, step: number): Iterable<readonly [string, Files]> {
  const bytes = files.get(suffix)!;
  for (let length = 0; length < bytes.length; length += length < 64 ? 7 : step) {
    const cut = new Map([...files, [suffix, bytes.slice(0, length)]]);
    yield [`"${suffix}" cut to ${length} bytes`, cut];
  }
}

function* spots(files: Files, suffix: string, step: number): Iterable<readonly [string, Files]> {
  const bytes = files.get(suffix)!;
  for (let at = 0; at < bytes.length; at += step) {
    const damaged = bytes.slice();
    damaged.fill(0, at, at + 512);
    yield [`512 zeros at ${at} of "${suffix}"`, new Map([...files, [suffix, damaged]])];
  }
}

Deno.test("a bit that has changed in the log loses nothing, or says so", async () => {
  const { whole, loss, ...others } = await tryAll((files) => flips(files, "-wal", 4801));
  assertEquals(others, { unusable: 0, "damaged row": 0 });
  assert(whole > 15 * loss, `${whole} were mended, ${loss} were not`);
});

Deno.test("a log that was cut off anywhere, or overwritten, loses nothing without a word", async () => {
  const cut = await tryAll((files) => cuts(files, "-wal", 15013));
  assert(cut.whole < 3 && cut.loss > 20, JSON.stringify(cut));
  const overwritten = await tryAll((files) => spots(files, "-wal", 15013));
  assert(overwritten.loss > 20, JSON.stringify(overwritten));
});

Deno.test("a bit that has changed in the database loses nothing without a word", async () => {
  const { whole, loss, ...others } = await tryAll((files) => flips(files, "", 1231));
  const told = loss + others.unusable + others["damaged row"];
  assert(whole > 15 * told, `${whole} did no harm or were mended, ${told} were not`);
});

Deno.test("a database that was cut off anywhere, or overwritten, loses nothing without a word", async () => {
  await tryAll((files) => cuts(files, "", 7109));
  await tryAll((files) => spots(files, "", 7109));
});

Deno.test("damage to the mark beside the journal does no harm", async () => {
  const flipped = await tryAll((files) => flips(files, "-commits", 57));
  assertEquals({ ...flipped, whole: 0 }, { whole: 0, loss: 0, unusable: 0, "damaged row": 0 });
  const cut = await tryAll((files) => cuts(files, "-commits", 500));
  assertEquals({ ...cut, whole: 0 }, { whole: 0, loss: 0, unusable: 0, "damaged row": 0 });
});

Deno.test("a journal with one of its files gone loses nothing without a word", async () => {
  const without = (gone: string) => (files: Files) => {
    return [[gone, new Map([...files].filter(([suffix]) => suffix !== gone))]] as const;
  };
  assertEquals((await tryAll(without(""))).unusable, 1);
  assertEquals((await tryAll(without("-wal"))).loss, 1);
  assertEquals((await tryAll(without("-commits"))).whole, 1);
});

Deno.test("a database that is gone, with its log, is known to have been there", async () => {
  await withFolder(async (folder) => {
    const { files } = await killed(folder);
    const mark = new Map([["-commits", files.get("-commits")!]]);
    const { kind, says } = await opened(`${folder}/damaged`, mark);
    assertEquals(kind, "unusable");
    assertMatch(says, /it is empty, although 10\d commits went into it/);
  });
});

Deno.test("what is lost is said once: the next start takes what is there for all", async () => {
  await withFolder(async (folder) => {
    configureLogging({ level: "error", format: "text", write: () => {} });
    const { files } = await killed(folder);
    const path = `${folder}/damaged`;
    for (const [suffix, bytes] of files) {
      await Deno.writeFile(path + suffix, suffix === "-wal" ? bytes.slice(0, 100_000) : bytes);
    }
    const first = await SqliteDatabase.open(path, "crash", RESERVE_BYTES);
    const { loss } = first;
    assert(loss !== null && loss.commits! > 0 && loss.places > 0 && loss.places < 100);
    first.commit([job(9000, 10)]);
    first.close();
    const second = await SqliteDatabase.open(path, "crash", RESERVE_BYTES);
    assertEquals(second.loss, null);
    second.close();
  });
});

Deno.test("what SQLite will overwrite of a damaged log is kept", async () => {
  await withFolder(async (folder) => {
    configureLogging({ level: "error", format: "text", write: () => {} });
    const { files } = await killed(folder);
    const log = files.get("-wal")!.slice();
    log.fill(0, 100_000, 100_600);
    await opened(`${folder}/damaged`, new Map([...files, ["-wal", log]]));
    const kept = [...Deno.readDirSync(folder)].filter(({ name }) => /-wal_damaged_\d+$/.test(name));
    assertEquals(await Deno.readFile(`${folder}/${kept[0]!.name}`), log);
  });
});

Deno.test("a log that cannot be read is an error of the machine, and touches nothing", async () => {
  await withFolder(async (folder) => {
    const { files } = await killed(folder);
    for (const [suffix, bytes] of files) await Deno.writeFile(`${folder}/j${suffix}`, bytes);
    await Deno.remove(`${folder}/j-wal`);
    await Deno.mkdir(`${folder}/j-wal`);
    await assertRejects(() => SqliteDatabase.open(`${folder}/j`, "crash"), JournalError);
    assertEquals(await Deno.readFile(`${folder}/j`), files.get(""));
  });
});
