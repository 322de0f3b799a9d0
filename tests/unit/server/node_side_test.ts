/** What may come to the node port is let do no more than it should. */

import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { assertRejects } from "@std/assert/rejects.js";
import { delay } from "@std/async/delay.js";
import { onNodeTerminated } from "../../../src/core/mod.ts";
import {
  encodeBareJobReply,
  encodeNodeRequest,
  type JobReply,
  JobStatus,
  type NodePing,
  type Pong,
  WireError,
  type XferFile,
} from "../../../src/wire/mod.ts";
import { Bench, FAMILY, HOST, SIGN } from "./bench.ts";

const NODE_SIGN = "7".repeat(40);

function ping(port: number, sign: string): NodePing {
  return {
    ...{ kind: "PING", from: "node", version: "4.15.2", sign },
    ...{ ipAddr: HOST, port, schedulerIpAddr: null },
  };
}

/** The proof that whoever greets with `sign` gets, or `null` where it gets none. */
async function proofFor(bench: Bench, sign: string, waitMs = 200): Promise<string | null> {
  const heard = Promise.withResolvers<string>();
  const { port } = bench.listen(async (stream) => {
    heard.resolve(new TextDecoder().decode(await stream.readExactly(40)));
  });
  bench.nodeSide.serveDatagram(ping(port, sign), FAMILY, HOST);
  const late = new AbortController();
  const nothing = delay(waitMs, { signal: late.signal }).then(() => null, () => null);
  return await Promise.race([heard.promise, nothing]).finally(() => late.abort());
}

Deno.test("a node that is not known gets a proof of the node secret, made for its own sign", async () => {
  await using bench = new Bench();
  assertEquals((await proofFor(bench, NODE_SIGN, 20_000))?.length, 40);
});

Deno.test("nobody gets the proof that would make it a node, by greeting with the scheduler's sign", async () => {
  await using bench = new Bench();
  assertEquals(await proofFor(bench, SIGN), null);
});

Deno.test("nobody gets the proof that lets it in at a node, by greeting with that node's sign", async () => {
  await using bench = new Bench();
  bench.node("127.0.0.7", 9701, NODE_SIGN);
  assertEquals(await proofFor(bench, NODE_SIGN), null);
});

Deno.test("a greeting makes us connect to a machine a few times, however often it is repeated", async () => {
  await using bench = new Bench();
  let connections = 0;
  const { port } = bench.listen(async (stream) => {
    connections++;
    await stream.readMessage(0);
  });
  const startMs = performance.now();
  for (let round = 0; round < 300; round++) {
    const before = connections;
    bench.nodeSide.serveDatagram(ping(port, round.toString(16).padStart(40, "a")), FAMILY, HOST);
    for (let wait = 0; connections === before && wait < 3; wait++) await delay(1);
  }
  await delay(100);
  // 64, and two for each second that this has taken.
  const most = 64 + 2 * (performance.now() - startMs) / 1000;
  assertEquals(connections > 0 && connections <= most, true, `${connections} connections`);
});

const FILE: XferFile = {
  ...{ name: "/tmp/out", destPath: "", computeId: null, sep: "/", extra: null },
  stat: { sizeBytes: 1, mode: 0o100600, atimeS: 1, mtimeS: 1, original: null },
};

const REPLY: JobReply = {
  ...{ uid: 1, hash: "hash", ipAddr: HOST, status: JobStatus.ProvisionalResult },
  ...{ result: new Uint8Array(200_000), stdout: null, stderr: null, exception: null },
  ...{ startTimeS: 1, endTimeS: 2, cpus: null, extra: null },
};

Deno.test("a job's file with a huge name does not hold up others for ever", async () => {
  await using bench = new Bench({ receivingBytes: 400_000 });
  bench.computation();
  bench.node(HOST, 9701);
  const { peer, served } = await bench.connect();
  const file = { ...FILE, name: "x".repeat(150_000) };
  await peer.writeMessage(...encodeNodeRequest({ kind: "FILEXFER", file }));
  await peer.writeMessage(...encodeBareJobReply(REPLY)).catch(() => {});
  const ended = await Promise.race([
    served.then(() => "served", (error) => error instanceof WireError ? error.kind : "error"),
    delay(2_000).then(() => "stuck"),
  ]);
  assertEquals(ended, "too_large");
  assertEquals(bench.context.receiving.nodes.usedBytes, 0);
  await assertRejects(() => served, WireError, "the limit is 65536");
});

