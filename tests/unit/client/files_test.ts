import { deepStrictEqual as equal, ok, rejects } from "node:assert/strict";
import { describeFile, receiveInto, sendContent } from "../../../src/client/files.ts";
import { Deadlines, MessageStream, type XferFile } from "../../../src/wire/mod.ts";

/** Two ends of a connection on loopback. */
async function connection(): Promise<
  AsyncDisposable & { near: MessageStream; far: MessageStream }
> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [near, far] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    listener.accept(),
  ]);
  listener.close();
  const deadlines = new Deadlines();
  const options = { deadlines, timeoutMs: 5_000 };
  const streams = { near: new MessageStream(near, options), far: new MessageStream(far, options) };
  return {
    ...streams,
    [Symbol.asyncDispose]() {
      streams.near.close();
      streams.far.close();
      deadlines.stop();
      return Promise.resolve();
    },
  };
}

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "dispy-files-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What lies in a folder and below, in order. */
async function below(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (!isDirectory) names.push(name);
    else names.push(...(await below(`${folder}/${name}`)).map((each) => `${name}/${each}`));
  }
  return names.sort();
}

Deno.test("a file below the working directory keeps its folder, any other does not", async () => {
  const own = await describeFile("src/client/mod.ts", 7);
  equal([own.destPath, own.computeId, own.sep], ["src/client", 7, "/"]);
  equal(own.name, `${Deno.cwd()}/src/client/mod.ts`);
  equal((await describeFile("deno.json", null)).destPath, ".");
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/a.txt`, "12345");
    const { destPath, stat } = await describeFile(new URL(`file://${folder}/a.txt`), null);
    equal([destPath, stat.sizeBytes], [".", 5]);
    await rejects(describeFile(`${folder}/none`, null), { name: "FileTransferError" });
    await rejects(describeFile(folder, null), { name: "FileTransferError", message: /no file/ });
  });
});

Deno.test("a file of a job gets its place, mode and time, whole or not at all", async () => {
  await withFolder(async (folder) => {
    const source = `${folder}/source.bin`;
    await Deno.writeFile(source, new Uint8Array(200_000).fill(7), { mode: 0o640 });
    await Deno.utime(source, 1_000_000, 1_000_000);
    const file: XferFile = { ...await describeFile(source, 1), destPath: "sub/deep" };
    await using both = await connection();
    const [path] = await Promise.all([
      receiveInto(`${folder}/to`, both.far, file),
      sendContent(both.near, file),
    ]);
    equal(path, `${folder}/to/sub/deep/source.bin`);
    equal(await Deno.readFile(path), new Uint8Array(200_000).fill(7));
    const { mode, mtime } = await Deno.stat(path);
    equal([(mode ?? 0) & 0o777, mtime?.getTime()], [0o640, 1_000_000_000]);

    await using broken = await connection();
    const receiving = receiveInto(`${folder}/to`, broken.far, { ...file, destPath: "broken" });
    await broken.near.readMessage(64);
    broken.near.close();
    await rejects(receiving, { name: "WireError" });
    equal(await below(`${folder}/to`), ["sub/deep/source.bin"]);
  });
});

Deno.test("a file whose name leads out of the folder is refused, and its sender told", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/a.txt`, "a");
    const file = await describeFile(`${folder}/a.txt`, 1);
    for (
      const hostile of [
        { destPath: ".." },
        { destPath: "a/../../b" },
        { destPath: "/etc" },
        { destPath: "..\\b", sep: "\\" },
        { name: ".." },
        { name: "x/" },
      ]
    ) {
      await using both = await connection();
      const receiving = receiveInto(`${folder}/to`, both.far, { ...file, ...hostile });
      const sending = sendContent(both.near, file);
      await Promise.all([
        rejects(receiving, { name: "FileTransferError" }, JSON.stringify(hostile)),
        rejects(sending, { name: "FileTransferError", message: /was not taken/ }),
      ]);
    }
    equal(await below(folder), ["a.txt"]);
  });
});

Deno.test("a folder that cannot be written is told, and the sender too", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/a.txt`, "a");
    const file = await describeFile(`${folder}/a.txt`, 1);
    await using both = await connection();
    const [receiving, sending] = await Promise.allSettled([
      receiveInto(`${folder}/a.txt`, both.far, file),
      sendContent(both.near, file),
    ]);
    ok(receiving.status === "rejected" && /cannot write/.test(receiving.reason.message));
    ok(sending.status === "rejected" && /was not taken/.test(sending.reason.message));
  });
});
