/** What is claimed of a node is asked of the node before anything is given up. */

import { assertEquals } from "@std/assert/equals.js";
import { equals as equalBytes } from "@std/bytes/equals.js";
import * as core from "../../../src/core/mod.ts";
import {
  authCode,
  decodeDiscovery,
  encodeUidsAnswer,
  type MessageStream,
  type Pong,
  tagOf,
} from "../../../src/wire/mod.ts";
import { Bench, FAMILY, HOST, SIGN } from "./bench.ts";

const SECRET = "node secret";
const NODE_SIGN = "7".repeat(40);
const OTHER_SIGN = "8".repeat(40);
const STRANGER = "127.0.0.99";

/** What a node says of itself to a scheduler of this sign. */
function pong(port: number, sign: string, changes: Partial<Pong> = {}, to = SIGN): Pong {
  return {
    ...{ kind: "PONG", version: "4.15.2", sign, ipAddr: HOST, port, name: "node", cpus: 2 },
    ...{ platform: "Linux", auth: authCode(SECRET, to), availInfo: null, schedulerIpAddr: HOST },
    ...changes,
  };
}

/** A process that behaves as a dispynode: it answers greetings while it serves nobody. */
class Process {
  greetings = 0;
  questions = 0;
  readonly port: number;
  readonly #listeners;

  constructor(
    bench: Bench,
    readonly sign: string,
    /** Whether it serves us, and so answers no greetings. */
    public isServing = false,
    readonly changes: Partial<Pong> = {},
    /** It listens at one port of each. */
    addresses: readonly string[] = [HOST],
  ) {
    const serve = async (stream: MessageStream) => {
      const auth = await stream.readExactly(40);
      const message = await stream.readMessage(1 << 16);
      if (tagOf(message) === "PING") return this.#greeted(bench, message);
      this.questions++;
      // A wrong proof is met with silence.
      if (!this.isServing || !equalBytes(auth, authCode(SECRET, sign))) return;
      await stream.writeMessage(encodeUidsAnswer([]));
    };
    let port = 0;
    this.#listeners = addresses.map((hostname) => {
      const listener = bench.listen(serve, { hostname, port });
      port = listener.port;
      return listener;
    });
    this.port = port;
  }

  end(): void {
    for (const listener of this.#listeners) listener.close();
  }

  #greeted(bench: Bench, message: Uint8Array): void {
    this.greetings++;
    const greeting = decodeDiscovery(message);
    if (this.isServing || greeting.kind !== "PING" || greeting.from !== "scheduler") return;
    const ipAddr = greeting.nodeIpAddr ?? HOST;
    const answer = pong(this.port, this.sign, { ipAddr, ...this.changes }, greeting.sign);
    bench.nodeSide.serveDatagram(answer, FAMILY, HOST);
  }
}

/** Waits until nothing is asked any more. */
async function settled(bench: Bench): Promise<void> {
  await bench.until("claims are settled", () => bench.nodeClaims.asking === 0);
}

/** The only node's sign, CPUs and whether a job of ours runs there. */
function known(bench: Bench): [string, number, number] | null {
  const node = bench.context.engine.core.nodes.get(HOST);
  return node === undefined ? null : [node.info.sign, node.cpus, node.busy];
}

/** A node that serves a computation with a running job. */
async function busyNode(bench: Bench): Promise<Process> {
  const process = new Process(bench, NODE_SIGN);
  bench.node(HOST, process.port, NODE_SIGN);
  process.isServing = true;
  const { cluster } = bench.computation();
  const { share } = bench.effectsOf("setUpShare")[0]!;
  const { engine } = bench.context;
  engine.post((core_, nowMs) => {
    core.onShareReady(core_, share, 2, nowMs);
    const request = { uid: 179, hash: "hash", pinnedTo: null, payload: null };
    core.onJobSubmitted(core_, core.onJobOffered(core_, cluster, request, nowMs), nowMs);
    core.onJobStarted(core_, core_.jobs.get(179)!, share, nowMs);
  });
  await Promise.resolve();
  assertEquals(known(bench), [NODE_SIGN, 2, 1]);
  return process;
}

