/** IPv4 multicast in place of broadcast. */

import { networkScenario } from "./harness/network.ts";

for (
  const [what, addresses] of [
    ["the interface named by -i", ["10.1.0.1"]],
    ["all interfaces, none of them named", []],
  ] as const
) {
  networkScenario(
    `with --ipv4_udp_multicast nodes before and after find each other by ${what}`,
    {
      tier: "core",
      nft: true,
      ...(addresses.length === 0
        ? { referenceFails: "without -i it needs a host name that stands for an address" }
        : {}),
    },
    async (net) => {
      const [left, right] = [await net.switch(), await net.switch()];
      const scheduler = await net.machine("scheduler", [
        [left, "10.1.0.1/24"],
        [right, "10.2.0.1/24"],
      ]);
      const two = addresses.length === 0
        ? [right, "10.2.0.3"] as const
        : [left, "10.1.0.3"] as const;
      const before = await net.machine("before", [[left, "10.1.0.2/24"]]);
      const after = await net.machine("after", [[two[0], `${two[1]}/24`]]);
      const client = await net.machine("client", [[left, "10.1.0.9/24"]]);
      const args = ["--ipv4_udp_multicast"];
      await net.startNode(before, { args, mute: true });
      const process = await net.startScheduler(scheduler, { args, addresses });
      await net.untilFound(process, "10.1.0.2");
      await net.startNode(after, { args });
      await net.untilFound(process, two[1]);
      await net.useNodes(client, "10.1.0.1", ["10.1.0.2", two[1]]);
    },
  );
}
