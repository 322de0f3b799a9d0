/** dispynetrelay.py, which passes greetings on into a network that broadcasts do not reach. */

import { deepStrictEqual as equal, match } from "node:assert/strict";
import { SCHEDULER, SCHEDULER_PERMISSIONS } from "./harness/lab.ts";
import { type Machine, type Network, networkScenario } from "./harness/network.ts";

interface Machines {
  readonly scheduler: Machine;
  readonly client: Machine;
  /** Stands in both networks and passes packets on; broadcasts stay where they are. */
  readonly router: Machine;
  readonly nodes: readonly [Machine, Machine];
}

/** The scheduler is in the one network, two nodes are in the other. */
async function twoNetworks(net: Network): Promise<Machines> {
  const [here, there] = [await net.switch(), await net.switch()];
  const out = ["default via 10.1.0.254"];
  const back = ["default via 10.2.0.254"];
  const router = await net.machine("router", [[here, "10.1.0.254/24"], [there, "10.2.0.254/24"]]);
  await net.forward(router);
  return {
    router,
    scheduler: await net.machine("scheduler", [[here, "10.1.0.1/24"]], out),
    client: await net.machine("client", [[here, "10.1.0.9/24"]]),
    nodes: [
      await net.machine("one", [[there, "10.2.0.2/24"]], back),
      await net.machine("two", [[there, "10.2.0.3/24"]], back),
    ],
  };
}

const NODES = ["10.2.0.2", "10.2.0.3"];

networkScenario(
  "a relay between two networks passes on what the scheduler broadcasts",
  { tier: "core", nft: true },
  async (net) => {
    const { scheduler, client, router, nodes: [before, after] } = await twoNetworks(net);
    await net.startRelay(router);
    await net.startNode(before, { mute: true });
    const process = await net.startScheduler(scheduler);
    await net.untilFound(process, "10.2.0.2");
    // Its greeting gets no farther than the relay, which tells it where the scheduler is.
    await net.startNode(after);
    await net.untilFound(process, "10.2.0.3");
    await net.useNodes(client, "10.1.0.1", NODES);
  },
);

// The original runs with all permissions.
for (const knowsItself of SCHEDULER === "ours" ? [true, false] : [true]) {
  networkScenario(
    "a relay in a distant network is greeted when -n names it" +
      (knowsItself ? "" : ", by a scheduler that may not see its interfaces"),
    {
      tier: knowsItself ? "core" : "more",
      nft: true,
    },
    async (net) => {
      const { scheduler, client, router, nodes: [before, after] } = await twoNetworks(net);
      await net.startRelay(router, { addresses: ["10.2.0.254"] });
      await net.startNode(before, { mute: true });
      await net.startNode(after, { mute: true });
      const process = await net.startScheduler(scheduler, {
        args: ["-n", "10.2.0.254"],
        ...(knowsItself ? {} : {
          addresses: [],
          permissions: SCHEDULER_PERMISSIONS.filter((flag) => flag !== "--allow-sys"),
        }),
      });
      await net.untilFound(process, ...NODES);
      await net.useNodes(client, "10.1.0.1", NODES);
    },
  );
}

networkScenario(
  "a relay that starts last and is told of the scheduler brings its nodes",
  { tier: "core", nft: true },
  async (net) => {
    const { scheduler, client, router, nodes: [one, two] } = await twoNetworks(net);
    const process = await net.startScheduler(scheduler);
    await net.startNode(one, { mute: true });
    await net.startNode(two, { mute: true });
    await net.startRelay(router, {
      addresses: ["10.2.0.254"],
      args: ["--scheduler_node", "10.1.0.1"],
    });
    await net.untilFound(process, ...NODES);
    await net.useNodes(client, "10.1.0.1", NODES);
  },
);

networkScenario(
  "a relay with another secret is refused with one warning",
  { tier: "more", referenceFails: "it does not say so" },
  async (net) => {
    const { scheduler, router } = await twoNetworks(net);
    await net.startRelay(router, { args: ["-s", "wrong-s3cret"] });
    const process = await net.startScheduler(scheduler, {
      args: [
        ...["--node_secret", "right-s3cret", "--ping_interval", "1"],
        ...["-n", "10.1.0.254", "-n", "10.1.0.9"],
      ],
    });
    const refusals = () => process.lines.filter((line) => line.includes("relay has another"));
    await net.lab.until("the relay is refused", () => refusals().length > 0);
    match(refusals()[0] ?? "", /WARN .*relay has another node secret; refused from=10\.1\.0\.254/);
    const nobodyThere = () => process.lines.filter((line) => line.includes("no node there"));
    await net.lab.until("others are greeted for the third time", () => nobodyThere().length >= 3);
    equal(refusals().length, 1);
  },
);
