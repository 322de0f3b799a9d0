/** Files on disk that somebody else changes, or removes, while they are kept. */

import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { assertRejects } from "@std/assert/rejects.js";
import { configureLogging } from "../../../src/log/log.ts";
import { DiskStore } from "../../../src/store/disk_store.ts";
import { DamagedFileError, type KeptFile, StoreError } from "../../../src/store/file_store.ts";
import { withFolder } from "../journal/folder.ts";

configureLogging({ level: "error", format: "text", write: () => {} });

const OPTIONS = { clean: false, name: "state" };

async function keep(store: DiskStore, bytes: Uint8Array): Promise<KeptFile> {
  const writer = await store.create(bytes.length);
  await writer.write(bytes);
  return await writer.finish();
}

async function read(kept: KeptFile): Promise<Uint8Array> {
  const reader = await kept.open();
  try {
    const pieces: number[] = [];
    const buffer = new Uint8Array(700);
    for (;;) {
      const length = await reader.read(buffer);
      if (length === null) return Uint8Array.from(pieces);
      pieces.push(...buffer.subarray(0, length));
    }
  } finally {
    reader.close();
  }
}

/** Opens a store in a folder of its own. */
async function withStore(
  test: (store: DiskStore, parent: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (parent) => {
    const store = await DiskStore.open(parent, OPTIONS);
    await test(store, parent);
    await store.close({ keep: false });
  });
}

Deno.test("a file of which any byte has changed, or that was cut off anywhere, is not read to its end", () =>
  withStore(async (store) => {
    const bytes = Uint8Array.from({ length: 3000 }, (_, at) => at * 7 % 251);
    const kept = await keep(store, bytes);
    const path = `${store.folder}/${kept.number}`;
    const reopened = store.reopen(kept.number, kept.sizeBytes, kept.sum);
    assertEquals(await read(reopened), bytes);
    for (let at = 0; at < bytes.length; at += 101) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1 << at % 8;
      await Deno.writeFile(path, damaged);
      for (const each of [kept, reopened]) await assertRejects(() => read(each), DamagedFileError);
      await Deno.writeFile(path, bytes.slice(0, at));
      await assertRejects(() => read(kept), DamagedFileError, `has ${at} of its 3000 bytes`);
    }
  }));

for (const how of ["removed", "moved", "replaced"] as const) {
  Deno.test(`a folder that is ${how} is noticed, and made anew`, () =>
    withStore(async (store, parent) => {
      const kept = await keep(store, new Uint8Array([1]));
      assertEquals(store.isInPlace(), true);
      if (how === "removed") await Deno.remove(store.folder, { recursive: true });
      else await Deno.rename(store.folder, `${parent}/elsewhere`);
      if (how === "replaced") {
        await Deno.mkdir(store.folder);
        await Deno.writeTextFile(`${store.folder}/journal.sqlite3`, "somebody's");
      }
      assertEquals(store.isInPlace(), false);
      await store.renew();
      assertEquals(store.isInPlace(), true);
      assertEquals([...Deno.readDirSync(store.folder)].map(({ name }) => name), ["lock"]);
      const aside = [...Deno.readDirSync(parent)].find(({ name }) => /_replaced_\d+$/.test(name));
      assertEquals(aside !== undefined, how === "replaced");
      assertEquals(await kept.isThere(), false);
      const writer = await store.rewrite(kept);
      await writer.write(new Uint8Array([1]));
      await writer.finish();
      assertEquals(await read(kept), new Uint8Array([1]));
      // Nobody else gets it.
      await assertRejects(() => DiskStore.open(parent, OPTIONS), StoreError, "another scheduler");
    }));
}

Deno.test("a folder that another run has made in the meantime is left to it", () =>
  withFolder(async (parent) => {
    const store = await DiskStore.open(parent, OPTIONS);
    await Deno.remove(store.folder, { recursive: true });
    const other = await DiskStore.open(parent, OPTIONS);
    const kept = await keep(other, new Uint8Array([2]));
    const error = await assertRejects(() => store.renew(), StoreError);
    assertMatch(error.message, /another scheduler that is running uses/);
    assertEquals(await read(kept), new Uint8Array([2]));
    await store.close({ keep: true });
    await other.close({ keep: false });
  }));

Deno.test("a store whose folder is gone can be closed", () =>
  withStore(async (store) => await Deno.remove(store.folder, { recursive: true })));