Deno.test("a stranger's word that a node with jobs was restarted costs it nothing: it is asked", async () => {
  await using bench = new Bench();
  const process = await busyNode(bench);
  for (const port of [process.port, 1]) {
    bench.nodeSide.serveDatagram(pong(port, OTHER_SIGN), FAMILY, STRANGER);
    await settled(bench);
  }
  assertEquals(known(bench), [NODE_SIGN, 2, 1]);
  assertEquals(process.questions, 2);
});

Deno.test("a stranger's word that an idle node was restarted costs it nothing: it is greeted", async () => {
  await using bench = new Bench();
  const process = new Process(bench, NODE_SIGN);
  bench.node(HOST, process.port, NODE_SIGN);
  bench.nodeSide.serveDatagram(pong(process.port, OTHER_SIGN), FAMILY, STRANGER);
  await settled(bench);
  assertEquals([known(bench), process.greetings], [[NODE_SIGN, 2, 0], 1]);
});

Deno.test("a node that was restarted is known by its new sign at once, and its jobs are given up", async () => {
  await using bench = new Bench();
  const former = await busyNode(bench);
  former.end();
  const process = new Process(bench, OTHER_SIGN);
  bench.nodeSide.serveDatagram(pong(process.port, OTHER_SIGN), FAMILY, HOST);
  await settled(bench);
  assertEquals(known(bench), [OTHER_SIGN, 2, 0]);
  assertEquals(bench.effectsOf("forgetNode").map(({ reason }) => reason), ["it was restarted"]);
});

Deno.test("one that only says to be a restarted node, and is not at its address, is not taken for it", async () => {
  await using bench = new Bench();
  const former = await busyNode(bench);
  former.end();
  // Nobody answers under the new sign at the node's address.
  bench.nodeSide.serveDatagram(pong(former.port, OTHER_SIGN), FAMILY, STRANGER);
  await settled(bench);
  // It has vanished, as those find that ask every silent node.
  assertEquals(known(bench), null);
  assertEquals(bench.effectsOf("forgetNode").map(({ reason }) => reason), ["it has vanished"]);
});

Deno.test("a second node at the address of one that we have does not take its place", async () => {
  await using bench = new Bench();
  const first = new Process(bench, NODE_SIGN);
  bench.node(HOST, first.port, NODE_SIGN);
  const second = new Process(bench, OTHER_SIGN);
  bench.nodeSide.serveDatagram(pong(second.port, OTHER_SIGN), FAMILY, HOST);
  await settled(bench);
  assertEquals([known(bench), second.greetings], [[NODE_SIGN, 2, 0], 0]);
});

Deno.test("a node's sign at the address of another does not drive that one out", async () => {
  await using bench = new Bench();
  const process = new Process(bench, NODE_SIGN);
  bench.node(HOST, process.port, NODE_SIGN);
  bench.node("127.0.0.7", 9701, OTHER_SIGN);
  bench.nodeSide.serveDatagram(pong(process.port, OTHER_SIGN), FAMILY, STRANGER);
  await settled(bench);
  assertEquals(known(bench), [NODE_SIGN, 2, 0]);
  assertEquals(bench.context.engine.core.nodes.size, 2);
});

Deno.test("a farewell in the name of a node that is there changes nothing, idle or not", async () => {
  for (const isBusy of [true, false]) {
    await using bench = new Bench();
    const process = isBusy ? await busyNode(bench) : new Process(bench, NODE_SIGN);
    if (!isBusy) bench.node(HOST, process.port, NODE_SIGN);
    const { port } = process;
    const farewell = { kind: "TERMINATED", ipAddr: HOST, port, sign: NODE_SIGN } as const;
    bench.nodeSide.serveDatagram(farewell, FAMILY, STRANGER);
    await settled(bench);
    assertEquals(known(bench), [NODE_SIGN, 2, isBusy ? 1 : 0]);
  }
});

Deno.test("a node that has said farewell and is gone is given up", async () => {
  await using bench = new Bench();
  const process = await busyNode(bench);
  process.end();
  const farewell = {
    kind: "TERMINATED",
    ipAddr: HOST,
    port: process.port,
    sign: NODE_SIGN,
  } as const;
  bench.nodeSide.serveDatagram(farewell, FAMILY, HOST);
  await settled(bench);
  assertEquals(known(bench), null);
  assertEquals(bench.effectsOf("forgetNode").map(({ reason }) => reason), ["it has ended"]);
});

