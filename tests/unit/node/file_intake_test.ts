import { deepStrictEqual as equal, ok } from "node:assert/strict";
import {
  decodeIntAnswer,
  encodeToNode,
  FILE_CHUNK_BYTES,
  type MessageStream,
  type XferFile,
} from "../../../src/wire/mod.ts";
import { Scene } from "./fake_scheduler.ts";

const CHANGED_S = 1_000_000_000;

function file(name: string, sizeBytes: number, changes: Partial<XferFile> = {}): XferFile {
  return {
    name,
    destPath: "",
    computeId: 1,
    stat: { sizeBytes, mode: 0o100640, atimeS: CHANGED_S, mtimeS: CHANGED_S, original: null },
    sep: "/",
    extra: null,
    ...changes,
  };
}

/** The next count of a file transfer. */
async function count(stream: MessageStream): Promise<number> {
  return decodeIntAnswer(await stream.readMessage(64), "count");
}

/** Sends a file; returns the counts that the node answers with. */
async function send(scene: Scene, xfer: XferFile, content: Uint8Array): Promise<number[]> {
  using stream = await scene.open(...encodeToNode({ kind: "FILEXFER", file: xfer }));
  const counts = [await count(stream)];
  for (let sent = 0; counts.at(-1) === sent && sent < content.length;) {
    const chunk = content.subarray(sent, sent + FILE_CHUNK_BYTES);
    await stream.writeRaw(chunk);
    sent += chunk.length;
    counts.push(await count(stream));
  }
  return counts;
}

/** A node with a computation, and the folder of that. */
async function withFolder(test: (scene: Scene, folder: string) => Promise<void>): Promise<void> {
  await using scene = await Scene.open({ maxFileSizeBytes: 3_000_000 });
  await scene.setUp(1);
  const [folder] = [...Deno.readDirSync(`${scene.folder}/127.0.0.1`)];
  await test(scene, `${scene.folder}/127.0.0.1/${folder!.name}`);
}

const bytes = (length: number) => new Uint8Array(length).map((_, index) => index % 251);

Deno.test("a file arrives whole, with its mode and times, in folders of its own", () =>
  withFolder(async (scene, folder) => {
    const content = bytes(2_500_000);
    const xfer = file("/home/user/data/big.bin", content.length, { destPath: "data/deep" });
    equal(await send(scene, xfer, content), [0, FILE_CHUNK_BYTES, 2 * FILE_CHUNK_BYTES, 2_500_000]);
    const path = `${folder}/data/deep/big.bin`;
    equal(await Deno.readFile(path), content);
    const { mode, mtime } = await Deno.stat(path);
    equal([(mode ?? 0) & 0o7777, mtime?.getTime()], [0o640, CHANGED_S * 1000]);
  }));

Deno.test("an empty file takes one count", () =>
  withFolder(async (scene, folder) => {
    equal(await send(scene, file("empty", 0), bytes(0)), [0]);
    equal((await Deno.stat(`${folder}/empty`)).size, 0);
  }));

Deno.test("a file that is there already is not sent again, one that has changed is", () =>
  withFolder(async (scene, folder) => {
    await send(scene, file("a", 3), bytes(3));
    equal(await send(scene, file("a", 3), bytes(3)), [3]);
    const changed = file("a", 3);
    const stat = { ...changed.stat, mtimeS: CHANGED_S + 5 };
    equal(await send(scene, { ...changed, stat }, new Uint8Array([7, 7, 7])), [0, 3]);
    equal(await Deno.readFile(`${folder}/a`), new Uint8Array([7, 7, 7]));
  }));

Deno.test("a job that reads a file goes on reading it while another takes its place", () =>
  withFolder(async (scene, folder) => {
    await send(scene, file("a", 4), bytes(4));
    using reader = await Deno.open(`${folder}/a`);
    await send(scene, file("a", 5), bytes(5));
    const buffer = new Uint8Array(10);
    equal(await reader.read(buffer), 4);
  }));

Deno.test("a file lends nobody its owner's rights", () =>
  withFolder(async (scene, folder) => {
    const { stat, ...rest } = file("tool", 1);
    await send(scene, { ...rest, stat: { ...stat, mode: 0o104755 } }, bytes(1));
    equal(((await Deno.stat(`${folder}/tool`)).mode ?? 0) & 0o7777, 0o755);
  }));

for (
  const [why, xfer] of [
    ["leads upwards", file("a", 1, { destPath: "../.." })],
    ["is absolute", file("a", 1, { destPath: "/tmp" })],
    ["is too large", file("a", 3_000_001)],
    ["is of no computation that is known", file("a", 1, { computeId: 99 })],
    ["is of no computation at all", file("a", 1, { computeId: null })],
    ["has no name", file("a/", 1)],
  ] as const
) {
  Deno.test(`a file that ${why} is refused`, () =>
    withFolder(async (scene, folder) => {
      equal(await send(scene, xfer, bytes(1)), [-1]);
      equal([...Deno.readDirSync(folder)], []);
    }));
}

Deno.test("a file does not leave its computation's folder by a link that a job has made", () =>
  withFolder(async (scene, folder) => {
    const outside = await Deno.makeTempDir();
    await Deno.symlink(outside, `${folder}/way-out`);
    equal(await send(scene, file("a", 1, { destPath: "way-out" }), bytes(1)), [-1]);
    equal([...Deno.readDirSync(outside)], []);
    await Deno.remove(outside);
  }));

Deno.test("a file that cannot be put in its place is refused, and the node goes on", () =>
  withFolder(async (scene, folder) => {
    await Deno.mkdir(`${folder}/taken`);
    equal(await send(scene, file("taken", 1), bytes(1)), [0, -1]);
    while ([...Deno.readDirSync(folder)].length > 1) await scene.greet();
    equal(await send(scene, file("free", 1), bytes(1)), [0, 1]);
  }));

Deno.test("of a file whose sender goes away nothing stays", () =>
  withFolder(async (scene, folder) => {
    {
      using stream = await scene.open(...encodeToNode({ kind: "FILEXFER", file: file("a", 100) }));
      equal(await count(stream), 0);
      await stream.writeRaw(bytes(50));
    }
    // It takes the node a moment to notice.
    while ([...Deno.readDirSync(folder)].length > 0) await scene.greet();
  }));

Deno.test("files of a job go with it, a computation's stay until it is closed", () =>
  withFolder(async (scene, folder) => {
    await send(scene, file("own", 1), bytes(1));
    const brought = file("brought", 2);
    await send(scene, brought, bytes(2));
    await scene.ask({ kind: "JOB", job: scene.job(1, 1, [brought]) });
    ok(Deno.statSync(`${folder}/brought`).isFile);
    scene.language.jobs[0]!.end();
    await scene.until("JOB_REPLY");
    equal([...Deno.readDirSync(folder)].map(({ name }) => name), ["own"]);
    await scene.close(1);
    equal([...Deno.readDirSync(`${scene.folder}/127.0.0.1`)], []);
  }));

Deno.test("files of a job that is refused go, and come again with it", () =>
  withFolder(async (scene, folder) => {
    for (const uid of [1, 2]) await scene.ask({ kind: "JOB", job: scene.job(uid, 1) });
    const brought = file("brought", 2);
    await send(scene, brought, bytes(2));
    equal(await scene.askText({ kind: "JOB", job: scene.job(3, 1, [brought]) }), "All CPUs busy!");
    equal([...Deno.readDirSync(folder)], []);
  }));
