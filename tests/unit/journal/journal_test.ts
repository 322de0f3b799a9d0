/** Group commit: what is written together, who waits for it, and what happens when it fails. */

import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { type Change, type Database, JournalError } from "../../../src/journal/database.ts";
import { configureLogging } from "../../../src/log/log.ts";
import { Journal } from "../../../src/journal/journal.ts";

const NOTHING = new Uint8Array(0);

function put(key: number, payload: Uint8Array | null = null): Change {
  return { kind: "put", table: "job", key, record: NOTHING, payload };
}

function remove(key: number): Change {
  return { kind: "delete", table: "job", key };
}

/** A journal whose time and disk are the test's. */
class Bench {
  /** The keys of each commit that has worked. */
  readonly commits: (number | string)[][] = [];
  readonly written: Change[] = [];
  changes: Change[] = [];
  soon: (() => void)[] = [];
  later: [delayMs: number, task: () => void][] = [];
  shrunk = 0;
  isClosed = false;
  /** What the disk does at the next commits. */
  disk: () => void | Promise<void> = () => {};
  readonly journal: Journal;

  constructor() {
    const record = (changes: readonly Change[]) => {
      this.commits.push(changes.map(({ key }) => key));
      this.written.push(...changes);
    };
    const database: Database = {
      rows: () => [],
      payload: () => null,
      commit: (changes) => {
        const done = this.disk();
        return done === undefined ? record(changes) : done.then(() => record(changes));
      },
      shrink: () => void this.shrunk++,
      shortage: null,
      replenish: () => {},
      sizeBytes: 0,
      close: () => void (this.isClosed = true),
    };
    const collect = () => this.changes.splice(0);
    this.journal = new Journal(database, collect, {
      soon: (task) => void this.soon.push(task),
      after: (delayMs, task) => void this.later.push([delayMs, task]),
    });
  }

  /** Lets happen what is due at once. */
  run(): void {
    for (const task of this.soon.splice(0)) task();
  }

  /** Lets the time come that is waited for. */
  wait(): number[] {
    const due = this.later.splice(0);
    for (const [, task] of due) task();
    return due.map(([delayMs]) => delayMs);
  }
}

Deno.test("all that changes at the same time is one commit, and who waits goes on in order", () => {
  const bench = new Bench();
  const order: string[] = [];
  bench.changes.push(put(1));
  bench.journal.afterCommit(() => order.push("first"));
  bench.changes.push(put(2));
  bench.journal.afterCommit(() => order.push("second"));
  assertEquals([bench.soon.length, bench.commits, order], [1, [], []]);
  bench.run();
  assertEquals([bench.commits, order], [[[1, 2]], ["first", "second"]]);
});

Deno.test("who waits with nothing to be written goes on without a commit", () => {
  const bench = new Bench();
  let isOver = false;
  bench.journal.afterCommit(() => isOver = true);
  bench.run();
  assertEquals([bench.commits, isOver], [[], true]);
});

Deno.test("what changes while a commit is under way is in the next one, and waits for that", async () => {
  const bench = new Bench();
  const disk = Promise.withResolvers<void>();
  bench.disk = () => disk.promise;
  const order: string[] = [];
  bench.changes.push(put(1));
  const first = bench.journal.committed().then(() => order.push("first"));
  bench.run();
  bench.disk = () => {};
  bench.changes.push(put(2));
  const second = bench.journal.committed().then(() => order.push("second"));
  bench.run();
  assertEquals([bench.commits, order], [[], []]);
  disk.resolve();
  await first;
  assertEquals([bench.commits, order], [[[1]], ["first"]]);
  bench.run();
  await second;
  assertEquals([bench.commits, order], [[[1], [2]], ["first", "second"]]);
});

for (const isSlow of [false, true]) {
  const how = isSlow ? "late" : "at once";
  Deno.test(`a commit that fails (${how}) is tried again with all that came since; nothing is lost`, async () => {
    const bench = new Bench();
    const error = new JournalError("cannot write it: disk full");
    bench.disk = () => {
      if (isSlow) return Promise.reject(error);
      throw error;
    };
    bench.changes.push(put(1), put(2));
    const first = bench.journal.committed();
    bench.run();
    // Work goes on without the journal rather than not at all.
    await first;
    assertEquals(bench.journal.problem, "cannot write it: disk full");

    bench.changes.push(remove(2), put(3));
    assertEquals(bench.wait(), [1000]);
    bench.run();
    await Promise.resolve();
    await Promise.resolve();
    assertEquals([bench.commits, bench.journal.problem === null], [[], false]);

    bench.disk = () => {};
    bench.changes.push(put(4));
    bench.wait();
    bench.run();
    assertEquals(bench.commits, [[1, 2, 3, 4]]);
    assertEquals(bench.written[1]?.kind, "delete", "the last change of a key counts");
    assertEquals(bench.journal.problem, null);
  });
}

