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

Deno.test("a file that is no result, or half of one, is left alone", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(folder);
    await Deno.writeTextFile(`${folder}/7-1.reply`, "half of");
    await Deno.writeTextFile(`${folder}/7-2.reply.new`, "not whole yet");
    equal((await KeptReplies.open(folder)).size, 0);
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
