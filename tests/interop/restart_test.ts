/** The scheduler is killed, or ended, and started again: clients and nodes go on. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { Driven, type DrivenJob } from "./harness/driven.ts";
import { JobStatus } from "./harness/jobs.ts";
import { type Lab, NODE_CPUS } from "./harness/lab.ts";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

const referenceFails = "it forgets everything";

const statuses = (jobs: readonly DrivenJob[]) => jobs.map((job) => job.status);
const finished = (count: number) => Array(count).fill(JobStatus.Finished);

/** A file in which each run of a job leaves a line, and what it says. */
async function ledger(lab: Lab) {
  const path = `${await lab.folder("ledger")}/runs`;
  return {
    path,
    /** The numbers of the jobs that were begun, in order. */
    runs: async (): Promise<number[]> => {
      const lines = (await Deno.readTextFile(path)).trim().split("\n");
      return lines.map((line) => Number(line.split(" ")[0])).sort((a, b) => a - b);
    },
  };
}

const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

/** Waits until a node has kept the results of so many jobs, as nobody was there to take them. */
async function untilKept(nodes: readonly LabProcess[], count: number): Promise<void> {
  const kept = () =>
    nodes.flatMap(({ lines }) => lines.filter((line) => /Could not send reply/.test(line))).length;
  await Promise.any(nodes.map((node) =>
    node.until(`${count} results are kept`, () => kept() >= count || undefined)
  ));
}

scenario(
  "a scheduler that is killed with jobs running and queued goes on when it is started again: " +
    "all jobs run, each once",
  { tier: "core", referenceFails },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNodes(2);
    const client = await Driven.ready(lab, { function: "mark", wait_nodes: 2 });
    const { path, runs } = await ledger(lab);
    await client.submit(6 * NODE_CPUS, [0.5, path]);
    await client.untilRunning(2 * NODE_CPUS);
    await lab.restartScheduler(scheduler);
    const jobs = await client.results(30);
    equal(statuses(jobs), finished(6 * NODE_CPUS));
    equal(jobs.map((job) => job.result.number), numbers(6 * NODE_CPUS));
    ok(jobs.every((job) => job.result.node === job.node));
    equal(await runs(), numbers(6 * NODE_CPUS));
    await client.close();
  },
);

scenario(
  "results of jobs that end while there is no scheduler are fetched from the nodes",
  { tier: "core", referenceFails },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    const nodes = await lab.startNodes(2);
    const client = await Driven.ready(lab, { function: "mark", wait_nodes: 2 });
    const { path, runs } = await ledger(lab);
    await client.submit(3 * NODE_CPUS, [0.7, path]);
    await client.untilRunning(2 * NODE_CPUS);
    await scheduler.stop();
    await untilKept(nodes, 2 * NODE_CPUS);
    const started = Date.now();
    await lab.restartScheduler(scheduler);
    const jobs = await client.results(30);
    console.log("took", Date.now() - started);
    equal(statuses(jobs), finished(3 * NODE_CPUS));
    equal(await runs(), numbers(3 * NODE_CPUS));
    await client.close();
  },
);