Deno.test("commits that fail keep the payload of what was changed without it afterwards", () => {
  const bench = new Bench();
  const payload = new Uint8Array([1, 2, 3]);
  bench.disk = () => {
    throw new JournalError("no");
  };
  for (const change of [put(1, payload), put(1), put(1)]) {
    bench.changes.push(change);
    bench.journal.afterCommit(() => {});
    bench.run();
    bench.wait();
    bench.run();
  }
  bench.disk = () => {};
  bench.wait();
  bench.run();
  assertEquals(bench.written, [put(1, payload)]);
});

Deno.test("while nothing can be written, work does not stand still for each attempt", async () => {
  const bench = new Bench();
  let attempts = 0;
  bench.disk = () => {
    attempts++;
    throw new JournalError("no");
  };
  const order: number[] = [];
  for (let event = 0; event < 100; event++) {
    bench.changes.push(put(event));
    bench.journal.afterCommit(() => order.push(event));
    bench.run();
  }
  assertEquals([attempts, order], [1, Array.from({ length: 100 }, (_, event) => event)]);
  assertEquals(bench.journal.problem, "no");
  bench.wait();
  bench.run();
  assertEquals(attempts, 2);
  // Where it works again, all that changed meanwhile is written, and then each change at once.
  bench.disk = () => {};
  const last = bench.journal.close();
  bench.run();
  await last;
  assertEquals(bench.commits, [Array.from({ length: 100 }, (_, event) => event)]);
  assertEquals(bench.journal.problem, null);
});

Deno.test("what waits to be written does not grow with the number of failures", () => {
  const bench = new Bench();
  bench.disk = () => {
    throw new JournalError("no");
  };
  for (let failure = 0; failure < 50; failure++) {
    bench.changes.push(put(1), put(2));
    bench.journal.afterCommit(() => {});
    bench.run();
    bench.wait();
    bench.run();
  }
  bench.disk = () => {};
  bench.wait();
  bench.run();
  assertEquals(bench.commits, [[1, 2]]);
});

Deno.test("close writes what is left, also behind a commit that is under way", async () => {
  const bench = new Bench();
  const disk = Promise.withResolvers<void>();
  bench.disk = () => disk.promise;
  bench.changes.push(put(1));
  bench.journal.afterCommit(() => {});
  bench.run();
  bench.disk = () => {};
  bench.changes.push(put(2));
  const closed = bench.journal.close();
  assertEquals(bench.isClosed, false);
  disk.resolve();
  while (bench.soon.length === 0) await Promise.resolve();
  bench.run();
  await closed;
  assertEquals([bench.commits, bench.isClosed], [[[1], [2]], true]);
});

Deno.test("close ends also where nothing can be written, and says so", async () => {
  const bench = new Bench();
  bench.disk = () => {
    throw new JournalError("no room");
  };
  const said: string[] = [];
  configureLogging({ level: "info", format: "text", write: (line) => said.push(line) });
  bench.changes.push(put(1));
  const closed = bench.journal.close();
  bench.run();
  await closed;
  assertEquals([bench.isClosed, bench.commits], [true, []]);
  assertMatch(said.at(-1)!, /ERROR.*not be written to the end reason="no room" effect="the next/);
  bench.wait();
  bench.run();
  assertEquals(bench.commits, [], "and nothing is tried afterwards");
});

Deno.test("it is not made smaller while it is written, or where that fails, or when it is closed", async () => {
  const bench = new Bench();
  bench.journal.tend();
  assertEquals(bench.shrunk, 1);
  const disk = Promise.withResolvers<void>();
  bench.disk = () => disk.promise;
  bench.changes.push(put(1));
  const committed = bench.journal.committed();
  bench.run();
  bench.journal.tend();
  assertEquals(bench.shrunk, 1);
  disk.reject(new JournalError("no"));
  await committed;
  bench.journal.tend();
  assertEquals(bench.shrunk, 1);
});
