/** Arguments and results are in memory or on disk, come back the same, and leave neither behind. */

import { assertEquals } from "@std/assert/equals.js";
import { assertRejects } from "@std/assert/rejects.js";
import {
  type KeptPayload,
  LARGE_BYTES,
  LostPayloadError,
  type PayloadForm,
  PayloadKeeper,
} from "../../../src/server/kept_payload.ts";
import { MemoryBudget } from "../../../src/server/memory_budget.ts";
import { TransferBudget } from "../../../src/net/transfer_budget.ts";
import { MAX_PAYLOAD_BYTES } from "../../../src/journal/database.ts";
import { JOB_FORM, RESULT_FORM } from "../../../src/server/payload_forms.ts";
import { concat } from "@std/bytes/concat.js";
import { type FileReader, type FileStore, StoreError } from "../../../src/store/file_store.ts";
import { DiskStore } from "../../../src/store/disk_store.ts";
import { MemoryStore } from "../../../src/store/memory_store.ts";
import { withFolder } from "../journal/folder.ts";
import { type DispyJob, type JobReply, JobStatus } from "../../../src/wire/mod.ts";

const MB = 1024 * 1024;
const UID = 7;

function reply(sizeBytes: number): JobReply {
  return {
    ...{ uid: UID, hash: "hash", ipAddr: "10.0.0.2", status: JobStatus.Finished },
    result: new Uint8Array(sizeBytes).fill(1),
    ...{ stdout: "out", stderr: new Uint8Array([1, 2]), exception: null },
    ...{ startTimeS: 1, endTimeS: 2, cpus: 4, extra: null },
  };
}

function job(sizeBytes: number): DispyJob {
  const args = new Uint8Array(sizeBytes).fill(2);
  const kwargs = new Uint8Array([3]);
  return {
    ...{ uid: UID, hash: "hash", computeId: 1, args, kwargs, xferFiles: [], code: "" },
    extra: null,
  };
}

/** A store that counts as a disk. */
class Disk extends MemoryStore {
  override readonly isOnDisk: boolean = true;
  isFull = false;
  override create(sizeBytes: number) {
    return this.isFull ? Promise.reject(new StoreError("full")) : super.create(sizeBytes);
  }
}

function scene(
  { memoryBytes = 4 * MB, journaled = true, store = new Disk(1000 * MB), rowOf }: {
    memoryBytes?: number;
    journaled?: boolean;
    store?: Disk;
    /** What the journal holds, where that is not what was written. */
    rowOf?: () => Uint8Array | null;
  } = {},
) {
  const rows = new Map<unknown, Uint8Array>();
  const budget = new MemoryBudget({
    ...{ memoryBytes, residentBytes: Infinity, keptBytes: Infinity, maxItems: Infinity },
  });
  const sending = new TransferBudget(8 * MB);
  const journal = journaled
    ? { payload: (_: string, key: unknown) => rowOf ? rowOf() : rows.get(key) ?? null }
    : null;
  const keeper = new PayloadKeeper({ budget, store, sending, journal });
  /** Writes a payload into the journal, as a commit does. */
  const commit = (kept: KeptPayload<unknown>) => {
    rows.set(UID, kept.record!.bytes);
    keeper.committed(kept, UID);
  };
  return { keeper, budget, sending, store, commit };
}

async function read<T>(kept: KeptPayload<T>): Promise<T> {
  using loan = await kept.lend();
  return await loan.read();
}

Deno.test("where there is room, a payload stays in memory until it is dropped", async () => {
  const { keeper, budget, store, commit } = scene();
  const kept = await keeper.keep(JOB_FORM, job(1000), "a");
  commit(kept);
  assertEquals([kept.isInMemory, budget.memoryBytes, store.usedBytes], [true, 1001, 0]);
  assertEquals(await read(kept), job(1000));
  await kept.drop();
  await kept.drop();
  assertEquals([budget.memoryBytes, budget.keptBytes], [0, 0]);
  await assertRejects(() => read(kept), Error, "dropped");
});

Deno.test("where there is none, the journal's copy is enough, once it is committed", async () => {
  const { keeper, budget, store, commit } = scene({ memoryBytes: 1500 });
  const kept = await keeper.keep(JOB_FORM, job(1000), "a");
  assertEquals(kept.isInMemory, true);
  commit(kept);
  assertEquals([kept.isInMemory, budget.memoryBytes, store.usedBytes], [false, 0, 0]);
  assertEquals(budget.keptBytes, 1001);
  assertEquals(await read(kept), job(1000));
});

Deno.test("a large payload goes into a file, which the journal names in its place", async () => {
  const { keeper, store, commit } = scene();
  const kept = await keeper.keep(RESULT_FORM, reply(LARGE_BYTES), "a");
  const { bytes, file } = kept.record!;
  assertEquals([bytes.length, file?.[0], file?.[1]], [0, 1, store.usedBytes]);
  commit(kept);
  assertEquals(kept.isInMemory, true, "there is room");
  kept.unload();
  for (let times = 0; times < 2; times++) assertEquals(await read(kept), reply(LARGE_BYTES));
  await kept.drop();
  assertEquals(store.usedBytes, 0);
});

