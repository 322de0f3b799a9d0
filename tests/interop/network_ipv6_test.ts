/** IPv6, where dispy's peers greet by multicast only. */

import { networkScenario } from "./harness/network.ts";

const HOST_NAME = "without -i it needs a host name that stands for an address";

for (const netifaces of [false, true]) {
  networkScenario(
    `IPv6 nodes ${netifaces ? "with" : "without"} netifaces are found by multicast`,
    { tier: "core", nft: true },
    async (net) => {
      const lan = await net.switch();
      const scheduler = await net.machine("scheduler", [[lan, "fd00:1::1/64"]]);
      const before = await net.machine("before", [[lan, "fd00:1::2/64"]]);
      const after = await net.machine("after", [[lan, "fd00:1::3/64"]]);
      const client = await net.machine("client", [[lan, "fd00:1::9/64"]]);
      await net.startNode(before, { netifaces, mute: true });
      const process = await net.startScheduler(scheduler);
      await net.untilFound(process, "fd00:1::2");
      await net.startNode(after, { netifaces });
      await net.untilFound(process, "fd00:1::3");
      await net.useNodes(client, "fd00:1::1", ["fd00:1::2", "fd00:1::3"]);
    },
  );

  networkScenario(
    `IPv6 multicast goes out by every interface, to nodes ${
      netifaces ? "with" : "without"
    } netifaces`,
    { tier: "core", nft: true, referenceFails: HOST_NAME },
    async (net) => {
      const [left, right] = [await net.switch(), await net.switch()];
      const scheduler = await net.machine("scheduler", [
        [left, "fd00:1::1/64"],
        [right, "fd00:2::1/64"],
      ]);
      const one = await net.machine("one", [[left, "fd00:1::2/64"]]);
      const two = await net.machine("two", [[right, "fd00:2::2/64"]]);
      const three = await net.machine("three", [[right, "fd00:2::3/64"]]);
      const client = await net.machine("client", [[right, "fd00:2::9/64"]]);
      await net.startNode(one, { netifaces, mute: true });
      await net.startNode(two, { netifaces, mute: true });
      const process = await net.startScheduler(scheduler, { addresses: [] });
      await net.untilFound(process, "fd00:1::2", "fd00:2::2");
      await net.startNode(three, { netifaces });
      await net.untilFound(process, "fd00:2::3");
      await net.useNodes(client, "fd00:2::1", ["fd00:1::2", "fd00:2::2", "fd00:2::3"]);
    },
  );
}

networkScenario(
  "IPv4 and IPv6 nodes and clients are served at once",
  { tier: "core", nft: true, referenceFails: HOST_NAME },
  async (net) => {
    const lan = await net.switch();
    const scheduler = await net.machine("scheduler", [[lan, "10.1.0.1/24", "fd00:1::1/64"]]);
    const four = await net.machine("four", [[lan, "10.1.0.2/24"]]);
    const six = await net.machine("six", [[lan, "fd00:1::3/64"]]);
    const client = await net.machine("client", [[lan, "10.1.0.9/24", "fd00:1::9/64"]]);
    await net.startNode(four, { mute: true });
    await net.startNode(six, { mute: true });
    const process = await net.startScheduler(scheduler, { addresses: [] });
    await net.untilFound(process, "10.1.0.2", "fd00:1::3");
    await net.useNodes(client, "10.1.0.1", ["10.1.0.2", "fd00:1::3"]);
    await net.useNodes(six, "fd00:1::1", ["10.1.0.2", "fd00:1::3"]);
  },
);

networkScenario(
  "an IPv6 node in another subnet is used when -n names it",
  { tier: "core", nft: true },
  async (net) => {
    const [here, there] = [await net.switch(), await net.switch()];
    const scheduler = await net.machine("scheduler", [[here, "fd00:1::1/64"]], [
      "default via fd00:1::fe",
    ]);
    const router = await net.machine("router", [[here, "fd00:1::fe/64"], [there, "fd00:2::fe/64"]]);
    await net.forward(router);
    const node = await net.machine("node", [[there, "fd00:2::2/64"]], ["default via fd00:2::fe"]);
    const client = await net.machine("client", [[here, "fd00:1::9/64"]]);
    await net.startNode(node, { mute: true });
    const process = await net.startScheduler(scheduler, { args: ["-n", "fd00:2::2"] });
    await net.untilFound(process, "fd00:2::2");
    await net.useNodes(client, "fd00:1::1", ["fd00:2::2"]);
  },
);

networkScenario(
  "IPv6 addresses that dispy writes in its own way name the same machines",
  { tier: "more" },
  async (net) => {
    const lan = await net.switch();
    const scheduler = await net.machine("scheduler", [[lan, "fd00:1:0:2:3:4:5:1/64"]]);
    const node = await net.machine("node", [[lan, "fd00:1:0:2:3:4:5:2/64"]]);
    const client = await net.machine("client", [[lan, "fd00:1:0:2:3:4:5:9/64"]]);
    await net.startScheduler(scheduler);
    await net.startNode(node);
    await net.useNodes(client, "fd00:1:0:2:3:4:5:1", ["fd00:1::2:3:4:5:2"]);
  },
);