Deno.test("from a machine whose node has no computation of ours nothing long is taken", async () => {
  for (const isUsed of [false, true]) {
    await using bench = new Bench();
    if (isUsed) bench.computation();
    bench.node(HOST, 9701);
    const { peer, served } = await bench.connect();
    await peer.writeMessage(...encodeNodeRequest({ kind: "JOB_REPLY", reply: REPLY }))
      .catch(() => {});
    const ended = served.then(() => "served", (error: Error) => error.message);
    assertMatch(
      await ended,
      isUsed ? /^served$/ : /announced a message of \d+ bytes; the limit is 16384/,
    );
  }
});

Deno.test("a greeting is short, also that of a node that is known and used", async () => {
  await using bench = new Bench();
  bench.computation();
  bench.node(HOST, 9701);
  const { peer, served } = await bench.connect();
  const name = new TextEncoder().encode(`PONG:${"n".repeat(1_000_000)}`);
  await peer.writeMessage(name).catch(() => {});
  await assertRejects(() => served, WireError, "the limit is 16384");
});

Deno.test("one address does not announce nodes without end, and others still find room", async () => {
  await using bench = new Bench({ memoryBudgetBytes: 2 * 1024 * 1024 });
  const announce = (at: number, from: string) => {
    const answer: Pong = {
      ...{ kind: "PONG", version: "4.15.2", sign: `${at}`.padStart(40, "0"), port: 9701, cpus: 2 },
      ...{ ipAddr: `10.1.${at >> 8}.${at & 255}`, name: "n".repeat(500), platform: "Linux" },
      ...{ auth: bench.context.nodeAuth, availInfo: null, schedulerIpAddr: HOST },
    };
    bench.nodeSide.serveDatagram(answer, FAMILY, from);
    return nodesOf(bench).length;
  };
  let nodes = 0;
  for (let at = 0; at < 200; at++) nodes = announce(at, "10.9.9.9");
  assertEquals(nodes > 5 && nodes < 20, true, `${nodes} nodes`);
  assertEquals(announce(1000, "10.9.9.8"), nodes + 1);
  // One that is known already may say more of itself at any time.
  assertEquals(announce(0, "10.9.9.9"), nodes + 1);
});

const MARK = "8".repeat(40);

/** The node with the sign `sign` answers a greeting, and says that it is at `ipAddr`. */
function pong(bench: Bench, ipAddr: string, sign = NODE_SIGN): void {
  const answer: Pong = {
    ...{ kind: "PONG", version: "4.15.2", sign, ipAddr, port: 9701, name: "node", cpus: 2 },
    ...{ platform: "Linux", auth: bench.context.nodeAuth, availInfo: null, schedulerIpAddr: HOST },
  };
  bench.nodeSide.serveDatagram(answer, FAMILY, ipAddr);
}

/** The addresses of the nodes there are. */
function nodesOf(bench: Bench): string[] {
  return [...bench.context.engine.core.nodes.keys()];
}

Deno.test("a node that is reached by two addresses of its own counts once", async () => {
  await using bench = new Bench();
  pong(bench, "127.1.0.2");
  pong(bench, "127.2.0.2");
  pong(bench, "127.1.0.2");
  assertEquals(nodesOf(bench), ["127.1.0.2"]);
  bench.computation();
  assertEquals(bench.effectsOf("setUpShare").map(({ share }) => share.node.ipAddr), ["127.1.0.2"]);
});

Deno.test("two nodes with the same name are two, as they have two signs", async () => {
  await using bench = new Bench();
  pong(bench, "127.1.0.2");
  pong(bench, "127.2.0.2", MARK);
  assertEquals(nodesOf(bench), ["127.1.0.2", "127.2.0.2"]);
});

Deno.test("a node whose entry was lost is taken at its other address", async () => {
  await using bench = new Bench();
  const { engine } = bench.context;
  pong(bench, "127.1.0.2");
  engine.post((core, nowMs) => onNodeTerminated(core, core.nodes.get("127.1.0.2")!, nowMs));
  pong(bench, "127.2.0.2");
  assertEquals(nodesOf(bench), ["127.2.0.2"]);
});
