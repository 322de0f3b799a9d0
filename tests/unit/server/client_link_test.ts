/** What a client is told, whatever it does. */

import { assertEquals } from "@std/assert/equals.js";
import { ClientLink } from "../../../src/server/client_link.ts";
import { delay } from "@std/async/delay.js";
import { Bench, HOST } from "./bench.ts";

/** As many connections to a client as there are at a time. */
const LANES = 16;

Deno.test("news of nodes do not pile up for a client that is stopped", async () => {
  await using bench = new Bench();
  const goesOn = Promise.withResolvers<void>();
  let heard = 0;
  const { port } = bench.listen(async (stream) => {
    await goesOn.promise;
    if ((await stream.readMessage(1 << 20)).length > 0) heard++;
  });
  bench.node(HOST, 1);
  const computation = bench.computation(port);
  const { share } = bench.effectsOf("setUpShare")[0]!;
  const link = new ClientLink(bench.context, computation);
  for (let round = 0; round < 500; round++) {
    link.tellNodeStatus(share, "stats");
    await Promise.resolve();
  }
  goesOn.resolve();
  await bench.until("the client has heard something", () => heard > 0);
  for (let before = -1; before !== heard;) {
    before = heard;
    await delay(100);
  }
  assertEquals(heard >= 1 && heard <= LANES + 1, true, `${heard} messages`);
});
