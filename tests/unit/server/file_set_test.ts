/** Which files are kept for how long, and which names are not taken. */

import { assertEquals } from "@std/assert/equals.js";
import { assertRejects } from "@std/assert/rejects.js";
import { type ClientFile, FileSet } from "../../../src/server/file_set.ts";
import type { Holding } from "../../../src/server/memory_budget.ts";
import type { KeptFile } from "../../../src/store/file_store.ts";
import { unsafeFileName } from "../../../src/wire/mod.ts";
import type { XferFile } from "../../../src/wire/mod.ts";

function xfer(changes: Partial<XferFile> = {}): XferFile {
  return {
    name: "/home/user/data.txt",
    destPath: "",
    computeId: 1,
    stat: { sizeBytes: 3, mode: 0o644, atimeS: 1, mtimeS: 2, original: null },
    sep: "/",
    extra: null,
    ...changes,
  };
}

function scene() {
  const removed: string[] = [];
  const kept = (name: string): KeptFile => ({
    number: 1,
    sizeBytes: 3,
    sum: null,
    isThere: () => Promise.resolve(true),
    open: () => Promise.reject(new Error("not read here")),
    remove: () => Promise.resolve(void removed.push(name)),
  });
  return { files: new FileSet(), removed, kept };
}

const holding: Holding = { size: { keptBytes: 0, residentBytes: 0 }, release: () => {} };

const LONG_MS = 1_000_000;

Deno.test("a job's file goes with the last of the jobs that were announced for it", async () => {
  const { files, removed, kept } = scene();
  files.add(xfer(), kept("a"), holding, false, 0);
  const file = files.find(xfer()) as ClientFile;
  files.touch(file, 0);
  files.claim([file]);
  await files.release([file], 1);
  assertEquals(removed, [], "another job is about to come");
  files.claim([file]);
  await files.release([file], 2);
  assertEquals(removed, ["a"]);
  assertEquals(files.find(xfer()), undefined);
});

Deno.test("a file that no job comes for goes after a while, one of the computation never", async () => {
  const { files, removed, kept } = scene();
  files.add(xfer(), kept("a"), holding, false, 0);
  files.add(xfer({ name: "/home/user/own.txt" }), kept("own"), holding, true, 0);
  await files.sweep(60_000);
  assertEquals(removed, []);
  await files.sweep(LONG_MS);
  assertEquals(removed, ["a"]);
  await files.clear();
  assertEquals(removed, ["a", "own"]);
});

Deno.test("a discarded file is gone, unless a job has it already", async () => {
  const { files, removed, kept } = scene();
  files.add(xfer(), kept("a"), holding, false, 0);
  await files.discard(xfer());
  await files.discard(xfer());
  assertEquals(removed, ["a"]);
  files.add(xfer(), kept("b"), holding, false, 0);
  files.claim([files.find(xfer()) as ClientFile]);
  await files.discard(xfer());
  assertEquals(removed, ["a"]);
});

Deno.test("names that lead elsewhere on any system are not taken", () => {
  for (
    const [name, destPath, sep] of [
      ["/x/a", "..", "/"],
      ["/x/a", "b/../..", "/"],
      ["/x/a", "/etc", "/"],
      ["/x/..", "", "/"],
      ["/x/", "", "/"],
      ["/x/..\\a", "", "/"],
      ["/x/a", "..\\b", "/"],
      ["/x/C:a", "", "/"],
      ["/x/a\0", "", "/"],
      ["C:\\x\\a", "..", "\\"],
      ["C:\\x\\a", "D:\\", "\\"],
      ["C:\\x/../a", "", "\\"],
      ["C:\\x\\a", "/etc", "\\"],
      ["xa", "", "x"],
      ["a", "", ""],
    ] as const
  ) assertEquals(unsafeFileName(xfer({ name, destPath, sep })) === null, false, name + destPath);
  for (
    const [name, destPath, sep] of [
      ["/x/a", "", "/"],
      ["/x/a", ".", "/"],
      ["/x/..a", "b/c..", "/"],
      ["C:\\x\\a", "b\\c", "\\"],
      ["a", "", "/"],
    ] as const
  ) assertEquals(unsafeFileName(xfer({ name, destPath, sep })), null, name + destPath);
});

Deno.test("a file that cannot be removed does not keep others, nor what counts them", async () => {
  const { files, removed, kept } = scene();
  const stuck = (name: string): KeptFile => ({
    ...kept(name),
    remove: () => Promise.reject(new Error("read-only file system")),
  });
  const add = (name: string, file: KeptFile, permanent = false) => {
    files.add(xfer({ name: `/home/user/${name}` }), file, holding, permanent, 0);
    return files.find(xfer({ name: `/home/user/${name}` })) as ClientFile;
  };
  const released = [add("a", stuck("a")), add("b", kept("b"))];
  files.claim(released);
  await assertRejects(() => files.release(released, LONG_MS), Error, "read-only");
  assertEquals([removed, released.map(({ jobs }) => jobs)], [["b"], [0, 0]]);

  add("c", stuck("c"));
  add("d", kept("d"));
  await assertRejects(() => files.sweep(LONG_MS), Error, "read-only");
  assertEquals(removed, ["b", "d"]);

  add("e", stuck("e"), true);
  add("f", kept("f"), true);
  await assertRejects(() => files.clear(), Error, "read-only");
  assertEquals(removed, ["b", "d", "f"]);
});

Deno.test("a file that arrives when its computation is over is not taken: nobody would remove it", async () => {
  const noted: string[] = [];
  const files = new FileSet({
    added: ({ xfer }) => noted.push(`+ ${xfer.name}`),
    removed: ({ xfer }) => noted.push(`- ${xfer.name}`),
  });
  const { kept } = scene();
  assertEquals(files.add(xfer({ name: "a" }), kept("a"), holding, true, 0), true);
  await files.clear();
  assertEquals(files.add(xfer({ name: "b" }), kept("b"), holding, true, 0), false);
  assertEquals(noted, ["+ a", "- a"]);
});
