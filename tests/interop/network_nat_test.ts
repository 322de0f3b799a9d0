/** NAT: scheduler, nodes or clients behind a gateway that forwards ports. */

import { deepStrictEqual as equal } from "node:assert/strict";
import { JobStatus } from "./harness/jobs.ts";
import { SCHEDULER } from "./harness/lab.ts";
import { type Machine, type Network, networkScenario } from "./harness/network.ts";

/** The manual's name of the option; dispy 4.15 has renamed it. */
const EXTERNAL = SCHEDULER === "ours" ? "--ext_ip_addr" : "--ext_host";

/**
 * Makes a gateway forward these ports of its first address, and hide what goes out.
 *
 * @param seenAs What goes out seems to come from this address; the first when absent.
 */
async function forwardPorts(
  net: Network,
  gateway: Machine,
  rules: readonly { readonly ports: string; readonly to: string }[],
  seenAs?: string,
): Promise<void> {
  await net.forward(gateway);
  await net.run(gateway, "nft add table ip nat");
  await net.run(gateway, "nft 'add chain ip nat in { type nat hook prerouting priority -100; }'");
  await net.run(gateway, "nft 'add chain ip nat out { type nat hook postrouting priority 100; }'");
  for (const { ports, to } of rules) {
    const match = `iifname eth0 ip daddr ${gateway.addresses[0]} ${ports}`;
    await net.run(gateway, `nft add rule ip nat in ${match} dnat to ${to}`);
  }
  const source = seenAs === undefined ? "masquerade" : `snat to ${seenAs}`;
  await net.run(gateway, `nft add rule ip nat out oifname eth0 ${source}`);
}

/** The ports that the manual names, for dispy from 4.11. */
function schedulerPorts(to: string) {
  return [{ ports: "udp dport 9700", to }, { ports: "tcp dport '{ 9700, 9702 }'", to }];
}

/** What `depends.py` must print. */
const DEPENDS_RESULTS = [0, 1, 2, 3].map((n) => [JobStatus.Finished, {
  times: 6 * n,
  doubled: 2 * n,
  words: ["one", "two", "three"],
  point: ["Point", 2 * n, 0],
}]);

networkScenario(
  "scheduler and nodes behind NAT, client outside: the manual's example",
  { tier: "core", nft: true },
  async (net) => {
    const [outside, inside] = [await net.switch(), await net.switch()];
    // No route from the client to the private network: what gets there goes through the gateway.
    const client = await net.machine("client", [[outside, "203.0.113.9/24"]]);
    const gateway = await net.machine("gateway", [
      [outside, "203.0.113.1/24"],
      [inside, "192.168.20.1/24"],
    ]);
    const route = ["default via 192.168.20.1"];
    const scheduler = await net.machine("scheduler", [[inside, "192.168.20.55/24"]], route);
    const one = await net.machine("one", [[inside, "192.168.20.61/24"]], route);
    const two = await net.machine("two", [[inside, "192.168.20.62/24"]], route);
    await forwardPorts(net, gateway, schedulerPorts("192.168.20.55"));
    await net.startScheduler(scheduler, { args: [EXTERNAL, "203.0.113.1"] });
    await net.startNode(one);
    await net.startNode(two);
    const { events } = await net.runClient(client, "depends.py", { scheduler: "203.0.113.1" });
    equal(events.map((job) => [job.status, job.result]), DEPENDS_RESULTS);
    await net.useNodes(client, "203.0.113.1", ["192.168.20.61", "192.168.20.62"]);
  },
);

networkScenario(
  "a scheduler behind NAT is announced to a node outside at its external address",
  {
    tier: "core",
    nft: true,
    referenceFails: "it announces its private address only",
  },
  async (net) => {
    const [outside, inside] = [await net.switch(), await net.switch()];
    const node = await net.machine("node", [[outside, "203.0.113.9/24"]]);
    const gateway = await net.machine("gateway", [
      [outside, "203.0.113.1/24", "203.0.113.2/24"],
      [inside, "192.168.20.1/24"],
    ]);
    const scheduler = await net.machine("scheduler", [[inside, "192.168.20.55/24"]], [
      "default via 192.168.20.1",
    ]);
    await net.startNode(node);
    // The address that the node sees does not lead back.
    await forwardPorts(net, gateway, schedulerPorts("192.168.20.55"), "203.0.113.2");
    await net.startScheduler(scheduler, {
      args: [EXTERNAL, "203.0.113.1", "-n", "203.0.113.9"],
    });
    await net.useNodes(scheduler, "192.168.20.55", ["203.0.113.9"]);
  },
);

