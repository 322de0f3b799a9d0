/** The short run of `deno task chaos`, with a seed of its own each day. */

import { ok } from "node:assert/strict";
import { runChaos } from "./chaos/run.ts";
import { networkScenario } from "./harness/network.ts";
import { SCHEDULER } from "./harness/lab.ts";

const DURATION_MS = 45_000;
const DAY_MS = 86_400_000;

if (SCHEDULER === "ours") {
  networkScenario(
    "nodes, clients, networks and the scheduler are killed, stopped and cut off at random for a " +
      "while: every job is accounted for",
    { tier: "core", limitMs: 300_000 },
    async (net) => {
      // The same all day, so that a failure can be played again; the story below tells it.
      const seed = Math.floor(Date.now() / DAY_MS);
      const outcome = await runChaos(net, {
        seed,
        durationMs: DURATION_MS,
        nodes: 3,
        nodeKind: "mixed",
        clients: 3,
        schedulerKills: true,
        schedulerArgs: [],
        dir: await net.lab.folder("chaos"),
        tell: () => {},
      });
      ok(outcome.isGood, `${outcome.summary}\n\n${outcome.story.join("\n")}`);
      console.log(outcome.summary);
    },
  );
}
