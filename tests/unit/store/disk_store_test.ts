/** Files on disk: private, and removed by nobody but their own run, or once that has ended. */

import { assertEquals } from "@std/assert/equals.js";
import { assertRejects } from "@std/assert/rejects.js";
import { configureLogging } from "../../../src/log/log.ts";
import { DiskStore } from "../../../src/store/disk_store.ts";
import { StoreError } from "../../../src/store/file_store.ts";

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function addFile(store: DiskStore, text: string) {
  const writer = await store.create(text.length);
  await writer.write(new TextEncoder().encode(text));
  return await writer.finish();
}

const runs = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("files are readable by their owner only, and gone when the store is closed", async () => {
  await withFolder(async (folder) => {
    const store = await DiskStore.open(folder, { clean: false, name: null });
    await addFile(store, "text");
    const [run] = runs(folder);
    for (const [path, mode] of [[run, 0o700], [`${run}/1`, 0o600]] as const) {
      assertEquals(((await Deno.stat(`${folder}/${path}`)).mode ?? 0) & 0o777, mode);
    }
    await store.close({ keep: false });
    assertEquals(runs(folder), []);
  });
});

Deno.test("a file that is aborted leaves nothing", async () => {
  await withFolder(async (folder) => {
    const store = await DiskStore.open(folder, { clean: false, name: null });
    const writer = await store.create(4);
    await writer.write(new Uint8Array(2));
    await writer.abort();
    assertEquals([...Deno.readDirSync(`${folder}/${runs(folder)[0]}`)].length, 1, "the lock");
    await store.close({ keep: false });
  });
});

Deno.test("clean removes what ended runs have left, not what others have or what is not ours", async () => {
  await withFolder(async (folder) => {
    const running = await DiskStore.open(folder, { clean: false, name: null });
    const kept = await addFile(running, "text");
    const [own] = runs(folder);
    // As a crash leaves it: no process holds the lock.
    await Deno.mkdir(`${folder}/dispyscheduler_left`);
    await Deno.writeTextFile(`${folder}/dispyscheduler_left/lock`, "");
    await Deno.writeTextFile(`${folder}/dispyscheduler_left/1`, "left");
    // One that is being made at this moment, and one that was never finished.
    await Deno.mkdir(`${folder}/dispyscheduler_new`);
    await Deno.mkdir(`${folder}/dispyscheduler_old`);
    await Deno.utime(`${folder}/dispyscheduler_old`, 1000, 1000);
    await Deno.mkdir(`${folder}/mine`);
    await Deno.writeTextFile(`${folder}/dispyscheduler_note`, "mine");

    const cleaning = await DiskStore.open(folder, { clean: true, name: null });
    const left = runs(folder).filter((name) => name !== own);
    assertEquals(left.filter((name) => /(left|old|new|note|mine)$/.test(name)), [
      "dispyscheduler_new",
      "dispyscheduler_note",
      "mine",
    ]);
    const reader = await kept.open();
    assertEquals(await reader.read(new Uint8Array(10)), 4);
    reader.close();
    await cleaning.close({ keep: false });
    await running.close({ keep: false });
  });
});

Deno.test("a folder that cannot be made is an error that says what to do", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const error = await assertRejects(
      () => DiskStore.open(`${folder}/file/sub`, { clean: false, name: null }),
      StoreError,
    );
    assertEquals(/choose a folder with --dest_path_prefix/.test(error.message), true);
  });
});

const NAMED = { clean: false, name: "state" };

Deno.test("a store with a name is found again with its files, and their numbers go on", async () => {
  await withFolder(async (folder) => {
    const first = await DiskStore.open(folder, NAMED);
    await addFile(first, "one");
    await addFile(first, "other");
    await first.close({ keep: true });

    const second = await DiskStore.open(folder, NAMED);
    assertEquals(second.folder, first.folder);
    assertEquals(((await Deno.stat(second.folder)).mode ?? 0) & 0o777, 0o700);
    const reader = await second.reopen(2, 5).open();
    assertEquals(await reader.read(new Uint8Array(10)), 5);
    reader.close();
    assertEquals((await addFile(second, "third")).number, 3);
    await second.close({ keep: false });
    assertEquals(runs(folder), []);
  });
});