Deno.test("without a journal, a payload for which there is no room goes into a file", async () => {
  const { keeper, budget, store } = scene({ journaled: false, memoryBytes: 2500 });
  const first = await keeper.keep(JOB_FORM, job(1000), "a");
  const second = await keeper.keep(JOB_FORM, job(1000), "a");
  assertEquals([first.isInMemory, second.isInMemory], [true, false]);
  assertEquals([budget.memoryBytes, store.usedBytes > 1000], [1001, true]);
  assertEquals(await read(second), job(1000));
  await second.drop();
  assertEquals(store.usedBytes, 0);
});

Deno.test("without a journal, a result of a client that is away can be moved out", async () => {
  const { keeper, budget, store } = scene({ journaled: false });
  const kept = await keeper.keep(RESULT_FORM, reply(1000), "a");
  const reading = read(kept);
  await Promise.all([keeper.moveOut(kept), keeper.moveOut(kept)]);
  assertEquals(await reading, reply(1000));
  assertEquals([kept.isInMemory, budget.memoryBytes], [false, 0]);
  assertEquals(await read(kept), reply(1000));
  await kept.drop();
  assertEquals(store.usedBytes, 0, "it was written once");
});

Deno.test("one that is dropped while it is being written leaves no file", async () => {
  const { keeper, store } = scene({ journaled: false });
  const kept = await keeper.keep(RESULT_FORM, reply(1000), "a");
  const moving = keeper.moveOut(kept);
  await kept.drop();
  await moving;
  assertEquals(store.usedBytes, 0);
});

Deno.test("where no file can be written, a job is not kept, and a result stays in memory", async () => {
  const { keeper, budget, store } = scene();
  store.isFull = true;
  await assertRejects(() => keeper.keep(JOB_FORM, job(2 * MB), "a"), StoreError, "full");
  assertEquals([budget.memoryBytes, budget.keptBytes], [0, 0]);
  const kept = await keeper.keep(RESULT_FORM, reply(2 * MB), "a");
  assertEquals([kept.isInMemory, kept.record!.file], [true, null]);
});

Deno.test("without any disk all stays in memory", async () => {
  const store: FileStore = new MemoryStore(100 * MB);
  const { keeper, budget } = scene({ journaled: false, store: store as Disk, memoryBytes: 100 });
  const kept = await keeper.keep(RESULT_FORM, reply(1000), "a");
  await keeper.moveOut(kept);
  assertEquals([kept.isInMemory, budget.memoryBytes > 1000], [true, true]);
});

Deno.test("what is read back takes its turn, and gives it back", async () => {
  const { keeper, sending, commit } = scene({ memoryBytes: 0 });
  const size = 2 * MB - 1;
  const all = [];
  for (let index = 0; index < 5; index++) {
    const kept = await keeper.keep(JOB_FORM, job(size), index % 2 === 0 ? "a" : "b");
    commit(kept);
    all.push(kept);
  }
  // One client has no more than half of the room.
  const loans = await Promise.all(all.slice(0, 4).map((kept) => kept.lend()));
  const last = all[4]!.lend();
  assertEquals([sending.usedBytes, sending.waiting], [8 * MB, 1]);
  loans[0]![Symbol.dispose]();
  loans.push(await last);
  for (const loan of loans) loan[Symbol.dispose]();
  assertEquals(sending.usedBytes, 0);
});

Deno.test("what an earlier run has kept is read when it is needed", async () => {
  const { keeper, store, budget } = scene();
  const before = await keeper.keep(RESULT_FORM, reply(LARGE_BYTES), "a");
  const [, sizeBytes] = before.record!.file!;
  const writer = await store.create(sizeBytes);
  await writer.write(
    RESULT_FORM.encode(reply(LARGE_BYTES)).reduce((all, chunk) => {
      return new Uint8Array([...all, ...chunk]);
    }, new Uint8Array()),
  );
  const file = await writer.finish();
  await before.drop();
  const item = { client: "a", sizeBytes };
  const kept = keeper.restore(RESULT_FORM, item, UID, { kept: file, sum: null });
  assertEquals([kept.isInMemory, budget.memoryBytes, budget.keptBytes], [false, 0, sizeBytes]);
  assertEquals(await read(kept), reply(LARGE_BYTES));
  await kept.drop();
  assertEquals([budget.keptBytes, store.usedBytes], [0, 0]);
});

Deno.test("a result that is too long for the journal stays in memory if no file can be written", async () => {
  const { keeper, store, budget } = scene({ memoryBytes: 100 });
  store.isFull = true;
  const tooLong = { length: MAX_PAYLOAD_BYTES + 1 } as Uint8Array;
  const form = { ...RESULT_FORM, encode: () => [tooLong] };
  const kept = await keeper.keep(form, reply(2 * MB), "a");
  assertEquals(kept.record, null);
  keeper.committed(kept, UID);
  assertEquals([kept.isInMemory, kept.isOnDisk], [true, false]);
  assertEquals(await read(kept), reply(2 * MB));
  await kept.drop();
  assertEquals([budget.memoryBytes, budget.keptBytes], [0, 0]);
});

