/** Schedulers that go away and come back under our own client, and programs that do not. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { SCHEDULER } from "./harness/lab.ts";
import { Ledger } from "./harness/ledger.ts";
import { scenario } from "./harness/scenario.ts";
import { runOwnClient, startOwnClient } from "./own_clients/start.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

scenario(
  "own client: a scheduler that is killed again and again comes back to all jobs, none runs twice",
  { tier: "core", referenceFails: "it forgets everything", limitMs: 90_000 },
  async (lab) => {
    let scheduler = await lab.startScheduler();
    await lab.startNodes(2);
    const ledger = await Ledger.create(lab);
    const options = JSON.stringify({ count: 120, seconds: 0.1, concurrency: 40 });
    const client = await startOwnClient(lab, "away.ts", {
      args: ["restart", ledger.path, options],
    });
    for (const jobs of [15, 50, 90]) {
      await client.count("job", jobs);
      await scheduler.stop();
      // Else it may be back before its client has missed it.
      if (jobs === 50) await client.event("lost");
      scheduler = await lab.restartScheduler(scheduler);
    }
    await client.succeeded();
    const jobs = client.all("job");
    equal(jobs.length, 120);
    // Of a job that was on its way to a node just then, nobody can tell whether it has run.
    const lost = jobs.filter((job) => job.status === "Abandoned");
    ok(lost.length <= 6, `${lost.length} jobs were on their way`);
    const finished = jobs.filter((job) => job.status === "Finished");
    equal(finished.length + lost.length, 120);
    equal(new Set(finished.map((job) => job.result)).size, finished.length);
    const runs = await ledger.runs();
    equal(new Set(runs).size, runs.length);
    ok(finished.every((job) => runs.includes(job.result)));
    ok(client.all("restored").length >= 1, "it was told of the way back");
  },
);

scenario(
  "own client: jobs submitted while there is no scheduler wait for it",
  { tier: "core", referenceFails: "it forgets everything" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1);
    const ledger = await Ledger.create(lab);
    const options = JSON.stringify({ count: 12, seconds: 0.3, concurrency: 4 });
    const client = await startOwnClient(lab, "away.ts", {
      args: ["restart", ledger.path, options],
    });
    await client.count("job", 2);
    await scheduler.stop();
    await client.event("lost");
    await lab.restartScheduler(scheduler);
    await client.succeeded();
    equal(client.all("job").map((job) => job.status), Array(12).fill("Finished"));
    equal(await ledger.runs(), numbers(12));
  },
);

scenario(
  "own client: with a scheduler that has lost its state, jobs fail with ComputationLostError",
  { tier: "core", limitMs: 90_000 },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1);
    const client = await startOwnClient(lab, "away.ts", {
      args: ["lost", (await Ledger.create(lab)).path],
    });
    await client.event("running");
    await scheduler.stop();
    await lab.startScheduler();
    await client.succeeded();
    equal(client.all("job").map((job) => job.error), Array(3).fill("ComputationLostError"));
  },
);

scenario(
  "own client: a job that nobody takes in time is a SubmitTimeoutError",
  { tier: "core" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1);
    const client = await startOwnClient(lab, "away.ts", {
      args: ["impatient", (await Ledger.create(lab)).path],
    });
    await client.event("job");
    await scheduler.stop();
    await client.succeeded();
    equal(client.all("late").map((job) => [job.status, job.error]), [
      ["Failed", "SubmitTimeoutError"],
    ]);
  },
);

scenario(
  "own client: recoverJobs fetches the results of a program that has ended, and closes its cluster",
  { tier: "core" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1, { cpus: 1 });
    const ledger = await Ledger.create(lab);
    const left = await startOwnClient(lab, "away.ts", { args: ["leave", ledger.path] });
    await left.succeeded();
    const file = `${left.process.cwd}/jobs.recover`;
    equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
    const { events } = await runOwnClient(lab, "away.ts", { args: ["recover", ledger.path, file] });
    const jobs = events.filter((line) => line.event === "job");
    // The original brings them in any order.
    jobs.sort((a, b) => a.result - b.result);
    equal(
      jobs.map(({ id, status, result }) => [id, status, result]),
      [1, 2, 3, 4].map((number) => [`job ${number}`, "Finished", number]),
    );
    equal(await ledger.runs(), numbers(5));
    const gone = await Deno.stat(file).then(() => false, () => true);
    ok(gone, "the file is of no more use");
    if (SCHEDULER !== "ours") return;
    await lab.until("the cluster is over", () => {
      return scheduler.lines.some((line) => line.includes("computation is over"));
    });
  },
);
