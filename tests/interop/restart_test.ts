/** The scheduler is killed and started again: jobs, clients and nodes go on. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { Driven, type DrivenJob } from "./harness/driven.ts";
import { JobStatus } from "./harness/jobs.ts";
import { type Lab, NODE_CPUS, PORTS, SCHEDULER } from "./harness/lab.ts";
import { Ledger } from "./harness/ledger.ts";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

const referenceFails = "it forgets everything";

/** What the original has no option for is not asked of it. */
const only = SCHEDULER === "ours" ? scenario : () => {};

const statuses = (jobs: readonly DrivenJob[]) => jobs.map((job) => job.status);
const finished = (count: number) => Array(count).fill(JobStatus.Finished);
const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

/** Waits until nodes have kept the results of so many jobs, as nobody was there to take them. */
async function untilKept(lab: Lab, nodes: readonly LabProcess[], count: number): Promise<void> {
  await lab.until(`${count} results are kept`, () => {
    const lines = nodes.flatMap((node) => node.lines);
    return lines.filter((line) => /Could not send reply|kept on disk/.test(line)).length >= count;
  });
}

/** Waits until the client was told that so many of its jobs are done. */
function untilDone(client: Driven, count: number): Promise<void> {
  return client.client.process.until(
    `${count} jobs are done`,
    () => client.told(JobStatus.Finished).length >= count || undefined,
  ).then(() => {});
}

for (const durability of ["crash", "power"]) {
  only(
    `killed with jobs running and queued (--durability ${durability}) and started again, all jobs ` +
      "run, each once",
    { tier: "core" },
    async (lab) => {
      const options = { args: ["--durability", durability] };
      const scheduler = await lab.startScheduler(options);
      await lab.startNodes(2);
      const client = await Driven.ready(lab, { function: "mark", wait_nodes: 2 });
      const ledger = await Ledger.create(lab);
      await client.submit(6 * NODE_CPUS, [0.5, ledger.path]);
      await client.untilRunning(2 * NODE_CPUS);
      await lab.restartScheduler(scheduler, options);
      const jobs = await client.results(30);
      equal(statuses(jobs), finished(6 * NODE_CPUS));
      equal(jobs.map((job) => job.result.number), numbers(6 * NODE_CPUS));
      ok(jobs.every((job) => job.result.node === job.node));
      equal(await ledger.runs(), numbers(6 * NODE_CPUS));
      await client.close();
    },
  );
}

scenario(
  "results of jobs that end while there is no scheduler are fetched from their nodes",
  { tier: "core", referenceFails },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    const nodes = await lab.startNodes(2);
    const client = await Driven.ready(lab, { function: "mark", wait_nodes: 2 });
    const ledger = await Ledger.create(lab);
    await client.submit(3 * NODE_CPUS, [0.7, ledger.path]);
    await client.untilRunning(2 * NODE_CPUS);
    await scheduler.stop();
    await untilKept(lab, nodes, 2 * NODE_CPUS);
    await lab.restartScheduler(scheduler);
    const jobs = await client.results(30);
    equal(statuses(jobs), finished(3 * NODE_CPUS));
    equal(await ledger.runs(), numbers(3 * NODE_CPUS));
    await client.close();
  },
);

scenario(
  "killed in the middle of a burst of submissions, each job that its client was given an id for " +
    "has its result",
  { tier: "core", referenceFails },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1);
    const client = await Driven.ready(lab, { wait_nodes: 1, reentrant: true });
    const submitting = client.submit(150, [0.02]);
    await scheduler.until("some jobs are submitted", () => {
      const said = scheduler.lines.filter((line) => /job submitted|Submitted job/.test(line));
      return said.length >= 40 || undefined;
    });
    await lab.restartScheduler(scheduler);
    const taken = (await submitting).filter((id) => id !== null).length;
    ok(taken >= 40, `${taken} jobs were taken`);
    await client.submit(5, [0.02]);
    const jobs = await client.results(40);
    equal(statuses(jobs), finished(taken + 5));
    await client.close();
  },
);

