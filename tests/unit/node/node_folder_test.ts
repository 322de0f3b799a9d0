import { deepStrictEqual as equal, rejects } from "node:assert/strict";
import { NodeFolder, NodeFolderError } from "../../../src/node/node_folder.ts";

const OURS = { clean: false, isShared: false };

/** Runs a test with a path at which nothing is yet. */
async function withPath(test: (path: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir();
  try {
    await test(`${parent}/dispy/node`);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

const names = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();

Deno.test("a node's folder is its owner's alone", () =>
  withPath(async (path) => {
    const folder = await NodeFolder.open(path, OURS);
    equal((await Deno.stat(folder.path)).mode! & 0o777, 0o700);
    folder.close();
  }));

Deno.test("two nodes do not have one folder at a time, but one after the other", () =>
  withPath(async (path) => {
    const first = await NodeFolder.open(path, OURS);
    await rejects(NodeFolder.open(path, OURS), (error: Error) => {
      return error instanceof NodeFolderError &&
        /another node uses it; choose a folder with --dest_path_prefix/.test(error.message);
    });
    first.close();
    (await NodeFolder.open(path, OURS)).close();
  }));

Deno.test("what earlier runs have left stays, unless it is to be cleaned", () =>
  withPath(async (path) => {
    (await NodeFolder.open(path, OURS)).close();
    await Deno.mkdir(`${path}/127.0.0.1/1_x`, { recursive: true });
    (await NodeFolder.open(path, OURS)).close();
    equal(names(path), ["127.0.0.1", "lock"]);
    (await NodeFolder.open(path, { ...OURS, clean: true })).close();
    equal(names(path), ["lock"]);
  }));

Deno.test("a folder that a link leads to is not used where everybody may write", {
  ignore: Deno.build.os === "windows",
}, () =>
  withPath(async (path) => {
    const elsewhere = await Deno.makeTempDir();
    await Deno.mkdir(path.replace(/\/node$/, ""));
    await Deno.symlink(elsewhere, path);
    await rejects(
      NodeFolder.open(path, { clean: true, isShared: true }),
      /is a symbolic link; choose a folder/,
    );
    await Deno.remove(elsewhere, { recursive: true });
  }));

Deno.test("a folder that is gone is noticed and made anew, and still has one owner", () =>
  withPath(async (path) => {
    const folder = await NodeFolder.open(path, OURS);
    equal(folder.isInPlace(), true);
    await Deno.rename(path, `${path}.moved`);
    equal(folder.isInPlace(), false);
    await folder.renew();
    equal(folder.isInPlace(), true);
    await rejects(NodeFolder.open(path, OURS), /another node uses it/);
    folder.close();
    (await NodeFolder.open(path, OURS)).close();
  }));
