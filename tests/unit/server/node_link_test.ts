/** Requests to nodes come to an end, whatever becomes of the node. */

import { assertEquals } from "@std/assert/equals.js";
import { assertStringIncludes } from "@std/assert/string_includes.js";
import * as core from "../../../src/core/mod.ts";
import { configureLogging } from "../../../src/log/log.ts";
import { LostPayloadError } from "../../../src/server/kept_payload.ts";
import { ACK, encodeIntAnswer, type MessageStream, tagOf } from "../../../src/wire/mod.ts";
import { Bench, HOST } from "./bench.ts";

const ENCODER = new TextEncoder();
const OUTCOME_LIMIT_MS = 5_000;

/** A node that says nothing to `silentAt`, and for ever; resolves with the tags that came. */
function nodeOf(bench: Bench, silentAt: string) {
  const tags: string[] = [];
  const silent = Promise.withResolvers<void>();
  const listener = bench.listen(async (stream: MessageStream) => {
    await stream.readExactly(40);
    const tag = tagOf(await stream.readMessage(1 << 20));
    tags.push(tag);
    if (tag === silentAt) {
      silent.resolve();
      return await new Promise(() => {});
    }
    await stream.writeMessage(tag === "COMPUTE" ? encodeIntAnswer(2) : ACK);
  });
  return { tags, silent: silent.promise, listener };
}

/** `task` does not come to an end within reason. */
async function isStuck(task: Promise<void>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(true), OUTCOME_LIMIT_MS);
  });
  try {
    return await Promise.race([task.then(() => false), late]);
  } finally {
    clearTimeout(timer);
  }
}

Deno.test("a node whose machine dies while it sets up a computation is not waited for", async () => {
  await using bench = new Bench();
  const { silent, listener } = nodeOf(bench, "SETUP");
  bench.node(HOST, listener.port);
  bench.computation();
  const { share } = bench.effectsOf("setUpShare")[0]!;
  const setUp = bench.nodeLink.setUp(share);
  await silent;
  // Its connections stay open, as far as we can see.
  listener.close();
  assertEquals(await isStuck(setUp), false);
  assertEquals(share.state, "failed");
});

Deno.test("a setup without end does not keep a computation from being closed", async () => {
  await using bench = new Bench();
  const { tags, silent, listener } = nodeOf(bench, "SETUP");
  bench.node(HOST, listener.port);
  const { cluster } = bench.computation();
  const setUp = bench.nodeLink.setUp(bench.effectsOf("setUpShare")[0]!.share);
  await silent;
  bench.context.engine.post((core_, nowMs) => core.onClusterClosed(core_, cluster, false, nowMs));
  assertEquals(await isStuck(setUp), false);
  assertEquals(tags, ["COMPUTE", "SETUP", "CLOSE"]);
  assertEquals(bench.effectsOf("forgetCluster").length, 1);
});

Deno.test("a node that was started again is not waited for in place of its predecessor", async () => {
  await using bench = new Bench();
  const { silent, listener } = nodeOf(bench, "CLOSE");
  bench.node(HOST, listener.port);
  bench.computation();
  const { share } = bench.effectsOf("setUpShare")[0]!;
  await bench.nodeLink.setUp(share);
  const close = bench.nodeLink.close(share, true);
  await silent;
  bench.node(HOST, listener.port, "another sign");
  assertEquals(await isStuck(close), false);
});

Deno.test("a scheduler that ends waits no longer for nodes", async () => {
  await using bench = new Bench();
  const { silent, listener } = nodeOf(bench, "CLOSE");
  bench.node(HOST, listener.port);
  bench.computation();
  const { share } = bench.effectsOf("setUpShare")[0]!;
  await bench.nodeLink.setUp(share);
  const close = bench.nodeLink.close(share, false);
  await silent;
  bench.nodeLink.giveUp();
  assertEquals(await isStuck(close), false);
});

Deno.test("a job whose arguments are damaged ends at once, its client and the log are told why", async () => {
  const lines: string[] = [];
  configureLogging({ level: "info", format: "text", write: (line) => lines.push(line) });
  await using bench = new Bench();
  const { listener } = nodeOf(bench, "");
  bench.node(HOST, listener.port);
  const { cluster } = bench.computation();
  await bench.nodeLink.setUp(bench.effectsOf("setUpShare")[0]!.share);
  const loan = {
    read: () => Promise.reject(new LostPayloadError("row 179 of job is damaged")),
    [Symbol.dispose]: () => {},
  };
  const payload = { kept: { lend: () => Promise.resolve(loan) }, files: [] };
  bench.context.engine.post((core_, nowMs) => {
    const request = { uid: 179, hash: "hash", pinnedTo: null, payload };
    core.onJobSubmitted(core_, core.onJobOffered(core_, cluster, request, nowMs), nowMs);
  });
  const { job, share } = bench.effectsOf("runJob")[0]!;
  await bench.nodeLink.run(job, share);
  const [{ delivery }] = bench.effectsOf("deliver") as [core.Effect & { kind: "deliver" }];
  const why =
    "the arguments of this job were damaged on the scheduler's disk: row 179 of job is damaged";
  assertEquals([delivery.status, delivery.reason], [core.Outcome.Terminated, why]);
  const warnings = lines.filter((line) => line.includes("a job cannot be run"));
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0]!, why);
});

for (const end of ["dropped", "closing"] as const) {
  Deno.test(`a job that is about to be sent to a node whose share is ${end} is not`, async () => {
    await using bench = new Bench();
    const tags: string[] = [];
    const listener = bench.listen(async (stream: MessageStream) => {
      await stream.readExactly(40);
      const tag = tagOf(await stream.readMessage(1 << 20));
      tags.push(tag);
      if (tag === "COMPUTE") return await stream.writeMessage(encodeIntAnswer(2));
      await stream.writeMessage(tag === "JOB" ? ENCODER.encode("Invalid job (unknown)") : ACK);
    });
    bench.node(HOST, listener.port);
    const { cluster } = bench.computation();
    await bench.nodeLink.setUp(bench.effectsOf("setUpShare")[0]!.share);
    const { engine } = bench.context;
    for (const uid of [1, 2]) {
      const [args, kwargs] = [new Uint8Array(0), new Uint8Array(0)];
      const fields = { args, kwargs, xferFiles: [], code: "", extra: null };
      const record = { uid, computeId: cluster.id, hash: "hash", ...fields };
      const loan = { read: () => Promise.resolve(record), [Symbol.dispose]: () => {} };
      const payload = { kept: { lend: () => Promise.resolve(loan) }, files: [] };
      engine.post((core_, nowMs) => {
        const request = { uid, hash: "hash", pinnedTo: null, payload };
        core.onJobSubmitted(core_, core.onJobOffered(core_, cluster, request, nowMs), nowMs);
      });
    }
    const [first, second] = bench.effectsOf("runJob");
    if (end === "dropped") await bench.nodeLink.run(first!.job, first!.share);
    else engine.post((core_, nowMs) => core.onClusterClosed(core_, cluster, true, nowMs));
    assertEquals(second!.share.state, end);
    await bench.nodeLink.run(second!.job, second!.share);
    assertEquals(tags, ["COMPUTE", "SETUP", ...end === "dropped" ? ["JOB"] : []]);
    if (end === "dropped") assertEquals(second!.job.refusals, 0, "the job is not to blame");
  });
}
