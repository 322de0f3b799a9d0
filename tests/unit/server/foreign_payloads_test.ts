/** Arguments and results between peers with different Pythons. */

import { assert } from "@std/assert/assert.js";
import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { assertRejects } from "@std/assert/rejects.js";
import * as core from "../../../src/core/mod.ts";
import { configureLogging } from "../../../src/log/log.ts";
import { TransferBudget } from "../../../src/net/transfer_budget.ts";
import { dumps, loads, PyByteArray, PyGlobal } from "../../../src/pickle/mod.ts";
import { ForeignPayloads, UnreadableError } from "../../../src/server/foreign_payloads.ts";
import { JOB_FORM, RESULT_FORM } from "../../../src/server/payload_forms.ts";
import {
  ACK,
  ComputeType,
  CURRENT_RELEASE,
  decodeToNode,
  dialectOf,
  encodeDiscovery,
  encodeIntAnswer,
  JobStatus,
  type MessageStream,
  type Pong,
  tagOf,
} from "../../../src/wire/mod.ts";
import { describe, pickle } from "../pickle/describe.ts";
import { ofKind } from "../wire/assertions.ts";
import { Bench, HOST } from "./bench.ts";
import { JOB, REPLY } from "./run.ts";

/** Of Python 3.8 and later, with a bytearray as only they write it. */
const OF_TODAY = pickle("\x80\x05\x96\x02\x00\x00\x00\x00\x00\x00\x00\xfe\xff.");
/** What no Python 2 has, and what cannot be a pickle at all. */
const UNKNOWN_TO_PYTHON2 = dumps(new PyGlobal("küche", "Messer"));
const MALFORMED = pickle("\x80\x05\xff");

function foreign() {
  const budget = new TransferBudget(Infinity);
  const payloads = new ForeignPayloads(budget);
  return { budget, payloads, room: payloads.share("client") };
}

Deno.test("arguments that their node reads are passed on as they are", async () => {
  const { payloads, room } = foreign();
  const job = { ...JOB, args: OF_TODAY, kwargs: dumps(null) };
  assert(await payloads.job(job, 5, room) === job);
  const ofPython2 = { ...JOB, args: pickle("\x80\x02U\x01\xff."), kwargs: pickle("\x80\x02}.") };
  assert(await payloads.job(ofPython2, 2, room) === ofPython2);
});

Deno.test("arguments that their node does not read are written anew for it", async () => {
  const { payloads, room } = foreign();
  const job = { ...JOB, args: OF_TODAY, kwargs: pickle("\x80\x02U\x01\xff.") };
  for (const protocol of [3, 4]) {
    const { args, kwargs } = await payloads.job(job, protocol, room);
    assertEquals(args[1], protocol);
    assertEquals(describe(loads(args)), describe(new PyByteArray(pickle("\xfe\xff"))));
    assertEquals(describe(loads(kwargs)), "b'ff'");
  }
  const { args, kwargs } = await payloads.job(job, 2, room);
  assertEquals(args[1], 2);
  assert(kwargs === job.kwargs);
});

Deno.test("what is written anew has its room until it was sent", async () => {
  const { budget, payloads } = foreign();
  const args = dumps(new PyByteArray(new Uint8Array(100_000))).with(1, 5);
  {
    using room = payloads.share("client");
    await payloads.job({ ...JOB, args }, 4, room);
    assert(budget.usedBytes >= args.length);
  }
  assertEquals(budget.usedBytes, 0);
});

Deno.test("what a job of Python 2 prints is text to Python 3, of a program bytes", async () => {
  const { payloads, room } = foreign();
  const printed = { ...REPLY, stdout: pickle("\xc3\xa9\xff"), stderr: "x", exception: "e" };
  const ofFunction = await payloads.reply(printed, 5, ComputeType.Function, room);
  assertEquals([ofFunction.stdout, ofFunction.stderr], ["é\ufffd", "x"]);
  const ofProgram = await payloads.reply(printed, 5, ComputeType.Program, room);
  assertEquals([ofProgram.stdout, ofProgram.stderr], [pickle("\xc3\xa9\xff"), pickle("x")]);
  assertEquals(ofProgram.exception, "e");
});

