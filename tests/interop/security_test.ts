/** Secrets, and messages that mean harm. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { jobSpans } from "./harness/jobs.ts";
import { SCHEDULER } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

const SECRETS = ["--node_secret", "node-s3cret", "--cluster_secret", "cluster-s3cret"];

scenario("nodes and clients with the right secrets are served", { tier: "core" }, async (lab) => {
  await lab.startScheduler({ args: SECRETS });
  await lab.startNode(1, { args: ["-s", "node-s3cret"] });
  const { events } = await lab.runClient("many.py", { args: ["--secret", "cluster-s3cret"] });
  equal(events.filter((line) => line.event === "job").length, 10);
});

scenario("a client with a wrong secret is refused", { tier: "core" }, async (lab) => {
  await lab.startScheduler({ args: SECRETS });
  await lab.startNode(1, { args: ["-s", "node-s3cret"] });
  for (const secret of ["", "node-s3cret", "wrong"]) {
    const client = await lab.startClient("many.py", { args: ["--secret", secret] });
    const run = await client.ended();
    equal(run.events.map((line) => line.event), ["refused"], run.output);
    equal(run.code, 3);
  }
  const { events } = await lab.runClient("many.py", { args: ["--secret", "cluster-s3cret"] });
  equal(events.filter((line) => line.event === "job").length, 10);
});

scenario("a node with a wrong secret is not used", { tier: "core" }, async (lab) => {
  await lab.startScheduler({ args: SECRETS });
  await lab.startNode(1, { args: ["-s", "wrong"] });
  await lab.startNode(2, { args: ["-s", "node-s3cret"] });
  await lab.startNode(3);
  const { events } = await lab.runClient("many.py", {
    args: ["--secret", "cluster-s3cret", "--jobs", 12, "--seconds", 0.1],
  });
  const spans = jobSpans(events.filter((line) => line.event === "job"));
  equal(spans.length, 12);
  equal([...new Set(spans.map((span) => span.node))], [lab.node(2)]);
});

for (
  const [way, what] of [
    ["udp", "a broadcast"],
    ["udp-hidden", "a value of a good-looking broadcast"],
    ["node-side", "the node port"],
    ["client-side", "the client port"],
  ] as const
) {
  scenario(
    `a command in a message (${what}) is not run, one warning is logged, service goes on`,
    { tier: "core", referenceFails: "it unpickles what anybody sends, and so runs commands" },
    async (lab) => {
      const scheduler = await lab.startScheduler();
      await lab.startNode(1);
      const warnings = () =>
        scheduler.lines.filter((line) => /\b(WRN|WARN|WARNING)\b/i.test(line)).length;
      equal(warnings(), 0);
      const marker = `${await lab.folder("marker")}/ran`;
      await lab.runClient("hostile.py", { args: [way, marker] });

      const { events } = await lab.runClient("many.py");
      equal(events.filter((line) => line.event === "job").length, 10);
      const ran = await Deno.stat(marker).then(() => true, () => false);
      ok(!ran, `the ${SCHEDULER} scheduler ran the command`);
      equal(warnings(), 1, "lines with a warning in the scheduler's log");
      equal(scheduler.exit, undefined);
    },
  );
}
