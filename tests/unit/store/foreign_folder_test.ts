/** The folder for files below one where everybody may write: nobody else may have made it. */

import { assert } from "@std/assert/assert.js";
import { assertEquals } from "@std/assert/equals.js";
import { assertRejects } from "@std/assert/rejects.js";
import { DiskStore } from "../../../src/store/disk_store.ts";
import { StoreError } from "../../../src/store/file_store.ts";
import { foreignFolder } from "../../../src/store/foreign_folder.ts";

const windows = Deno.build.os === "windows";
const SOMEBODY_UID = 54321;

/** A folder as `/tmp` is: everybody may write, nobody may replace what is not theirs. */
async function inShared(test: (shared: string) => Promise<void>): Promise<void> {
  const shared = await Deno.makeTempDir();
  try {
    await Deno.chmod(shared, 0o1777);
    await test(shared);
  } finally {
    await Deno.remove(shared, { recursive: true });
  }
}

async function refusal(shared: string): Promise<string> {
  const folder = `${shared}/dispy/scheduler`;
  const options = { clean: true, isShared: true, name: null };
  const error = await assertRejects(() => DiskStore.open(folder, options), StoreError);
  assertEquals([...Deno.readDirSync(folder)], [], "something was left there");
  return error.message.replaceAll(shared, "");
}

Deno.test({
  name: "a store makes its folders for the owner only, and all that is in them",
  ignore: windows,
  fn: () =>
    inShared(async (shared) => {
      const folder = `${shared}/dispy/scheduler`;
      const store = await DiskStore.open(folder, { clean: true, isShared: true, name: null });
      const writer = await store.create(1);
      await writer.finish();
      const [run] = [...Deno.readDirSync(folder)];
      const made = `${folder}/${run!.name}`;
      const modes = [`${shared}/dispy`, folder, made, `${made}/lock`, `${made}/1`].map((path) =>
        ((Deno.statSync(path).mode ?? 0) & 0o777).toString(8)
      );
      assertEquals(modes, ["700", "700", "700", "600", "600"]);
      await store.close({ keep: false });
    }),
});

Deno.test({
  name: "a symbolic link in place of the folder, or of the one above it, is refused",
  ignore: windows,
  fn: async () => {
    await inShared(async (shared) => {
      await Deno.mkdir(`${shared}/elsewhere/scheduler`, { recursive: true });
      await Deno.symlink(`${shared}/elsewhere`, `${shared}/dispy`);
      assertEquals(
        await refusal(shared),
        "cannot keep files in /dispy/scheduler: /dispy is a symbolic link; " +
          "choose a folder with --dest_path_prefix",
      );
    });
    await inShared(async (shared) => {
      await Deno.mkdir(`${shared}/elsewhere`);
      await Deno.mkdir(`${shared}/dispy`);
      await Deno.symlink(`${shared}/elsewhere`, `${shared}/dispy/scheduler`);
      const message = await refusal(shared);
      assert(message.includes("/dispy/scheduler is a symbolic link"), message);
    });
  },
});

Deno.test({
  name: "a folder that another user has made is not ours; one of root's is good enough",
  ignore: windows,
  fn: () =>
    inShared(async (shared) => {
      const folder = `${shared}/dispy`;
      await Deno.mkdir(folder);
      const { uid } = Deno.lstatSync(folder);
      assertEquals(await foreignFolder(folder, uid), null);
      // Root can give it away; all others ask as if they were somebody else.
      if (uid === 0) await Deno.chown(folder, SOMEBODY_UID, SOMEBODY_UID);
      const reason = await foreignFolder(folder, uid === 0 ? 0 : SOMEBODY_UID);
      assertEquals(reason, `${folder} belongs to another user`);
      assertEquals(await foreignFolder("/", SOMEBODY_UID), null);
    }),
});

Deno.test({
  name: "a folder that all may write to is refused, unless the user has chosen it",
  ignore: windows,
  fn: () =>
    inShared(async (shared) => {
      await Deno.mkdir(`${shared}/dispy/scheduler`, { recursive: true });
      await Deno.chmod(`${shared}/dispy`, 0o777);
      const message = await refusal(shared);
      assert(message.includes(": /dispy can be written to by everybody;"), message);
      const store = await DiskStore.open(`${shared}/dispy/scheduler`, { clean: false, name: null });
      await store.close({ keep: false });
    }),
});
