/** Looking for nodes takes no more of the machine than there is. */

import { assertEquals } from "@std/assert/equals.js";
import type { UdpSockets } from "../../../src/net/udp_sockets.ts";
import { Discovery } from "../../../src/server/discovery.ts";
import { WireError } from "../../../src/wire/mod.ts";
import { Bench, FAMILY } from "./bench.ts";

const NAMED = 2_000;

Deno.test("a client may name many nodes; they are not all connected to at once", async () => {
  await using bench = new Bench();
  let open = 0;
  let most = 0;
  let all = 0;
  bench.context.nodeTransport.connect = async () => {
    all++;
    most = Math.max(most, ++open);
    await new Promise((resolve) => setTimeout(resolve, 1));
    open--;
    throw new WireError("connect", "nobody is there");
  };
  const udp = { families: [FAMILY], send: () => Promise.resolve() } as unknown as UdpSockets;
  const { cluster } = bench.computation();
  const [any] = cluster.allocations;
  cluster.allocations = Array.from(
    { length: NAMED },
    (_, n) => ({ ...any!, pattern: `192.0.2.${n}` }),
  );
  await new Discovery(bench.context, udp).greetFor(cluster);
  assertEquals(all, NAMED);
  assertEquals(most <= 256, true, `${most} connections at a time`);
});
