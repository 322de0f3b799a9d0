/** Looking for nodes takes no more of the machine than there is. */

import { assertEquals } from "@std/assert/equals.js";
import type { UdpSockets } from "../../../src/net/udp_sockets.ts";
import { Discovery } from "../../../src/server/discovery.ts";
import { concat } from "@std/bytes/concat.js";
import { decodeNodeRequest, type MessageStream, WireError } from "../../../src/wire/mod.ts";
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

Deno.test("a client with thousands of hosts that do not answer does not keep another's node from being greeted", async () => {
  await using bench = new Bench();
  const tried: string[] = [];
  const { promise: never, reject } = Promise.withResolvers<never>();
  bench.context.nodeTransport.connect = (host) => {
    tried.push(host);
    return never;
  };
  const udp = { families: [FAMILY], send: () => Promise.resolve() } as unknown as UdpSockets;
  const discovery = new Discovery(bench.context, udp);
  const listOf = (patterns: string[]) => {
    const { cluster } = bench.computation();
    const [any] = cluster.allocations;
    cluster.allocations = patterns.map((pattern) => ({ ...any!, pattern }));
    return cluster;
  };
  const many = listOf(Array.from({ length: NAMED }, (_, n) => `192.0.2.${n}`));
  const all = [discovery.greetFor(many), discovery.greetFor(listOf(["198.51.100.1"]))];
  // What asks once more while the list is gone through adds nothing to what waits.
  for (let times = 0; times < 100; times++) all.push(discovery.greetFor(many));
  await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals([tried.length < 200, tried.includes("198.51.100.1")], [true, true]);
  reject(new WireError("connect", "nobody is there"));
  await Promise.all(all);
  assertEquals(tried.length <= 2 * NAMED + 1, true, `${tried.length}`);
});

Deno.test("a machine where nobody listens is tried once a family, one that listens with each release", async () => {
  await using bench = new Bench();
  const tried: string[] = [];
  const listening = { value: false };
  bench.context.nodeTransport.connect = () => {
    if (!listening.value) {
      tried.push("nobody");
      return Promise.reject(new WireError("connect", "nobody is there"));
    }
    return Promise.resolve({
      localAddr: { hostname: "127.0.0.1" },
      writeRequest: (_auth: Uint8Array, ...chunks: Uint8Array[]) => {
        const ping = decodeNodeRequest(concat(chunks));
        if (ping.kind === "PING") tried.push(ping.version);
        return Promise.resolve();
      },
      waitForClose: () => Promise.resolve(),
      [Symbol.dispose]: () => {},
    } as unknown as MessageStream);
  };
  const old = { nodeSide: 51347, node: 51348, clientSide: 51349 };
  const udp = { families: [old], send: () => Promise.resolve() } as unknown as UdpSockets;
  const discovery = new Discovery(bench.context, udp);
  await discovery.greetHost("192.0.2.1", 51348);
  assertEquals(tried, ["nobody"]);
  listening.value = true;
  tried.length = 0;
  await discovery.greetHost("192.0.2.1", 51348);
  assertEquals(new Set(tried).size, tried.length);
  for (const release of ["4.15.2", "4.10.6", "4.9.0", "4.6.18"]) {
    assertEquals(tried.includes(release), true, release);
  }
});
