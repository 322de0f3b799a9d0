/** Nodes that were given up are come back to, but not as often as anybody likes. */

import { assertEquals } from "@std/assert/equals.js";
import { delay } from "@std/async/delay.js";
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
