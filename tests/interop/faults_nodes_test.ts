/** Nodes that do not do what they said: results that come twice or late, jobs that are forgotten. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { Driven, type DrivenJob } from "./harness/driven.ts";
import { JobStatus, NodeStatus } from "./harness/jobs.ts";
import { Ledger } from "./harness/ledger.ts";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

const statuses = (jobs: readonly DrivenJob[]) => jobs.map((job) => job.status);
const numbers = (jobs: readonly DrivenJob[]) => jobs.map((job) => job.result?.number);
const finished = (count: number) => Array(count).fill(JobStatus.Finished);
const countTo = (count: number) => Array.from({ length: count }, (_, n) => n);

/** How often a process has said this. */
const said = (process: LabProcess, text: string) =>
  process.lines.filter((line) => line.includes(text)).length;

/** How often each job was told to its client as done, once all of so many jobs were. */
async function endings(client: Driven, jobs: number): Promise<number[]> {
  return await client.client.process.until(`${jobs} jobs are told as done`, () => {
    const counts = countEndings(client);
    return counts.length >= jobs ? counts : undefined;
  });
}

function countEndings(client: Driven): number[] {
  const ends = [JobStatus.Finished, JobStatus.Cancelled, JobStatus.Terminated, JobStatus.Abandoned];
  const counts = new Map<number, number>();
  for (const { status, job } of client.client.all("status")) {
    if (!ends.includes(status)) continue;
    counts.set(job, (counts.get(job) ?? 0) + 1);
  }
  return [...counts.values()];
}

scenario(
  "a result that comes twice counts once, for the job, its client and the node's CPUs",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    const node = await lab.startNode(1, { cpus: 1, odd: ["--twice"] });
    const client = await Driven.ready(lab, { function: "mark", wait_nodes: 1 });
    const ledger = await Ledger.create(lab);
    for (const round of [1, 2]) {
      await client.submit(6, [0.1, ledger.path]);
      const jobs = await client.results();
      equal(statuses(jobs), finished(6));
      equal(numbers(jobs), countTo(6));
      await node.until("all came twice", () => {
        return said(node, "a result is sent again") >= 6 * round || undefined;
      });
    }
    equal(await ledger.runs(), [...countTo(6), ...countTo(6)].sort());
    equal(await endings(client, 12), Array(12).fill(1));
    await client.close();
  },
);

for (
  const [when, seconds] of [["while it runs elsewhere", 2.5], [
    "when it is done elsewhere",
    9,
  ]] as const
) {
  scenario(
    `a result that comes after its job was moved, ${when}, changes nothing`,
    { tier: "core", limitMs: 90_000, referenceFails: "a migrated job never finishes" },
    async (lab) => {
      const scheduler = await lab.startScheduler({ args: ["--pulse_interval", "1"] });
      // Alive, but nothing is heard of it while its job runs.
      const odd = ["--lose", "PULSE:", "--late", String(seconds)];
      const silent = await lab.startNode(1, { cpus: 1, odd });
      const client = await Driven.ready(lab, {
        function: "mark",
        wait_nodes: 1,
        reentrant: true,
      });
      const ledger = await Ledger.create(lab);
      await client.submit(1, [4, ledger.path]);
      await client.untilRunning(1);
      await lab.startNode(2, { cpus: 1 });
      await client.untilNode("Closed", lab.node(1));
      const jobs = await client.results();
      equal(statuses(jobs), finished(1));
      equal(numbers(jobs), [0]);
      await silent.until("the late result is out", () => {
        return said(silent, "the late result is sent") || undefined;
      });
      await scheduler.until("it came", () => {
        return scheduler.lines.find((line) => /result of a job that does not run there/.test(line));
      });
      equal(await ledger.runs(), [0, 0]);
      // Nobody has miscounted: both nodes run what fits, and no more.
      const more = await client.run(4, [0.2, ledger.path]);
      equal(statuses(more), finished(4));
      ok(more.some((job) => job.node === lab.node(2)));
      equal(await endings(client, 5), Array(5).fill(1));
      await client.close();
    },
  );
}

scenario(
  "a stopped node goes on after its job was moved, and to itself: what it tells of the first " +
    "run is not taken for the second",
  { tier: "core", limitMs: 90_000, referenceFails: "it does not take the node back" },
  async (lab) => {
    await lab.startScheduler({ args: ["--pulse_interval", "1"] });
    const node = await lab.startNode(1, { cpus: 1 });
    const client = await Driven.ready(lab, { function: "mark", wait_nodes: 1, reentrant: true });
    const ledger = await Ledger.create(lab);
    await client.submit(3, [2.5, ledger.path]);
    await client.untilRunning(1);
    node.kill("SIGSTOP");
    await client.untilNode("Closed", lab.node(1));
    node.kill("SIGCONT");
    const jobs = await client.results();
    equal(statuses(jobs), finished(3));
    equal(numbers(jobs), countTo(3));
    equal(await endings(client, 3), [1, 1, 1]);
    await client.close();
  },
);

