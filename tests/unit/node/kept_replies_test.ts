import { deepStrictEqual as equal } from "node:assert/strict";
import { KeptReplies } from "../../../src/node/kept_replies.ts";
import { type JobReply, JobStatus } from "../../../src/wire/mod.ts";

const COMPUTATION = {
  computeId: 7,
  auth: "a".repeat(40),
  replyTo: { host: "127.0.0.1", port: 9700 },
};

const reply = (uid: number): JobReply => ({
  uid,
  hash: `hash ${uid}`,
  ipAddr: "127.0.0.2",
  status: JobStatus.Finished,
  result: new Uint8Array([1, 2, 3]),
  stdout: "said",
  stderr: new Uint8Array([4]),
  exception: null,
  startTimeS: 1.5,
  endTimeS: 2.5,
  cpus: null,
  extra: null,
});

/** Runs a test in a folder of its own. */
async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/results`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name);
}

Deno.test("a result that is kept is found again by a later run, as it was", () =>
  inFolder(async (folder) => {
    const first = await KeptReplies.open(folder);
    await first.add(COMPUTATION, reply(1));
    await first.add({ ...COMPUTATION, computeId: 8 }, reply(2));
    const later = await KeptReplies.open(folder);
    equal(later.size, 2);
    const [kept] = later.of(7, COMPUTATION.auth);
    equal([kept?.uid, kept?.replyTo], [1, COMPUTATION.replyTo]);
    equal(await later.read(kept!), reply(1));
  }));

Deno.test("only who knows a computation's auth gets its results", () =>
  inFolder(async (folder) => {
    const kept = await KeptReplies.open(folder);
    await kept.add(COMPUTATION, reply(1));
    equal(kept.of(7, "b".repeat(40)), []);
  }));

Deno.test("a result that has arrived is gone, from the disk too", () =>
  inFolder(async (folder) => {
    const kept = await KeptReplies.open(folder);
    await kept.add(COMPUTATION, reply(1));
    await kept.remove(kept.all[0]!);
    equal(kept.size, 0);
    equal([...Deno.readDirSync(folder)], []);
  }));

Deno.test("a file that is no result is left alone, one that a killed run has begun is removed", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(folder);
    await Deno.writeTextFile(`${folder}/7-1.reply`, "half of");
    await Deno.writeTextFile(`${folder}/7-2.reply.new`, "not whole yet");
    equal((await KeptReplies.open(folder)).size, 0);
    equal(namesIn(folder), ["7-1.reply"]);
  }));

Deno.test("a result that the disk does not take is kept, and written as soon as that is possible", () =>
  inFolder(async (folder) => {
    const kept = await KeptReplies.open(folder);
    await Deno.remove(folder);
    await Deno.writeTextFile(folder, "in its way");
    await kept.add(COMPUTATION, reply(1));
    await kept.add(COMPUTATION, reply(2));
    equal(await kept.read(kept.all[0]!), reply(1));
    await kept.writeAll();
    equal(kept.size, 2);
    await Deno.remove(folder);
    await kept.remove(kept.all[1]!);
    await kept.writeAll();
    equal((await KeptReplies.open(folder)).all.map(({ uid }) => uid), [1]);
    equal(await kept.read(kept.all[0]!), reply(1));
  }));

Deno.test("a result that is only half on the disk leaves nothing there, and is kept", () =>
  inFolder(async (folder) => {
    const kept = await KeptReplies.open(folder);
    const { rename } = Deno;
    Deno.rename = () => Promise.reject(new Error("No space left on device (os error 28)"));
    try {
      await kept.add(COMPUTATION, reply(1));
    } finally {
      Deno.rename = rename;
    }
    equal(namesIn(folder), []);
    equal(await kept.read(kept.all[0]!), reply(1));
  }));

Deno.test("two runs of a job, and jobs of two schedulers with the same numbers, each have a result", () =>
  inFolder(async (folder) => {
    const kept = await KeptReplies.open(folder);
    const other = { ...COMPUTATION, auth: "b".repeat(40) };
    await kept.add(COMPUTATION, reply(1));
    await kept.add(COMPUTATION, { ...reply(1), hash: "second run" });
    await kept.add(other, reply(1));
    const [first, second] = kept.of(7, COMPUTATION.auth);
    await kept.remove(first!);
    equal((await kept.read(second!))?.hash, "second run");
    equal(await kept.read(kept.of(7, other.auth)[0]!), reply(1));
    equal((await KeptReplies.open(folder)).size, 2);
  }));

Deno.test("a result that cannot be read for the moment is not forgotten, one that is gone is", () =>
  inFolder(async (folder) => {
    const kept = await KeptReplies.open(folder);
    await kept.add(COMPUTATION, reply(1));
    const [only] = kept.all;
    const { readFile } = Deno;
    Deno.readFile = () => Promise.reject(new Error("Too many open files (os error 24)"));
    try {
      equal(await kept.read(only!), null);
    } finally {
      Deno.readFile = readFile;
    }
    equal(kept.size, 1);
    equal(await kept.read(only!), reply(1));
    await Deno.remove(only!.path);
    equal(await kept.read(only!), null);
    equal(kept.size, 0);
  }));

Deno.test("a result that nobody has come for in a week is removed", () =>
  inFolder(async (folder) => {
    const kept = await KeptReplies.open(folder);
    await kept.add(COMPUTATION, reply(1));
    const day = 24 * 60 * 60_000;
    await kept.sweep(Date.now() + 6 * day);
    equal(kept.size, 1);
    await kept.sweep(Date.now() + 8 * day);
    equal(kept.size, 0);
  }));

Deno.test("results whose files are gone are counted and forgotten; later ones are kept all the same", () =>
  inFolder(async (folder) => {
    const kept = await KeptReplies.open(folder);
    await kept.add(COMPUTATION, reply(1));
    const second = await kept.add(COMPUTATION, reply(2));
    equal(await kept.forgetGone(), 0);
    await Deno.remove(folder, { recursive: true });
    const third = await kept.add(COMPUTATION, reply(3));
    equal([await kept.forgetGone(), kept.size, kept.has(second)], [2, 1, false]);
    equal(kept.isOnDisk(third), true);
  }));
