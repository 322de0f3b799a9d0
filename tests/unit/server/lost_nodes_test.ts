/** Nodes that were given up are come back to, but not as often as anybody likes. */

import { assertEquals } from "@std/assert/equals.js";
import { delay } from "@std/async/delay.js";
import * as core from "../../../src/core/mod.ts";
import { LostNodes } from "../../../src/server/lost_nodes.ts";
import { ACK, encodeIntAnswer, type MessageStream, tagOf } from "../../../src/wire/mod.ts";
import { Bench, HOST } from "./bench.ts";

Deno.test("who says that a lost node lives has us connect to it only now and then", async () => {
  await using bench = new Bench();
  let visits = 0;
  const { port } = bench.listen(() => {
    visits++;
    return new Promise(() => {});
  });
  const node = bench.node(HOST, port);
  bench.computation();
  bench.lostNodes.add(node, [...node.shares.values()]);
  bench.context.engine.core.nodes.delete(HOST);
  for (let round = 0; round < 100; round++) {
    bench.lostNodes.onSignOfLife(HOST);
    await delay(10);
  }
  assertEquals(visits <= 1, true, `${visits} visits`);
});

Deno.test("a node found again while what it has of ours is closed is set up after that, and nothing more is closed", async () => {
  await using bench = new Bench();
  const tags: string[] = [];
  const [closeCame, mayClose] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { port } = bench.listen(async (stream: MessageStream) => {
    await stream.readExactly(40);
    const tag = tagOf(await stream.readMessage(1 << 20));
    tags.push(tag);
    if (tag === "CLOSE") {
      closeCame.resolve();
      await mayClose.promise;
      tags.push("closed");
    }
    const hasNumber = tag === "COMPUTE" || tag === "RESEND_JOB_RESULTS";
    await stream.writeMessage(hasNumber ? encodeIntAnswer(2) : ACK);
  });
  const node = bench.node(HOST, port);
  bench.computation();
  bench.computation();
  const shares = [...node.shares.values()];
  bench.context.engine.post((core_, nowMs) => core.onNodeTerminated(core_, node, nowMs));
  const lostNodes = new LostNodes(bench.context, bench.nodeLink, bench.discovery, 1);
  try {
    lostNodes.add(node, shares);
    await closeCame.promise;
    bench.node(HOST, port);
    const again = bench.effectsOf("setUpShare").at(-2)!.share;
    assertEquals(again.cluster, shares[0]!.cluster);
    const setUp = bench.nodeLink.setUp(again);
    // Whatever comes at the same time as the close has come now.
    await bench.nodeLink.resendResults(again);
    mayClose.resolve();
    await setUp;
    await delay(10);
    assertEquals(tags, ["CLOSE", "RESEND_JOB_RESULTS", "closed", "COMPUTE", "SETUP"]);
  } finally {
    lostNodes.close();
  }
});
