/** Which nodes run what: node lists, limits, pinned jobs, discovery. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { jobSpans, mostAtOnce } from "./harness/jobs.ts";
import { NODE_CPUS, PORTS } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

scenario("submit_node runs each job on the node it names", { tier: "core" }, async (lab) => {
  await lab.startScheduler();
  await lab.startNodes(3);
  const pins = [3, 1, 2].map((n) => lab.node(n));
  const { events } = await lab.runClient("many.py", {
    args: [...pins.flatMap((pin) => ["--pin", pin]), "--jobs", 12, "--wait-nodes", 3],
  });
  const jobs = events.filter((line) => line.event === "job");
  equal(jobs.map((job) => job.result.node), [...pins, ...pins, ...pins, ...pins]);
});

scenario("submit_job_id keeps the id the client gave", { tier: "core" }, async (lab) => {
  await lab.startScheduler();
  await lab.startNode(1);
  const { events } = await lab.runClient("many.py", { args: ["--ids", "--jobs", 4] });
  const jobs = events.filter((line) => line.event === "job");
  equal(jobs.map((job) => job.id), ["a-0", "a-1", "a-2", "a-3"]);
  equal(jobs.map((job) => job.result.number), [0, 1, 2, 3]);
});

for (
  const [what, nodes, used] of [
    ["a wildcard", ["127.0.0.*"], [1, 2, 3]],
    ["one address", ["127.0.0.3"], [2]],
    ["two addresses", ["127.0.0.2", "127.0.0.4"], [1, 3]],
    ["a host name", ["localhost", "127.0.0.2"], [0, 1]],
  ] as const
) {
  scenario(
    `a node list of ${what} uses these nodes and no others`,
    { tier: what === "a wildcard" ? "core" : "more" },
    async (lab) => {
      await lab.startScheduler();
      await Promise.all(
        [0, 1, 2, 3].slice(what === "a host name" ? 0 : 1)
          .map((n) => lab.startNode(n)),
      );
      const { events } = await lab.runClient("many.py", {
        args: [
          ...["--nodes", JSON.stringify(nodes), "--wait-nodes", used.length],
          ...["--jobs", 24, "--seconds", 0.1],
        ],
      });
      const spans = jobSpans(events.filter((line) => line.event === "job"));
      equal(spans.length, 24);
      equal([...new Set(spans.map((span) => span.node))].sort(), used.map((n) => lab.node(n)));
    },
  );
}

for (
  const [what, cpus, limit] of [
    ["1 CPU", 1, 1],
    ["all CPUs but 1", -1, Math.max(1, NODE_CPUS - 1)],
  ] as const
) {
  for (const cooperative of [true, false]) {
    scenario(
      `a limit of ${what} on a node is kept${cooperative ? " with --cooperative" : ""}`,
      {
        tier: "more",
        ...(cooperative ? {} : {
          referenceFails: "it limits CPUs for exclusive and cooperative clusters only",
        }),
      },
      async (lab) => {
        await lab.startScheduler({ args: cooperative ? ["--cooperative"] : [] });
        await lab.startNodes(2);
        const nodes = JSON.stringify([[lab.node(1), cpus], lab.node(2)]);
        const { events } = await lab.runClient("many.py", {
          args: ["--nodes", nodes, "--wait-nodes", 2, "--jobs", 24, "--seconds", 0.1],
        });
        const spans = jobSpans(events.filter((line) => line.event === "job"));
        const limited = spans.filter((span) => span.node === lab.node(1));
        const free = spans.filter((span) => span.node === lab.node(2));
        ok(limited.length > 0, "the limited node is used");
        equal(mostAtOnce(limited), limit);
        equal(mostAtOnce(free), NODE_CPUS);
      },
    );
  }
}

scenario("nodes and scheduler find each other by broadcast", { tier: "core" }, async (lab) => {
  await lab.startNode(1, { knowsScheduler: false });
  await lab.startScheduler();
  await lab.startNode(2, { knowsScheduler: false });
  const { events } = await lab.runClient("many.py", {
    args: ["--wait-nodes", 2, "--jobs", 12, "--seconds", 0.1],
  });
  const spans = jobSpans(events.filter((line) => line.event === "job"));
  equal([...new Set(spans.map((span) => span.node))].sort(), [lab.node(1), lab.node(2)]);
});

scenario("a node named by -n runs jobs", { tier: "core" }, async (lab) => {
  await lab.startNode(1, { knowsScheduler: false });
  await lab.startScheduler({ args: ["-n", lab.node(1)] });
  const { events } = await lab.runClient("many.py", {
    args: ["--nodes", JSON.stringify([lab.node(1)])],
  });
  equal(events.filter((line) => line.event === "job").length, 10);
});

scenario("the ports of dispy before 4.11 work with -p 51347", { tier: "core" }, async (lab) => {
  await lab.startScheduler({ port: PORTS.old });
  await lab.startNodes(2, { port: PORTS.old });
  const { events } = await lab.runClient("many.py", {
    args: ["--port", PORTS.old, "--wait-nodes", 2, "--jobs", 8],
  });
  equal(events.filter((line) => line.event === "job").map((job) => job.result.number), [
    ...[0, 1, 2, 3, 4, 5, 6, 7],
  ]);
});

scenario(
  "a node that starts after the jobs were submitted runs them",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    const client = await lab.startClient("many.py");
    await client.event("submitted");
    equal(client.all("job"), []);
    await lab.startNode(1);
    const { events } = await client.succeeded();
    equal(events.filter((line) => line.event === "job").length, 10);
  },
);