Deno.test("what cannot be written for a Python is refused with the reason", async () => {
  const { payloads, room } = foreign();
  for (const [args, protocol] of [[MALFORMED, 4], [UNKNOWN_TO_PYTHON2, 2]] as const) {
    await assertRejects(() => payloads.job({ ...JOB, args }, protocol, room), UnreadableError);
    const reply = { ...REPLY, result: args };
    const error = await assertRejects(
      () => payloads.reply(reply, protocol, ComputeType.Function, room),
      UnreadableError,
    );
    assertMatch(error.message, /result cannot be written for the client's Python, .* protocol \d/);
  }
});

/** A node of Python 2.7 that takes everything; what came. */
function nodeOfPython2(bench: Bench) {
  const messages: Uint8Array[] = [];
  const { port } = bench.listen(async (stream: MessageStream) => {
    await stream.readExactly(40);
    const message = await stream.readMessage(1 << 20);
    messages.push(message);
    await stream.writeMessage(tagOf(message) === "COMPUTE" ? encodeIntAnswer(2) : ACK);
  });
  bench.node(HOST, port, "its sign", { pickleProtocol: 2 });
  return messages;
}

Deno.test("what a node's Python reads is known from its PONG", async () => {
  configureLogging({ level: "info", format: "text", write: () => {} });
  for (const [pickleProtocol, written, said] of [[2, 2, undefined], [4, 4, undefined], [5, 4, 5]]) {
    await using bench = new Bench();
    const pong: Pong = {
      ...{ kind: "PONG", version: CURRENT_RELEASE, sign: "its sign", ipAddr: HOST, port: 9701 },
      ...{ name: "old", cpus: 2, platform: "Linux", auth: bench.context.nodeAuth },
      ...{ availInfo: null, schedulerIpAddr: HOST },
    };
    const { peer, served } = await bench.connect();
    const told = said === undefined ? pong : { ...pong, pickleProtocol: said };
    await peer.writeMessage(...encodeDiscovery(told, written));
    await served;
    assertEquals(bench.context.engine.core.nodes.get(HOST)!.info.pickleProtocol, pickleProtocol);
  }
});

async function benchWithJob(args: Uint8Array) {
  configureLogging({ level: "info", format: "text", write: () => {} });
  const bench = new Bench();
  const messages = nodeOfPython2(bench);
  const computation = bench.computation();
  await bench.nodeLink.setUp(bench.effectsOf("setUpShare")[0]!.share);
  const { engine, payloads } = bench.context;
  const kept = await payloads.keep(JOB_FORM, { ...JOB, args }, HOST);
  const payload = { kept, files: [], client: HOST, sizeBytes: args.length };
  engine.post((core_, nowMs) => {
    const job = { uid: 7, hash: JOB.hash, pinnedTo: null, payload };
    core.onJobSubmitted(core_, core.onJobOffered(core_, computation.cluster, job, nowMs), nowMs);
  });
  const { job, share } = bench.effectsOf("runJob")[0]!;
  await bench.nodeLink.run(job, share);
  return { bench, job, computation, messages };
}

Deno.test("a node of Python 2.7 is sent nothing but protocol 2", async () => {
  const { bench, messages, job } = await benchWithJob(dumps(["é", new Uint8Array([255])]));
  await using _ = bench;
  assertEquals(messages.map(tagOf), ["COMPUTE", "SETUP", "JOB"]);
  for (const message of messages) assertEquals(message[tagOf(message).length + 2], 2);
  const { compute } = ofKind(decodeToNode(messages[0]!), "COMPUTE");
  assertEquals(compute.clientReplyAddr, null, "its jobs send nothing to the client but through us");
  const sent = ofKind(decodeToNode(messages.at(-1)!), "JOB");
  assertEquals(sent.job.args[1], 2);
  assertEquals(describe(loads(sent.job.args)), "[\"é\", b'ff']");
  assertEquals(job.state, "running");
});

Deno.test("a job whose arguments its node cannot have ends with the reason", async () => {
  const { bench, job, computation } = await benchWithJob(UNKNOWN_TO_PYTHON2);
  await using _ = bench;
  assertEquals(job.state, "done");
  const [delivery] = computation.cluster.deliveries.values();
  assertEquals(delivery!.status, JobStatus.Terminated);
  assertMatch(delivery!.reason!, /cannot be run: its arguments cannot be written .* ASCII/);
});

Deno.test("a client whose Python cannot have a result hears so, and waits no longer", async () => {
  configureLogging({ level: "info", format: "text", write: () => {} });
  await using bench = new Bench();
  const ofPython2 = { ...bench.computation(), dialect: dialectOf(CURRENT_RELEASE, 2) };
  bench.context.computations.add(ofPython2);
  const link = bench.clientLinks.of(ofPython2.cluster);
  const { payloads } = bench.context;
  for (const provisional of [false, true]) {
    const status = provisional ? JobStatus.ProvisionalResult : JobStatus.Finished;
    const reply = { ...REPLY, status, result: UNKNOWN_TO_PYTHON2 };
    const kept = await payloads.keep(RESULT_FORM, reply, HOST);
    using loan = await link.lendReply({
      ...{ uid: 7, hash: "h", status, payload: kept, nodeIpAddr: HOST, reason: null },
      ...{ startTimeMs: 0 },
    } as unknown as core.Delivery);
    if (provisional) {
      await assertRejects(() => loan.read(), UnreadableError);
      continue;
    }
    const told = await loan.read();
    assertEquals(told.status, JobStatus.Terminated);
    assertMatch(String(told.exception), /has run, but its result cannot be written/);
  }
});
