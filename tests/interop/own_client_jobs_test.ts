/** Jobs of our own client at their odd moments, and its calls about nodes. */

import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import type { ClientRun } from "./harness/client.ts";
import { jobSpans, mostAtOnce, type Span } from "./harness/jobs.ts";
import { NODE_CPUS } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";
import { runOwnClient, startOwnClient } from "./own_clients/start.ts";

scenario(
  "own client: jobs that are cancelled on their way all end, and none is left at the node",
  { tier: "core", limitMs: 90_000 },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const { events } = await runOwnClient(lab, "jobs.ts", { args: ["cancelAtOnce"] });
    const at = events.findIndex((line) => line.event === "cancelled");
    const cancelled = events.slice(1, at);
    equal(cancelled.length, 38);
    for (const job of cancelled) equal(job.error, "JobCancelledError", JSON.stringify(job));
    equal(events.slice(at + 1, at + 7).map((job) => job.status), Array(6).fill("Finished"));
    equal(events.at(-1)?.jobs, 0);
  },
);

scenario(
  "own client: a job for a node waits for it while it is busy, and is refused for one not there",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2, { cpus: 1 });
    const { events } = await runOwnClient(lab, "jobs.ts", { args: ["pinned"] });
    const [first, second, nowhere] = events;
    equal([first?.result, second?.result], [[0, lab.node(1)], [1, lab.node(1)]]);
    ok(second?.start >= first?.end - 0.1, "the second job waits for the first");
    equal([nowhere?.status, nowhere?.error], ["Failed", "JobRefusedError"]);
  },
);

scenario(
  "own client: jobs pinned to a node that dies are cancelled, with the reason",
  {
    tier: "core",
    limitMs: 30_000,
    referenceFails: "jobs that wait for a dead node are forgotten",
  },
  async (lab) => {
    await lab.startScheduler({ args: ["--pulse_interval", "1"] });
    const [node] = await lab.startNodes(2, { cpus: 1 });
    const client = await startOwnClient(lab, "jobs.ts", { args: ["pinnedToDead"] });
    await client.event("running");
    node?.kill("SIGKILL");
    await client.go();
    await client.succeeded();
    const jobs = client.all("job");
    equal(jobs.map((job) => job.status), ["Cancelled", "Cancelled", "Finished"]);
    for (const job of jobs.slice(0, 2)) match(job.message, /node 127\.0\.0\.2 is gone/);
  },
);

for (
  const { how, referenceFails } of [
    {
      how: "reentrant",
      referenceFails: "a migrated job never finishes: it gets a new hash the client refuses",
    },
    { how: "once", referenceFails: undefined },
  ]
) {
  scenario(
    `own client: jobs of a killed node are ${how === "once" ? "given up" : "run by another"}`,
    { tier: "core", limitMs: 40_000, ...(referenceFails === undefined ? {} : { referenceFails }) },
    async (lab) => {
      await lab.startScheduler({ args: ["--pulse_interval", "1"] });
      const [first] = await lab.startNodes(2);
      const client = await startOwnClient(lab, "jobs.ts", { args: ["nodeDies", how] });
      await client.event("running", (line) => line.node === lab.node(1));
      first?.kill("SIGKILL");
      await client.succeeded();
      const jobs = client.all("job");
      equal(jobs.length, 8);
      const lost = jobs.filter((job) => job.status !== "Finished");
      if (how === "reentrant") return equal(lost, []);
      ok(lost.length >= 1 && lost.length <= NODE_CPUS, `${lost.length} given up`);
      for (const { error } of lost) match(error, /^Job(Abandoned|Cancelled)Error$/);
    },
  );
}

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

for (const part of ["nodeJobs", "nodeJobsFromNode"]) {
  scenario(
    `own client: nodeJobs names the jobs that run on a node (${part})`,
    {
      tier: "more",
      ...(part === "nodeJobs" ? {} : { referenceFails: "node_jobs(from_node=True) always fails" }),
    },
    async (lab) => {
      await lab.startScheduler();
      await lab.startNodes(2);
      const { events } = await runOwnClient(lab, "control.ts", { args: [part] });
      const [none, first, second] = events;
      equal(none?.jobs, []);
      equal([first?.ids, second?.ids], [first?.expected, second?.expected]);
    },
  );
}

scenario(
  "own client: allocateNode adds a node to an open cluster",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(3);
    const run = await runOwnClient(lab, "control.ts", { args: ["allocate"] });
    const { spans, results } = phases(run);
    equal(results, ["done"]);
    equal(spans.map(nodesOf), [[lab.node(1)], [lab.node(1), lab.node(2)]]);
  },
);

scenario(
  "own client: deallocateNode takes a node away until it is allocated again",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const run = await runOwnClient(lab, "control.ts", { args: ["deallocate"] });
    const { spans, results } = phases(run);
    equal(results, ["done", "done"]);
    equal(spans.map(nodesOf), [
      [lab.node(1), lab.node(2)],
      [lab.node(2)],
      [lab.node(1), lab.node(2)],
    ]);
  },
);

scenario("own client: after closeNode no job goes to the node", { tier: "more" }, async (lab) => {
  await lab.startScheduler();
  await lab.startNodes(2);
  const run = await runOwnClient(lab, "control.ts", { args: ["closeNode"] });
  const { spans, results } = phases(run);
  equal(results, ["done", "NodeRequestError"]);
  equal(spans.map(nodesOf), [[lab.node(1), lab.node(2)], [lab.node(2)], []]);
});

for (const cooperative of [true, false]) {
  scenario(
    `own client: setNodeCpus ${
      cooperative ? "changes" : "must be allowed to change"
    } a node's CPUs`,
    { tier: "more" },
    async (lab) => {
      await lab.startScheduler({ args: cooperative ? ["--cooperative"] : [] });
      await lab.startNode(1);
      const run = await runOwnClient(lab, "control.ts", { args: ["setNodeCpus"] });
      const { spans, results } = phases(run);
      equal(results, Array(2).fill(cooperative ? "done" : "NodeRequestError"));
      equal(spans.map(mostAtOnce), [0, cooperative ? 1 : NODE_CPUS, NODE_CPUS]);
    },
  );
}

scenario(
  "own client: an exclusive cluster has the nodes for itself, others wait until it closes",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const options = { exclusive: true, waitNodes: 2, jobs: 8, stay: true };
    const exclusive = await startOwnClient(lab, "many.ts", {
      name: "client exclusive",
      args: [JSON.stringify(options)],
    });
    await exclusive.event("created");
    const other = await startOwnClient(lab, "many.ts", { name: "client other" });
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