Deno.test("removeAllBut takes what nobody needs, and nothing else; it tells what is there", async () => {
  await withFolder(async (folder) => {
    const store = await DiskStore.open(folder, NAMED);
    for (const text of ["a", "b", "c"]) await addFile(store, text);
    await Deno.writeTextFile(`${store.folder}/journal`, "");
    assertEquals(await store.removeAllBut(new Set([2, 7])), new Set([2]));
    assertEquals([...Deno.readDirSync(store.folder)].map(({ name }) => name).sort(), [
      "2",
      "journal",
      "lock",
    ]);
    assertEquals((await addFile(store, "d")).number, 4, "no number is used again");
    await store.close({ keep: false });
  });
});

Deno.test("a store with a name is one run's only, as long as that lives", async () => {
  await withFolder(async (folder) => {
    const first = await DiskStore.open(folder, NAMED);
    const error = await assertRejects(() => DiskStore.open(folder, NAMED), StoreError);
    assertEquals(
      /another scheduler that is running uses .*_state, .*; stop it, or .* other ports with -p$/
        .test(error.message),
      true,
    );
    // One that cleans up leaves it alone, too.
    const other = await DiskStore.open(folder, { clean: true, name: "other" });
    await addFile(first, "text");
    await other.close({ keep: false });
    await first.close({ keep: true });
    const next = await DiskStore.open(folder, NAMED);
    assertEquals((await next.removeAllBut(new Set([1]))).size, 1);
    await next.close({ keep: false });
  });
});

Deno.test("a store that is set aside has another name, with all that is in it", async () => {
  await withFolder(async (folder) => {
    const store = await DiskStore.open(folder, NAMED);
    await addFile(store, "text");
    const aside = await store.setAside();
    assertEquals(/_state_unusable_\d{17}$/.test(aside), true);
    assertEquals(await Deno.readTextFile(`${aside}/1`), "text");
    const next = await DiskStore.open(folder, NAMED);
    assertEquals(await next.removeAllBut(new Set([1])), new Set());
    await next.close({ keep: false });
    assertEquals(runs(folder).length, 1);
  });
});

Deno.test("clean takes what an ended run has left under a name, also what was set aside", async () => {
  await withFolder(async (folder) => {
    const first = await DiskStore.open(folder, NAMED);
    await addFile(first, "text");
    await first.setAside();
    await (await DiskStore.open(folder, NAMED)).close({ keep: true });
    const cleaning = await DiskStore.open(folder, { clean: true, name: "other" });
    assertEquals(runs(folder), ["dispyscheduler_other"]);
    await cleaning.close({ keep: false });
  });
});

/** Has the methods of `target` be others while `task` runs. */
async function withFaults<T extends object>(
  target: T,
  faults: Partial<T>,
  task: () => Promise<void>,
): Promise<void> {
  const before = { ...faults };
  for (const name in faults) before[name] = target[name];
  Object.assign(target, faults);
  try {
    await task();
  } finally {
    Object.assign(target, before);
  }
}

Deno.test("where it is asked for, a file and its name are on the disk before it counts as kept", async () => {
  await withFolder(async (folder) => {
    const synced: string[] = [];
    const inode = (stat: Deno.FileInfo) => String(stat.ino);
    const { FsFile } = Deno;
    const faults = {
      async sync(this: Deno.FsFile) {
        synced.push(inode(await this.stat()));
      },
    };
    await withFaults(FsFile.prototype, faults, async () => {
      const names = async (...paths: string[]) =>
        (await Promise.all(paths.map((path) => Deno.stat(path)))).map(inode);
      const careless = await DiskStore.open(folder, { ...NAMED, isSynced: false });
      await addFile(careless, "text");
      await careless.close({ keep: true });
      assertEquals(synced, []);
      const store = await DiskStore.open(folder, { ...NAMED, isSynced: true });
      assertEquals(synced.splice(0), await names(folder));
      await store.removeAllBut(new Set());
      const { number } = await addFile(store, "text");
      assertEquals(synced, await names(`${store.folder}/${number}`, store.folder));
      await store.close({ keep: false });
    });
  });
});

Deno.test("clean holds the lock of what it removes, so that no run begins to use it meanwhile", async () => {
  await withFolder(async (folder) => {
    await (await DiskStore.open(folder, NAMED)).close({ keep: true });
    const { remove } = Deno;
    let meanwhile: unknown;
    const faults = {
      async remove(path: string | URL, options?: Deno.RemoveOptions) {
        if (String(path).endsWith("_state")) {
          meanwhile = await DiskStore.open(folder, NAMED).catch((error) => error);
        }
        await remove(path, options);
      },
    };
    await withFaults(Deno, faults, async () => {
      const cleaning = await DiskStore.open(folder, { clean: true, name: "other" });
      assertEquals(meanwhile instanceof StoreError, true, "it is used by the one that cleans");
      await cleaning.close({ keep: false });
    });
  });
});

