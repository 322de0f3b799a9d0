/** Clients control nodes while their computation runs. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import type { ClientRun } from "./harness/client.ts";
import { jobSpans, mostAtOnce, type Span } from "./harness/jobs.ts";
import { NODE_CPUS } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

/** The spans of the jobs between the lines that are no jobs, and these lines. */
function phases(run: ClientRun): { spans: Span[][]; results: unknown[] } {
  const spans: Span[][] = [[]];
  const results: unknown[] = [];
  for (const line of run.events) {
    if (line.event === "job") spans.at(-1)?.push(...jobSpans([line]));
    else {
      spans.push([]);
      results.push(line.result);
    }
  }
  return { spans, results };
}

const nodesOf = (spans: readonly Span[] = []) =>
  [...new Set(spans.map((span) => span.node))].sort();

scenario("node_jobs names the jobs that run on a node", { tier: "more" }, async (lab) => {
  await lab.startScheduler();
  await lab.startNodes(2);
  const { events } = await lab.runClient("control.py", { args: ["node_jobs"] });
  equal(events.map(({ at: _, ...line }) => line), [
    { event: "none", jobs: [] },
    { event: "found", same: true, count: 2 },
    { event: "found", same: true, count: 1 },
  ]);
});

scenario(
  "node_jobs(from_node=True) asks the node",
  { tier: "more", referenceFails: "node_jobs(from_node=True) always fails" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const { events } = await lab.runClient("control.py", { args: ["node_jobs_from_node"] });
    equal(events.map(({ at: _, ...line }) => line), [
      { event: "none", jobs: [] },
      { event: "found", same: true, count: 2 },
      { event: "found", same: true, count: 1 },
    ]);
  },
);

scenario("allocate_node adds a node to a running cluster", { tier: "more" }, async (lab) => {
  await lab.startScheduler();
  await lab.startNodes(3);
  const { spans, results } = phases(await lab.runClient("control.py", { args: ["allocate"] }));
  equal(results, [0]);
  equal(spans.map(nodesOf), [[lab.node(1)], [lab.node(1), lab.node(2)]]);
});

scenario(
  "deallocate_node takes a node away until it is allocated again",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const { spans, results } = phases(await lab.runClient("control.py", { args: ["deallocate"] }));
    equal(results, [0, 0]);
    equal(spans.map(nodesOf), [
      [lab.node(1), lab.node(2)],
      [lab.node(2)],
      [lab.node(1), lab.node(2)],
    ]);
  },
);

scenario("after close_node no job goes to the node", { tier: "more" }, async (lab) => {
  await lab.startScheduler();
  await lab.startNodes(2);
  const { spans } = phases(await lab.runClient("control.py", { args: ["close_node"] }));
  equal(spans.map(nodesOf), [[lab.node(1), lab.node(2)], [lab.node(2)], []]);
});

scenario(
  "close_node answers 0 for a node of the cluster and -1 for an unknown one",
  { tier: "more", referenceFails: "close_node answers None instead of 0" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const { results } = phases(await lab.runClient("control.py", { args: ["close_node"] }));
    equal(results, [0, -1]);
  },
);

scenario("--cooperative: set_node_cpus changes a node's CPUs", { tier: "more" }, async (lab) => {
  await lab.startScheduler({ args: ["--cooperative"] });
  await lab.startNode(1);
  const run = await lab.runClient("control.py", { args: ["set_node_cpus"] });
  const { spans, results } = phases(run);
  equal(results, [0, 0]);
  equal(spans.map(mostAtOnce), [0, 1, NODE_CPUS]);
});

scenario(
  "without --cooperative set_node_cpus is refused and changes nothing",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const run = await lab.runClient("control.py", { args: ["set_node_cpus"] });
    const { spans, results } = phases(run);
    equal(results, [-1, -1]);
    equal(spans.map(mostAtOnce), [0, NODE_CPUS, NODE_CPUS]);
  },
);

scenario(
  "an exclusive cluster has the nodes for itself: others wait until it closes",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const exclusive = await lab.startClient("many.py", {
      name: "client exclusive",
      args: ["--exclusive", "--wait-nodes", 2, "--jobs", 8, "--stay"],
    });
    await exclusive.event("created");
    const other = await lab.startClient("many.py", { name: "client other", args: ["--tag", "b"] });
    const done = await exclusive.event("done");
    equal(other.events, []);
    await exclusive.go();
    await exclusive.succeeded();
    const { events } = await other.succeeded();
    equal(events.filter((line) => line.event === "job").length, 10);
    const created = events.find((line) => line.event === "created");
    ok(created && created.at > done.at, "the other cluster starts after the exclusive one");
  },
);
