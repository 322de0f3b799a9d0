import { assertEquals } from "@std/assert/equals.js";
import { assertThrows } from "@std/assert/throws.js";
import { delay } from "@std/async/delay.js";
import { configureLogging } from "../../../src/log/log.ts";
import type { OwnAddresses } from "../../../src/net/addresses.ts";
import { ListenError } from "../../../src/net/listen_error.ts";
import { groupsAt, type PortFamily } from "../../../src/net/port_family.ts";
import { UdpSockets } from "../../../src/net/udp_sockets.ts";

const NOTHING_KNOWN: OwnAddresses = { listenAt: [], known: [], outlets: [] };

/** A family whose node side port is free at this moment. */
function freeFamily(): PortFamily {
  const probe = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = probe.addr as Deno.NetAddr;
  probe.close();
  return { nodeSide: port, node: port, clientSide: port };
}

const hasIpv6 = (() => {
  try {
    Deno.listenDatagram({ transport: "udp", hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
})();

for (const [address, ignore] of [["127.0.0.1", false], ["::1", !hasIpv6]] as const) {
  Deno.test({
    name: `a datagram to ${address} comes in once, from the address as dispy writes it`,
    ignore,
    fn: async () => {
      const sockets = new UdpSockets(NOTHING_KNOWN, false);
      const family = freeFamily();
      const heard: string[] = [];
      const last = Promise.withResolvers<void>();
      sockets.open(family, (datagram, from) => {
        heard.push(`${from} ${new TextDecoder().decode(datagram)}`);
        if (datagram.length === 3) last.resolve();
      });
      try {
        const texts = ["a", "b", "end"].map((text) => new TextEncoder().encode(text));
        await sockets.send(family, address, family.nodeSide, texts);
        await last.promise;
        assertEquals(heard, [`${address} a`, `${address} b`, `${address} end`]);
      } finally {
        sockets.close();
      }
    },
  });
}

Deno.test("each family has the multicast groups of its releases; a port of nobody's has all", () => {
  assertEquals(groupsAt(9700), groupsAt(61590));
  assertEquals(groupsAt(51347).v4, ["239.255.51.34"]);
  assertEquals(groupsAt(51348), groupsAt(51347));
  assertEquals(groupsAt(7000), {
    v4: [...groupsAt(51347).v4, ...groupsAt(9700).v4],
    v6: [...groupsAt(51347).v6, ...groupsAt(9700).v6],
  });
});

Deno.test("an address that is not ours cannot be sent from, which ends nothing", async () => {
  const outlet = {
    version: 4,
    bindTo: "192.0.2.1",
    address: "192.0.2.1",
    broadcast: null,
    interfaceIndex: 0,
  } as const;
  const addresses = { listenAt: ["192.0.2.1"], known: [], outlets: [outlet] };
  const sockets = new UdpSockets(addresses, true);
  const family = freeFamily();
  sockets.open(family, () => {});
  try {
    await sockets.joinGroups();
    // To nobody: no datagram is made, so none leaves this machine.
    await sockets.announce(family, family.node, () => []);
  } finally {
    sockets.close();
  }
});

Deno.test("a port that another program holds is refused in plain words", () => {
  const holder = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  const { port } = holder.addr as Deno.NetAddr;
  const sockets = new UdpSockets(NOTHING_KNOWN, false);
  try {
    assertThrows(
      () => sockets.open({ nodeSide: port, node: port, clientSide: port }, () => {}),
      ListenError,
      `UDP port ${port} is taken by another program; stop it or choose others with -p`,
    );
    assertEquals(sockets.families, []);
  } finally {
    sockets.close();
    holder.close();
  }
});

Deno.test("a socket from which nothing can be received does not keep the process busy", async () => {
  const listenDatagram = Deno.listenDatagram;
  const lines: string[] = [];
  configureLogging({ level: "info", format: "text", write: (line) => void lines.push(line) });
  let attempts = 0;
  Deno.listenDatagram =
    ((options: Deno.UdpListenOptions & { transport: "udp" }) =>
      Object.assign(listenDatagram(options), {
        receive: () => {
          attempts++;
          return Promise.reject(new Error("Network is down (os error 100)"));
        },
      })) as unknown as typeof listenDatagram;
  const sockets = new UdpSockets({ ...NOTHING_KNOWN, listenAt: ["127.0.0.1"] }, false);
  try {
    sockets.open(freeFamily(), () => {});
    await delay(350);
    assertEquals(attempts >= 2 && attempts <= 5, true, `${attempts} attempts`);
    assertEquals(lines.length, 1);
  } finally {
    Deno.listenDatagram = listenDatagram;
    sockets.close();
    await delay(110);
    configureLogging({ level: "error", format: "text", write: () => {} });
  }
});
