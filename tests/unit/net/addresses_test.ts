import { assertEquals } from "@std/assert/equals.js";
import { assertRejects } from "@std/assert/rejects.js";
import { announced, externalOf, findOwnAddresses } from "../../../src/net/addresses.ts";
import { ListenError } from "../../../src/net/listen_error.ts";

function link(
  name: string,
  address: string,
  netmask: string,
  scopeid = 0,
): Deno.NetworkInterfaceInfo {
  const common = { name, address, netmask, cidr: "", mac: "" };
  return address.includes(":")
    ? { ...common, family: "IPv6", scopeid }
    : { ...common, family: "IPv4", scopeid: null };
}

const INTERFACES = [
  link("lo", "127.0.0.1", "255.0.0.0"),
  link("lo", "::1", ""),
  link("eth0", "10.1.2.3", "255.255.0.0"),
  link("eth0", "fd00:1::3", ""),
  link("eth0", "fd00:1::4", ""),
  link("eth0", "fe80::aa", "", 2),
  link("tun0", "10.9.0.1", "255.255.255.255"),
  link("eth1", "192.168.7.200", "255.255.255.128"),
];

/** A part of a name has at most 63 characters: nobody has to be asked. */
const NO_NAME = "a".repeat(64);

const ETH0 = {
  version: 4,
  bindTo: "10.1.2.3",
  address: "10.1.2.3",
  broadcast: "10.1.255.255",
  interfaceIndex: 0,
} as const;
const ETH0_V6 = {
  version: 6,
  bindTo: "fe80::aa%eth0",
  address: "fd00:1::3",
  broadcast: null,
  interfaceIndex: 2,
} as const;

Deno.test("without -i every address but loopback and link-local is ours, with its broadcast", async () => {
  const { listenAt, known, outlets } = await findOwnAddresses([], [], INTERFACES);
  assertEquals(listenAt, []);
  assertEquals(known.map(({ address }) => address), [
    ...["10.1.2.3", "fd00:1::3", "fd00:1::4", "10.9.0.1", "192.168.7.200"],
  ]);
  assertEquals(outlets, [
    ETH0,
    ETH0_V6,
    { ...ETH0, bindTo: "10.9.0.1", address: "10.9.0.1", broadcast: null },
    { ...ETH0, bindTo: "192.168.7.200", address: "192.168.7.200", broadcast: "192.168.7.255" },
  ]);
});

Deno.test("with -i only these addresses are ours", async () => {
  const own = await findOwnAddresses(["fd00:1::3", "10.1.2.3"], [], INTERFACES);
  assertEquals(own.listenAt, ["fd00:1::3", "10.1.2.3"]);
  assertEquals(own.known.map(({ address }) => address), ["fd00:1::3", "10.1.2.3"]);
  assertEquals(own.outlets, [ETH0, ETH0_V6]);
});

Deno.test("where interfaces may not be known, -i is what is known", async () => {
  assertEquals(await findOwnAddresses([], [], null), { listenAt: [], known: [], outlets: [] });
  const { known, outlets } = await findOwnAddresses(["10.1.2.3", "fd00:1::3"], [], null);
  assertEquals(known.map(({ address }) => address), ["10.1.2.3", "fd00:1::3"]);
  assertEquals(outlets, [
    { ...ETH0, broadcast: null },
    { ...ETH0_V6, bindTo: "fd00:1::3", interfaceIndex: 0 },
  ]);
});

Deno.test("loopback has no broadcast, and is used when -i names it", async () => {
  const { outlets } = await findOwnAddresses(["127.0.0.1"], [], INTERFACES);
  assertEquals(outlets.map(({ bindTo, broadcast }) => [bindTo, broadcast]), [["127.0.0.1", null]]);
});

Deno.test("a name is looked up, IPv4 first", async () => {
  assertEquals((await findOwnAddresses(["localhost"], [], null)).listenAt, ["127.0.0.1"]);
});

Deno.test("a name that nobody knows is refused, with the option that gave it", async () => {
  for (
    const [hosts, extHosts, option] of [[[NO_NAME], [], "-i"], [
      [],
      [NO_NAME],
      "--ext_ip_addr",
    ]] as const
  ) {
    await assertRejects(
      () => findOwnAddresses(hosts, extHosts, null),
      ListenError,
      `${option} ${NO_NAME}: the name is not known`,
    );
  }
});

Deno.test("external addresses belong to those of -i by position, and are announced with them", async () => {
  const { known } = await findOwnAddresses(
    ["10.1.2.3", "192.168.7.200", "10.9.0.1"],
    ["203.0.113.1", "198.51.100.1"],
    null,
  );
  assertEquals(externalOf(known, "10.1.2.3"), "203.0.113.1");
  assertEquals(externalOf(known, "192.168.7.200"), "198.51.100.1");
  assertEquals(externalOf(known, "10.9.0.1"), "10.9.0.1");
  assertEquals(announced(known, "192.168.7.200"), [
    ...["192.168.7.200", "198.51.100.1", "10.1.2.3", "203.0.113.1", "10.9.0.1"],
  ]);
});

Deno.test("an external address without -i is announced, whatever else is known", async () => {
  assertEquals(announced((await findOwnAddresses([], ["203.0.113.1"], null)).known), [
    "203.0.113.1",
  ]);
  const { known } = await findOwnAddresses([], ["203.0.113.1"], INTERFACES.slice(0, 3));
  assertEquals(announced(known), ["10.1.2.3", "203.0.113.1"]);
});

Deno.test("a greeting never tells more addresses than a node reads, and the nearest always", () => {
  const known = Array.from({ length: 40 }, (_, n) => ({
    address: `fd00:1111:2222:3333:4444:5555:6666:${1000 + n}`,
    external: null,
  }));
  const told = announced(known, known[39]?.address);
  assertEquals(told[0], known[39]?.address);
  assertEquals(told.length, 16);
});