Deno.test("a folder that is removed in the instant before it is locked is made anew", async () => {
  await withFolder(async (folder) => {
    await (await DiskStore.open(folder, NAMED)).close({ keep: true });
    const { FsFile } = Deno;
    const { tryLock } = FsFile.prototype;
    let times = 0;
    const faults = {
      async tryLock(this: Deno.FsFile, exclusive?: boolean) {
        // As a run that ends, or cleans up, does while it holds the lock.
        if (times++ === 0) await Deno.remove(`${folder}/dispyscheduler_state`, { recursive: true });
        return await tryLock.call(this, exclusive);
      },
    };
    await withFaults(FsFile.prototype, faults, async () => {
      const store = await DiskStore.open(folder, NAMED);
      await addFile(store, "text");
      const error = await assertRejects(() => DiskStore.open(folder, NAMED), StoreError);
      assertEquals(/another scheduler that is running/.test(error.message), true);
      await store.close({ keep: false });
    });
  });
});

Deno.test("a run that cleans up is not bothered by another that does the same", async () => {
  await withFolder(async (folder) => {
    for (const name of ["a", "b", "c"]) {
      await (await DiskStore.open(folder, { clean: false, name })).close({ keep: true });
      await Deno.mkdir(`${folder}/dispyscheduler_${name}_old`);
    }
    const { stat, open } = Deno;
    const vanish = async (path: string | URL) => {
      const old = /^.*dispyscheduler_[abc](_old)?(?=[/]|$)/.exec(String(path));
      if (old) await Deno.remove(old[0], { recursive: true }).catch(() => {});
    };
    const faults = {
      async stat(path: string | URL) {
        await vanish(path);
        return await stat(path);
      },
      async open(path: string | URL, options?: Deno.OpenOptions) {
        await vanish(path);
        return await open(path, options);
      },
    };
    await withFaults(Deno, faults, async () => {
      const store = await DiskStore.open(folder, { clean: true, name: "new" });
      await store.close({ keep: false });
    });
    assertEquals(runs(folder), []);
  });
});

Deno.test("a store is set aside while it is locked; where that fails, the error says what and why", async () => {
  await withFolder(async (folder) => {
    const store = await DiskStore.open(folder, NAMED);
    const { rename } = Deno;
    let meanwhile: unknown;
    const faults = {
      async rename(from: string | URL, to: string | URL) {
        meanwhile = await DiskStore.open(folder, NAMED).catch((error) => error);
        await rename(from, to);
      },
    };
    await withFaults(Deno, faults, async () => void await store.setAside());
    assertEquals(meanwhile instanceof StoreError, true, "nobody else may use it at this moment");

    const other = await DiskStore.open(folder, NAMED);
    const readOnly = { rename: () => Promise.reject(new Error("read-only file system")) };
    await withFaults(Deno, readOnly, async () => {
      const error = await assertRejects(() => other.setAside(), StoreError);
      assertEquals(/^cannot put .*_state aside: read-only file system/.test(error.message), true);
    });
  });
});

Deno.test("where an unfinished file cannot even be removed, the error is that of its writing", async () => {
  await withFolder(async (folder) => {
    configureLogging({ level: "info", format: "text", write: () => {} });
    const store = await DiskStore.open(folder, NAMED);
    const writer = await store.create(4);
    const { FsFile } = Deno;
    const readOnly = () => Promise.reject(new Error("read-only file system"));
    await withFaults(FsFile.prototype, { write: readOnly }, async () => {
      await assertRejects(() => writer.write(new Uint8Array(4)), StoreError, "read-only");
    });
    await withFaults(Deno, { remove: readOnly }, () => writer.abort());
    assertEquals(await store.removeAllBut(new Set()), new Set(), "the next start removes it");
    assertEquals(await store.hasFiles(), false);
    await store.close({ keep: false });
  });
});

Deno.test("a file that is gone already can be removed", async () => {
  await withFolder(async (folder) => {
    const store = await DiskStore.open(folder, NAMED);
    const file = await addFile(store, "text");
    await Deno.remove(`${store.folder}/1`);
    await file.remove();
    await store.close({ keep: false });
  });
});