for (const reentrant of [true, false]) {
  scenario(
    "killed again and again in a run of many short jobs, each has one outcome" +
      (reentrant
        ? ", which is its result if they are reentrant"
        : ", and no job runs twice if they are not reentrant"),
    { tier: "core", referenceFails, limitMs: 90_000 },
    async (lab) => {
      let scheduler = await lab.startScheduler();
      await lab.startNodes(2);
      const client = await Driven.ready(lab, { function: "mark", wait_nodes: 2, reentrant });
      const ledger = await Ledger.create(lab);
      await client.submit(200, [0.05, ledger.path]);
      for (let kill = 1; kill <= 5; kill++) {
        await untilDone(client, kill * 25);
        scheduler = await lab.restartScheduler(scheduler);
      }
      const jobs = await client.results(60);
      const done = jobs.filter(({ status }) => status === JobStatus.Finished);
      const runs = await ledger.runs();
      if (reentrant) {
        equal(statuses(jobs), finished(200));
        equal([...new Set(runs)], numbers(200));
      } else {
        equal(runs, [...new Set(runs)], "none ran twice");
        ok(done.every(({ result }) => runs.includes(result.number)));
        // Of a job that was on its way to a node at a kill, nobody knows whether it has run.
        const abandoned = jobs.filter(({ status }) => status === JobStatus.Abandoned);
        equal(done.length + abandoned.length, 200);
        ok(abandoned.length <= 5 * NODE_CPUS, `${abandoned.length} were given up`);
      }
      await untilDone(client, done.length);
      await client.close();
      equal(client.told(JobStatus.Finished).length, done.length);
    },
  );
}

scenario(
  "results that could not be brought to a stopped client before the scheduler was killed reach " +
    "it once when it goes on",
  { tier: "core", referenceFails },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1);
    const client = await Driven.ready(lab, { wait_nodes: 1 });
    await client.submit(4, [0.5]);
    await client.untilRunning(1);
    client.client.process.kill("SIGSTOP");
    await scheduler.until("all results are there", () => {
      const said = scheduler.lines.filter((line) => /result received|Received reply/.test(line));
      return said.length === 4 || undefined;
    });
    const next = await lab.restartScheduler(scheduler);
    await next.until("a result cannot be brought", () => {
      return next.lines.find((line) => /not delivered yet|Could not send reply/.test(line));
    });
    client.client.process.kill("SIGCONT");
    const jobs = await client.results(30);
    equal(statuses(jobs), finished(4));
    equal(jobs.map((job) => job.result.number), numbers(4));
    await untilDone(client, 4);
    await client.close();
    equal(client.told(JobStatus.Finished).length, 4);
  },
);

/** Whether bytes have come that a process has not read yet. */
async function hasUnread(pid: number): Promise<boolean> {
  const lines = (await Deno.readTextFile(`/proc/${pid}/net/tcp`)).trim().split("\n").slice(1);
  return lines.some((line) => {
    const [, , , state, queues] = line.trim().split(/\s+/);
    const isEstablished = state === "01";
    return isEstablished && Number.parseInt(queues!.split(":")[1]!, 16) > 0;
  });
}

scenario(
  "a result that its client has acknowledged in the instant before a kill comes again, and dispy's " +
    "client drops it",
  { tier: "core", referenceFails },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1);
    const client = await Driven.ready(lab, { wait_nodes: 1 });
    await client.submit(1, [0.5]);
    await client.untilRunning(1);
    client.client.process.kill("SIGSTOP");
    await scheduler.until("the result is there", () => {
      return scheduler.lines.find((line) => /result received|Received reply/.test(line));
    });
    await lab.until("it is on its way", () => hasUnread(client.client.process.pid));
    // It will never read the acknowledgement.
    scheduler.kill("SIGSTOP");
    client.client.process.kill("SIGCONT");
    equal(statuses(await client.results(20)), finished(1));
    await lab.restartScheduler(scheduler);
    const { process } = client.client;
    await process.until("it has come again", () => {
      return process.lines.find((line) => /Ignoring invalid reply/.test(line));
    });
    await client.submit(1, [0.1]);
    equal(statuses(await client.results(20)), finished(1));
    await client.close();
    equal(client.told(JobStatus.Finished).length, 2, "one for each job");
  },
);

for (const reentrant of [true, false]) {
  scenario(
    "jobs of a node that was killed while there was no scheduler " +
      (reentrant
        ? "run again on another, if they are reentrant"
        : "are given up, if not reentrant"),
    { tier: "core", referenceFails },
    async (lab) => {
      const scheduler = await lab.startScheduler();
      const [first] = await lab.startNodes(2);
      const client = await Driven.ready(lab, { wait_nodes: 2, reentrant });
      await client.submit(2 * NODE_CPUS, [1]);
      await client.untilRunning(2 * NODE_CPUS);
      await scheduler.stop();
      await first!.stop();
      await lab.restartScheduler(scheduler);
      const jobs = await client.results(40);
      const given = jobs.filter(({ status }) =>
        status === JobStatus.Abandoned || status === JobStatus.Cancelled
      );
      const done = jobs.filter(({ status }) => status === JobStatus.Finished);
      equal(given.length, reentrant ? 0 : NODE_CPUS);
      equal(done.length, reentrant ? 2 * NODE_CPUS : NODE_CPUS);
      ok(done.every(({ node }) => node === lab.node(2)));
      ok(given.every(({ exception }) => /127\.0\.0\.2/.test(exception ?? "")));
      await client.close();
    },
  );
}