networkScenario(
  "two external addresses stand for two of -i, by position",
  { tier: "more", nft: true, referenceFails: "it announces its private address only" },
  async (net) => {
    const [west, east] = [await net.switch(), await net.switch()];
    const [lanA, lanB] = [await net.switch(), await net.switch()];
    const nodeWest = await net.machine("west", [[west, "198.51.100.9/24"]]);
    const nodeEast = await net.machine("east", [[east, "203.0.113.9/24"]]);
    const scheduler = await net.machine("scheduler", [
      [lanA, "192.168.1.55/24"],
      [lanB, "192.168.2.55/24"],
    ], ["198.51.100.0/24 via 192.168.1.1", "203.0.113.0/24 via 192.168.2.1"]);
    for (
      const [name, out, outer, lan, inner, to] of [
        ["gw-west", west, "198.51.100", lanA, "192.168.1.1/24", "192.168.1.55"],
        ["gw-east", east, "203.0.113", lanB, "192.168.2.1/24", "192.168.2.55"],
      ] as const
    ) {
      const gateway = await net.machine(name, [
        [out, `${outer}.1/24`, `${outer}.2/24`],
        [lan, inner],
      ]);
      await forwardPorts(net, gateway, schedulerPorts(to), `${outer}.2`);
    }
    await net.startNode(nodeWest);
    await net.startNode(nodeEast);
    await net.startScheduler(scheduler, {
      addresses: ["192.168.1.55", "192.168.2.55"],
      args: [
        ...[EXTERNAL, "198.51.100.1", EXTERNAL, "203.0.113.1"],
        ...["-n", "198.51.100.9", "-n", "203.0.113.9"],
      ],
    });
    await net.useNodes(scheduler, "192.168.1.55", ["198.51.100.9", "203.0.113.9"]);
    for (const [machine, address] of [[nodeWest, "198.51.100.1"], [nodeEast, "203.0.113.1"]]) {
      await net.useNodes(machine as Machine, address as string, ["198.51.100.9", "203.0.113.9"]);
    }
  },
);

networkScenario(
  "a node behind NAT, started with --ext_host, is used at its external address",
  { tier: "core", nft: true },
  async (net) => {
    const [outside, inside] = [await net.switch(), await net.switch()];
    const scheduler = await net.machine("scheduler", [[outside, "203.0.113.9/24"]]);
    const gateway = await net.machine("gateway", [
      [outside, "203.0.113.1/24"],
      [inside, "192.168.20.1/24"],
    ]);
    const node = await net.machine("node", [[inside, "192.168.20.61/24"]], [
      "default via 192.168.20.1",
    ]);
    await forwardPorts(net, gateway, [
      { ports: "udp dport 9701", to: "192.168.20.61" },
      { ports: "tcp dport 9701", to: "192.168.20.61" },
    ]);
    await net.startNode(node, { args: ["--ext_host", "203.0.113.1"] });
    await net.startScheduler(scheduler, { args: ["-n", "203.0.113.1"] });
    await net.useNodes(scheduler, "203.0.113.9", ["203.0.113.1"]);
    const { events } = await net.runClient(scheduler, "depends.py", { scheduler: "203.0.113.9" });
    equal(events.map((job) => [job.status, job.result]), DEPENDS_RESULTS);
  },
);

networkScenario(
  "a client behind NAT gets its results at its external address",
  { tier: "core", nft: true },
  async (net) => {
    const [outside, inside] = [await net.switch(), await net.switch()];
    const scheduler = await net.machine("scheduler", [[outside, "203.0.113.9/24"]]);
    const node = await net.machine("node", [[outside, "203.0.113.10/24"]]);
    const gateway = await net.machine("gateway", [
      [outside, "203.0.113.1/24"],
      [inside, "192.168.20.1/24"],
    ]);
    const client = await net.machine("client", [[inside, "192.168.20.70/24"]], [
      "default via 192.168.20.1",
    ]);
    await forwardPorts(net, gateway, [{ ports: "tcp dport 9700", to: "192.168.20.70" }]);
    await net.startScheduler(scheduler);
    await net.startNode(node);
    const { events } = await net.runClient(client, "depends.py", {
      scheduler: "203.0.113.9",
      externalAddress: "203.0.113.1",
      port: 9700,
    });
    equal(events.map((job) => [job.status, job.result]), DEPENDS_RESULTS);
  },
);