/** Ways in which what was kept is lost for good, and one in which it may come back. */
const LOSSES: Record<string, [failure: "lost" | "other", open: () => Promise<FileReader>]> = {
  "is gone": ["lost", () => Promise.reject(new Deno.errors.NotFound("no such file"))],
  "is cut off": ["lost", () => Promise.resolve(readerOf(new Uint8Array(10)))],
  "is empty": ["lost", () => Promise.resolve(readerOf(new Uint8Array(0)))],
  "holds something else": ["lost", () => Promise.resolve(readerOf(new Uint8Array(1000).fill(65)))],
  "cannot be read now": ["other", () => Promise.reject(new Error("too many open files"))],
};

function readerOf(bytes: Uint8Array): FileReader {
  let at = 0;
  return {
    read: (buffer) => {
      const part = bytes.subarray(at, at + buffer.length);
      buffer.set(part);
      at += part.length;
      return Promise.resolve(part.length === 0 ? null : part.length);
    },
    close: () => {},
  };
}

for (const [what, [failure, open]] of Object.entries(LOSSES)) {
  Deno.test(`whether a payload is lost is told where its file ${what}`, async () => {
    for (const form of [JOB_FORM, RESULT_FORM]) {
      const { keeper } = scene();
      const item = { client: "a", sizeBytes: 100 };
      const remove = () => Promise.resolve();
      const isThere = () => Promise.resolve(true);
      const file = { number: 1, sizeBytes: 1000, sum: null, open, isThere, remove };
      const kept = keeper.restore<unknown>(form as PayloadForm<unknown>, item, UID, {
        kept: file,
        sum: null,
      });
      const error = await assertRejects(() => read(kept), Error);
      assertEquals(error instanceof LostPayloadError, failure === "lost", String(error));
    }
  });
}

Deno.test("a file in which some byte has changed is noticed, where it can still be read", async () => {
  const bytes = concat(RESULT_FORM.encode(reply(1000)));
  const { keeper, commit } = scene();
  const before = await keeper.keep(RESULT_FORM, reply(LARGE_BYTES), "a");
  commit(before);
  const sum = before.record!.file![2]!;
  const restore = (bytes: Uint8Array, sum: number) => {
    const open = () => Promise.resolve(readerOf(bytes));
    const remove = () => Promise.resolve();
    const isThere = () => Promise.resolve(true);
    const kept = { number: 1, sizeBytes: bytes.length, sum: null, open, isThere, remove };
    return keeper.restore(RESULT_FORM, { client: "a", sizeBytes: 1 }, UID, { kept, sum });
  };
  const large = concat(RESULT_FORM.encode(reply(LARGE_BYTES)));
  assertEquals(await read(restore(large, sum)), reply(LARGE_BYTES));
  large[LARGE_BYTES >> 1]! ^= 1;
  await assertRejects(() => read(restore(large, sum)), LostPayloadError, "is damaged");
  await assertRejects(() => read(restore(bytes, sum)), LostPayloadError, "is damaged");
});

Deno.test("a payload whose row is gone, or is damaged, is lost", async () => {
  for (const row of [null, new Uint8Array([128, 4, 99])]) {
    const { keeper } = scene({ rowOf: () => row });
    const item = { client: "a", sizeBytes: 100 };
    const kept = keeper.restore(RESULT_FORM, item, UID, null);
    await assertRejects(() => read(kept), LostPayloadError);
  }
});

Deno.test("a file that is gone is written again from memory; from nowhere it cannot be", async () => {
  await withFolder(async (parent) => {
    const store = await DiskStore.open(parent, { clean: false, name: null });
    const budget = new MemoryBudget({
      residentBytes: Infinity,
      memoryBytes: 100 * MB,
      keptBytes: Infinity,
      maxItems: Infinity,
    });
    const journal = { payload: () => null };
    const keeper = new PayloadKeeper({
      budget,
      store,
      sending: new TransferBudget(8 * MB),
      journal,
    });
    const [inMemory, onDisk, small] = await Promise.all(
      [LARGE_BYTES, LARGE_BYTES, 100].map((size) => keeper.keep(RESULT_FORM, reply(size), "a")),
    ) as [KeptPayload<JobReply>, KeptPayload<JobReply>, KeptPayload<JobReply>];
    onDisk.unload();
    for (const kept of [inMemory, onDisk, small]) assertEquals(await kept.rewrite(), true);
    await Deno.remove(store.folder, { recursive: true });
    await store.renew();
    assertEquals(
      [await inMemory.rewrite(), await onDisk.rewrite(), await small.rewrite()],
      [true, false, true],
    );
    inMemory.unload();
    assertEquals(inMemory.isInMemory, false);
    assertEquals(await read(inMemory), reply(LARGE_BYTES));
    await assertRejects(() => read(onDisk), LostPayloadError, "is gone");
    await store.close({ keep: false });
  });
});