scenario(
  "a node that was restarted while there was no scheduler is used again",
  { tier: "more", referenceFails },
  async (lab) => {
    const options = { args: ["--ping_interval", "2"] };
    const scheduler = await lab.startScheduler(options);
    const node = await lab.startNode(1);
    const client = await Driven.ready(lab, { wait_nodes: 1, reentrant: true });
    await client.submit(3 * NODE_CPUS, [1]);
    await client.untilRunning(NODE_CPUS);
    await scheduler.stop();
    await node.stop();
    await lab.untilListening(PORTS.current + 1, lab.node(1), false);
    await lab.startNode(1);
    await lab.restartScheduler(scheduler, options);
    equal(statuses(await client.results(40)), finished(3 * NODE_CPUS));
    await client.close();
  },
);

scenario(
  "jobs that were cancelled just before the scheduler was killed end, and do not run",
  { tier: "core", referenceFails },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1, { cpus: 1 });
    const client = await Driven.ready(lab, { function: "mark", wait_nodes: 1 });
    const ledger = await Ledger.create(lab);
    await client.submit(3, [120, ledger.path]);
    await client.untilRunning(1);
    equal(await client.cancel(), [0, 0, 0]);
    // Nobody is told whether a wish to cancel was heard, but it is kept before its effect is seen.
    await client.client.process.until("two jobs are cancelled", () => {
      return client.told(JobStatus.Cancelled).length === 2 || undefined;
    });
    await lab.restartScheduler(scheduler);
    const jobs = await client.results(30);
    equal(jobs.map((job) => job.done), [true, true, true]);
    const ended: number[] = [JobStatus.Cancelled, JobStatus.Terminated];
    ok(jobs.every(({ status }) => ended.includes(status)), JSON.stringify(statuses(jobs)));
    // The first may have been cancelled before it could say that it runs.
    ok((await ledger.runs()).every((number) => number === 0));
    await client.submit(1, [0.1, ledger.path]);
    equal(statuses(await client.results(30)), finished(1));
    await client.close();
  },
);

scenario(
  "after a kill nodes are as their setup has left them, later nodes are set up with arguments of " +
    "their own, and all are cleaned up",
  { tier: "core", referenceFails },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1);
    const trace = `${await lab.folder("trace")}/trace`;
    const client = await lab.startClient("node_setup.py", { args: [trace, "stages"] });
    await client.count("job", 12);
    await lab.restartScheduler(scheduler);
    await lab.startNode(2);
    await client.go();
    const { events } = await client.succeeded();
    const jobs = events.filter(({ event }) => event === "job");
    const prepared = new Map(jobs.map(({ result: [node, text] }) => [node, text]));
    equal([...prepared.keys()].sort(), [lab.node(1), lab.node(2)]);
    for (const n of [1, 2]) {
      equal(prepared.get(lab.node(n)), `prepared for n${n + 1}`);
      const path = `${trace}-${n + 1}`;
      const read = () => Deno.readTextFileSync(path);
      await lab.until("it is cleaned up", () => read().includes("cleanup"));
      equal(read(), `setup n${n + 1}\ncleanup n${n + 1}\n`);
    }
  },
);

scenario(
  "files of computations and of jobs are there after a kill: for nodes that come later, too",
  { tier: "core", referenceFails },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1, { cpus: 1 });
    const client = await Driven.ready(lab, {
      function: "read",
      make: { "a.bin": 3_000_000, "b.bin": 70_000 },
      depends: ["a.bin"],
      wait_nodes: 1,
      reentrant: true,
    });
    await client.submit(10, ["b.bin"], null, ["b.bin"]);
    await client.submit(4, ["a.bin"]);
    await client.submit(3, ["b.bin"], lab.node(1), ["b.bin"]);
    await lab.restartScheduler(scheduler);
    await lab.startNode(2, { cpus: 1 });
    await client.untilNode("Initialized", lab.node(2));
    await client.submit(2, ["a.bin"], lab.node(2));
    await client.submit(2, ["b.bin"], lab.node(2), ["b.bin"]);
    const jobs = await client.results(40);
    equal(statuses(jobs), finished(21));
    const digests = jobs.map((job) => job.result.digest);
    const [a, b] = [client.digest("a.bin"), client.digest("b.bin")];
    const earlier = [...Array(10).fill(b), ...Array(4).fill(a), ...Array(3).fill(b)];
    equal(digests, [...earlier, a, a, b, b]);
    ok(jobs.slice(14, 17).every((job) => job.node === lab.node(1)));
    ok(jobs.slice(17).every((job) => job.node === lab.node(2)));
    await client.close();
  },
);
