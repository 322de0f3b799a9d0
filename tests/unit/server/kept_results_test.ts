/** Results wait in memory or on disk, and leave neither behind. */

import { assertEquals } from "@std/assert/equals.js";
import { assertRejects } from "@std/assert/rejects.js";
import { KeptResults } from "../../../src/server/kept_results.ts";
import { MemoryStore } from "../../../src/store/memory_store.ts";
import { type FileStore, StoreError } from "../../../src/store/file_store.ts";
import { type JobReply, JobStatus } from "../../../src/wire/mod.ts";

const MB = 1024 * 1024;

function reply(sizeBytes: number, uid = 1): JobReply {
  return {
    uid,
    hash: "hash",
    ipAddr: "10.0.0.2",
    status: JobStatus.Finished,
    result: new Uint8Array(sizeBytes).fill(uid),
    stdout: "out",
    stderr: new Uint8Array([1, 2]),
    exception: null,
    startTimeS: 1,
    endTimeS: 2,
    cpus: 4,
    extra: null,
  };
}

/** A store that counts as a disk. */
class Disk extends MemoryStore {
  override readonly isOnDisk: boolean = true;
}

function scene(store: MemoryStore = new Disk(1024 * MB)) {
  return { store, results: new KeptResults(store) };
}

Deno.test("a result is in memory at first, and gone when it is dropped", async () => {
  const { store, results } = scene();
  const kept = results.keep(reply(10 * MB));
  assertEquals([results.memoryBytes > 10 * MB, store.usedBytes], [true, 0]);
  assertEquals(await kept.read(), reply(10 * MB));
  await kept.drop();
  await kept.drop();
  assertEquals([results.memoryBytes, store.usedBytes], [0, 0]);
  await assertRejects(() => kept.read());
});

Deno.test("a large result goes to disk when its client is away, and comes back the same", async () => {
  const { store, results } = scene();
  const kept = results.keep(reply(100_000));
  kept.onClientAway();
  // Whoever reads while it moves gets it, too.
  assertEquals(await kept.read(), reply(100_000));
  await settled();
  assertEquals([results.memoryBytes, store.usedBytes > 100_000], [0, true]);
  kept.onClientAway();
  for (let times = 0; times < 2; times++) assertEquals(await kept.read(), reply(100_000));
  await kept.drop();
  assertEquals(store.usedBytes, 0);
});

Deno.test("a small result stays in memory when its client is away", async () => {
  const { store, results } = scene();
  results.keep(reply(1000)).onClientAway();
  await settled();
  assertEquals(store.usedBytes, 0);
});

Deno.test("beyond 64 MiB in memory, all that come go to disk, until there is room again", async () => {
  const { store, results } = scene();
  const many = Array.from({ length: 40 }, (_, i) => results.keep(reply(4 * MB, i + 1)));
  await settled();
  assertEquals(results.memoryBytes < 72 * MB, true);
  assertEquals(store.usedBytes > 80 * MB, true);
  for (const [i, kept] of many.entries()) assertEquals((await kept.read()).uid, i + 1);
  for (const kept of many) await kept.drop();
  assertEquals([results.memoryBytes, store.usedBytes], [0, 0]);
  results.keep(reply(4 * MB));
  await settled();
  assertEquals(store.usedBytes, 0);
});

Deno.test("a result that is dropped on its way to disk leaves nothing there", async () => {
  const { store, results } = scene();
  const kept = results.keep(reply(100_000));
  kept.moveToDisk();
  await kept.drop();
  assertEquals([results.memoryBytes, store.usedBytes], [0, 0]);
});

Deno.test("without a disk, or with a full one, results stay in memory", async () => {
  const full: FileStore = {
    description: "full",
    isOnDisk: true,
    create: () => Promise.reject(new StoreError("no space")),
    close: () => Promise.resolve(),
  };
  for (const store of [new MemoryStore(1024 * MB), full]) {
    const results = new KeptResults(store);
    const kept = results.keep(reply(100_000));
    kept.onClientAway();
    await settled();
    assertEquals(results.memoryBytes > 100_000, true);
    assertEquals(await kept.read(), reply(100_000));
    await kept.drop();
    assertEquals(results.memoryBytes, 0);
  }
});

/** Lets everything that is under way come to its end. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}
