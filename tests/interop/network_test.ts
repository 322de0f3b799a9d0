/** How scheduler and nodes find each other in real networks: several subnets and interfaces. */

import { SCHEDULER, SCHEDULER_PERMISSIONS } from "./harness/lab.ts";
import { networkScenario } from "./harness/network.ts";

networkScenario(
  "nodes started before and after the scheduler are found by broadcast",
  { tier: "core", nft: true },
  async (net) => {
    const lan = await net.switch();
    const scheduler = await net.machine("scheduler", [[lan, "10.1.0.1/24"]]);
    const before = await net.machine("before", [[lan, "10.1.0.2/24"]]);
    const after = await net.machine("after", [[lan, "10.1.0.3/24"]]);
    const client = await net.machine("client", [[lan, "10.1.0.9/24"]]);
    await net.startNode(before, { mute: true });
    const process = await net.startScheduler(scheduler);
    await net.untilFound(process, "10.1.0.2");
    await net.startNode(after);
    await net.untilFound(process, "10.1.0.3");
    await net.useNodes(client, "10.1.0.1", ["10.1.0.2", "10.1.0.3"]);
  },
);

for (
  const [what, addresses] of [
    ["all interfaces, none of them named", []],
    ["two interfaces named by -i", ["10.1.0.1", "10.2.0.1"]],
  ] as const
) {
  for (const netifaces of [false, true]) {
    networkScenario(
      `a broadcast goes out by ${what}, to nodes ${netifaces ? "with" : "without"} netifaces`,
      {
        tier: netifaces ? "more" : "core",
        nft: true,
        ...(addresses.length === 0
          ? { referenceFails: "without -i it needs a host name that stands for an address" }
          : netifaces
          ? { referenceFails: "its broadcast is not the one that such nodes listen for" }
          : {}),
      },
      async (net) => {
        const [left, right] = [await net.switch(), await net.switch()];
        const scheduler = await net.machine("scheduler", [
          [left, "10.1.0.1/24"],
          [right, "10.2.0.1/24"],
        ]);
        const one = await net.machine("one", [[left, "10.1.0.2/24"]]);
        const two = await net.machine("two", [[right, "10.2.0.2/24"]]);
        await net.startNode(one, { netifaces, mute: true });
        await net.startNode(two, { netifaces, mute: true });
        const process = await net.startScheduler(scheduler, { addresses });
        await net.untilFound(process, "10.1.0.2", "10.2.0.2");
        const client = await net.machine("client", [[right, "10.2.0.9/24"]]);
        await net.useNodes(client, "10.2.0.1", ["10.1.0.2", "10.2.0.2"]);
      },
    );
  }
}

// The original runs with all permissions.
if (SCHEDULER === "ours") {
  networkScenario(
    "without permission to see the interfaces, nodes of the first network are found by broadcast",
    {
      tier: "more",
      nft: true,
    },
    async (net) => {
      const lan = await net.switch();
      const scheduler = await net.machine("scheduler", [[lan, "10.1.0.1/24"]], [
        "default via 10.1.0.254",
      ]);
      const node = await net.machine("node", [[lan, "10.1.0.2/24"]]);
      await net.startNode(node, { mute: true });
      const process = await net.startScheduler(scheduler, {
        addresses: [],
        permissions: SCHEDULER_PERMISSIONS.filter((flag) => flag !== "--allow-sys"),
      });
      await net.untilFound(process, "10.1.0.2");
      await net.useNodes(node, "10.1.0.1", ["10.1.0.2"]);
    },
  );
}

networkScenario(
  "a node whose pings were lost is found by --ping_interval",
  { tier: "core", nft: true },
  async (net) => {
    const lan = await net.switch();
    const scheduler = await net.machine("scheduler", [[lan, "10.1.0.1/24"]]);
    const node = await net.machine("node", [[lan, "10.1.0.2/24"]]);
    const client = await net.machine("client", [[lan, "10.1.0.9/24"]]);
    await net.run(node, "nft add table ip lossy");
    await net.run(node, "nft 'add chain ip lossy in { type filter hook input priority 0; }'");
    await net.run(node, "nft add rule ip lossy in udp dport 9701 counter drop");
    await net.startNode(node, { mute: true });
    const process = await net.startScheduler(scheduler, { args: ["--ping_interval", "1"] });
    await net.lab.until(
      "two pings were lost",
      async () => {
        const rules = await net.run(node, "nft list chain ip lossy in");
        return Number(/packets (\d+)/.exec(rules)?.[1]) >= 2;
      },
    );
    await net.run(node, "nft delete table ip lossy");
    await net.untilFound(process, "10.1.0.2");
    await net.useNodes(client, "10.1.0.1", ["10.1.0.2"]);
  },
);

networkScenario(
  "a node in another subnet is used when -n names it",
  { tier: "core", nft: true },
  async (net) => {
    const [here, there] = [await net.switch(), await net.switch()];
    const scheduler = await net.machine("scheduler", [[here, "10.1.0.1/24"]], [
      "default via 10.1.0.254",
    ]);
    const router = await net.machine("router", [
      [here, "10.1.0.254/24"],
      [there, "10.2.0.254/24"],
    ]);
    await net.forward(router);
    const node = await net.machine("node", [[there, "10.2.0.2/24"]], ["default via 10.2.0.254"]);
    const client = await net.machine("client", [[here, "10.1.0.9/24"]]);
    await net.startNode(node, { mute: true });
    const process = await net.startScheduler(scheduler, { args: ["-n", "10.2.0.2"] });
    await net.untilFound(process, "10.2.0.2");
    await net.useNodes(client, "10.1.0.1", ["10.2.0.2"]);
  },
);