for (const reentrant of [true, false]) {
  scenario(
    "a node takes jobs and forgets them: " +
      (reentrant ? "they run again and finish" : "they are given up, and never run twice"),
    {
      tier: "core",
      limitMs: 150_000,
      referenceFails: "nobody asks the node: they are Running for ever",
    },
    async (lab) => {
      await lab.startScheduler({ args: ["--pulse_interval", "1"] });
      await lab.startNode(1, { odd: ["--forget", "2"] });
      const client = await Driven.ready(lab, { function: "mark", wait_nodes: 1, reentrant });
      const ledger = await Ledger.create(lab);
      await client.submit(6, [0.2, ledger.path]);
      const jobs = await client.results(120);
      equal(jobs.map((job) => job.done), Array(6).fill(true));
      if (reentrant) {
        equal(statuses(jobs), finished(6));
        equal(numbers(jobs), countTo(6));
      } else {
        const lost = jobs.filter((job) => job.status !== JobStatus.Finished);
        equal(lost.length, 2);
        ok(lost.every((job) => job.exception?.includes(lab.node(1))), lost[0]?.exception ?? "");
      }
      const runs = await ledger.runs();
      equal([runs.length, new Set(runs).size], reentrant ? [6, 6] : [4, 4]);
      equal(await endings(client, 6), Array(6).fill(1));
      equal(client.told(NodeStatus.Closed), []);
      await client.close();
    },
  );
}

scenario(
  "nodes are killed one after the other and come back: reentrant jobs outlive them all",
  { tier: "core", limitMs: 120_000, referenceFails: "a migrated job never finishes" },
  async (lab) => {
    await lab.startScheduler({ args: ["--pulse_interval", "1"] });
    const nodes = await lab.startNodes(3, { cpus: 1 });
    const client = await Driven.ready(lab, { function: "mark", wait_nodes: 3, reentrant: true });
    const ledger = await Ledger.create(lab);
    await client.submit(24, [0.8, ledger.path]);
    await client.untilRunning(3);
    for (const [index, node] of nodes.entries()) {
      node.kill("SIGKILL");
      await node.ended();
      await lab.untilListening(9701, lab.node(index + 1), false);
      await lab.startNode(index + 1, { cpus: 1 });
      await client.untilNode("Initialized", lab.node(index + 1), 2);
    }
    const jobs = await client.results();
    equal(statuses(jobs), finished(24));
    equal(numbers(jobs), countTo(24));
    equal(await endings(client, 24), Array(24).fill(1));
    await client.close();
  },
);

scenario(
  "jobs that end at once come back from a dispynode on a busy machine, each as it has ended",
  {
    tier: "core",
    referenceFails: "the node's thread for results dies: can only join a started process",
  },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1, { odd: ["--slow-start", "0.05"] });
    const client = await Driven.ready(lab, { wait_nodes: 1 });
    const jobs = await client.run(30, [0]);
    equal(statuses(jobs), finished(30));
    equal(numbers(jobs), countTo(30));
    await client.close();
  },
);

scenario(
  "a dispynode whose thread for results has died is noticed and healed: no job is lost or run twice",
  { tier: "core", referenceFails: "nobody notices: they are Running for ever" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    const node = await lab.startNode(1, { odd: ["--mute-after", "5"] });
    const client = await Driven.ready(lab, { function: "mark", wait_nodes: 1 });
    const ledger = await Ledger.create(lab);
    await client.submit(12, [0.05, ledger.path]);
    const jobs = await client.results();
    equal(said(node, "the thread for results dies"), 1);
    equal(statuses(jobs), finished(12));
    equal(numbers(jobs), countTo(12));
    equal(await ledger.runs(), countTo(12));
    equal(said(scheduler, "node sent no results"), 1);
    // It is as good as new.
    equal(statuses(await client.run(6, [0.05, ledger.path])), finished(6));
    await client.close();
    await node.until("it is free", () => said(node, "done") > 0 || undefined);
  },
);

for (const reentrant of [true, false]) {
  scenario(
    "a dispynode whose thread for results has died for good is given up, its jobs " +
      (reentrant ? "run elsewhere" : "end with the reason"),
    { tier: "core", referenceFails: "nobody notices: they are Running for ever" },
    async (lab) => {
      await lab.startScheduler();
      await lab.startNode(1, { cpus: 1, odd: ["--mute-after", "2", "--beyond-help"] });
      const client = await Driven.ready(lab, { function: "mark", wait_nodes: 1, reentrant });
      const ledger = await Ledger.create(lab);
      await client.run(2, [0.05, ledger.path]);
      await client.submit(3, [0.05, ledger.path]);
      await client.untilNode("Closed", lab.node(1));
      await lab.startNode(2, { cpus: 1 });
      const jobs = await client.results();
      const [first, ...others] = jobs;
      equal(statuses(others), finished(2));
      equal(first?.status, reentrant ? JobStatus.Finished : JobStatus.Cancelled);
      if (!reentrant) ok(first?.exception?.includes("it sends no results any more"));
      await client.close();
    },
  );
}

scenario(
  "a job whose process is killed at a dispynode ends soon, with the reason",
  { tier: "core", referenceFails: "dispynode notices within an hour" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1, { kind: "dispynode" });
    const client = await Driven.ready(lab, { function: "die_first", wait_nodes: 1 });
    await client.run(2, [0.05, 2]);
    const [victim] = await client.run(1, [0.05, 0]);
    equal(victim?.status, JobStatus.Terminated);
    ok(victim?.exception?.includes("has ended without a result"));
    await client.close();
  },
);
