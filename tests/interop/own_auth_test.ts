/** Our own proofs of the node secret, between our scheduler and our node, with a real client. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { Driven } from "./harness/driven.ts";
import { SCHEDULER } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

const STRICT = ["--node_secret", "of both", "--require_own_auth"];

if (SCHEDULER === "ours") {
  scenario(
    "with --require_own_auth our nodes work, also for a scheduler that was killed and started again",
    { tier: "core" },
    async (lab) => {
      let scheduler = await lab.startScheduler({ args: STRICT });
      await lab.startNode(1, { kind: "ours", args: ["-s", "of both", "--require_own_auth"] });
      const client = await Driven.ready(lab, { wait_nodes: 1 });
      equal((await client.run(4)).map((job) => job.node), Array(4).fill(lab.node(1)));
      scheduler = await lab.restartScheduler(scheduler);
      equal((await client.run(4)).map((job) => job.node), Array(4).fill(lab.node(1)));
      await client.close();
      ok(!scheduler.lines.some((line) => /WARN.*secret; not used/.test(line)));
    },
  );

  scenario(
    "with --require_own_auth nodes that know dispy's proof only are not used, and that is said",
    { tier: "core" },
    async (lab) => {
      const scheduler = await lab.startScheduler({ args: STRICT });
      await lab.startNode(1, { kind: "dispynode", args: ["-s", "of both"] });
      // One that gives both proofs.
      await lab.startNode(2, { kind: "ours", args: ["-s", "of both"] });
      const client = await Driven.ready(lab, { wait_nodes: 1 });
      equal((await client.run(4)).map((job) => job.node), Array(4).fill(lab.node(2)));
      await lab.until(
        "the scheduler says why",
        () =>
          scheduler.lines.some((line) =>
            /WARN.*as dispy does only, and --require_own_auth is set; not used.*127\.0\.0\.2/.test(
              line,
            )
          ),
      );
      await client.close();
    },
  );
}