Deno.test("a datagram does not change how many CPUs a node has; what it says itself does", async () => {
  await using bench = new Bench();
  const process = new Process(bench, NODE_SIGN, false, { cpus: 3 });
  bench.node(HOST, process.port, NODE_SIGN);
  const claim = { kind: "NODE_CPUS", ipAddr: HOST, sign: NODE_SIGN, cpus: 0 } as const;
  bench.nodeSide.serveDatagram(claim, FAMILY, STRANGER);
  await settled(bench);
  assertEquals(known(bench), [NODE_SIGN, 3, 0]);
  process.isServing = true;
  bench.computation();
  bench.nodeSide.serveDatagram(claim, FAMILY, STRANGER);
  await settled(bench);
  assertEquals(known(bench), [NODE_SIGN, 3, 0]);
});

Deno.test("an answer that carries the proof of another question, or another address, is none", async () => {
  await using bench = new Bench();
  const process = new Process(bench, OTHER_SIGN, false, { ipAddr: "127.0.0.7" });
  bench.node(HOST, process.port, NODE_SIGN);
  bench.nodeSide.serveDatagram(pong(process.port, OTHER_SIGN), FAMILY, STRANGER);
  await bench.until("it was greeted", () => process.greetings > 0);
  const replayed = authCode(SECRET, "0".repeat(40));
  bench.nodeSide.serveDatagram(pong(process.port, OTHER_SIGN, { auth: replayed }), FAMILY, HOST);
  await settled(bench);
  assertEquals(known(bench)?.[0], NODE_SIGN);
});

Deno.test("however often a node is spoken of, it is asked a few times only", async () => {
  await using bench = new Bench();
  const process = await busyNode(bench);
  for (let round = 0; round < 40; round++) {
    bench.nodeSide.serveDatagram(pong(process.port, OTHER_SIGN), FAMILY, STRANGER);
    await settled(bench);
  }
  // A burst, and what the time that this takes allows.
  assertEquals(process.questions > 0 && process.questions < 30, true, `${process.questions}`);
  assertEquals(known(bench), [NODE_SIGN, 2, 1]);
});

const ADDRESSES = ["127.1.0.2", "127.2.0.2"] as const;

/** Takes a node for found at both of its addresses; they count as one. */
function foundTwice(bench: Bench, process: Process): void {
  for (const ipAddr of ADDRESSES) {
    const answer = pong(process.port, process.sign, { ipAddr });
    bench.nodeSide.serveDatagram(answer, FAMILY, ipAddr);
  }
}

Deno.test("a node with two addresses that was restarted counts once, too", async () => {
  await using bench = new Bench();
  const former = new Process(bench, NODE_SIGN, false, {}, ADDRESSES);
  foundTwice(bench, former);
  former.end();
  const process = new Process(bench, OTHER_SIGN, false, {}, ADDRESSES);
  foundTwice(bench, process);
  await settled(bench);
  foundTwice(bench, process);
  await settled(bench);
  const nodes = [...bench.context.engine.core.nodes.values()];
  assertEquals(nodes.map(({ info }) => info.sign), [OTHER_SIGN]);
});

Deno.test("a node that says farewell by its other address has gone", async () => {
  await using bench = new Bench();
  const process = new Process(bench, NODE_SIGN, false, {}, ADDRESSES);
  foundTwice(bench, process);
  process.end();
  const { port } = process;
  const farewell = { kind: "TERMINATED", ipAddr: ADDRESSES[1], port, sign: NODE_SIGN } as const;
  bench.nodeSide.serveDatagram({ ...farewell, sign: OTHER_SIGN }, FAMILY, ADDRESSES[1]);
  assertEquals(bench.nodeClaims.asking, 0);
  bench.nodeSide.serveDatagram(farewell, FAMILY, ADDRESSES[1]);
  await settled(bench);
  assertEquals(bench.context.engine.core.nodes.size, 0);
});
