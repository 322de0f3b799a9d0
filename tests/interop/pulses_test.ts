/** Signs of life: nodes and clients that go silent, and how soon that is noticed. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { Driven, type DrivenJob } from "./harness/driven.ts";
import { JobStatus, NodeStatus } from "./harness/jobs.ts";
import { scenario } from "./harness/scenario.ts";

const statuses = (jobs: readonly DrivenJob[]) => jobs.map((job) => job.status);
const nodesOf = (jobs: readonly DrivenJob[]) =>
  [...new Set(jobs.map((job) => job.result?.node))].sort();
const finished = (count: number) => Array(count).fill(JobStatus.Finished);

scenario(
  "a node that stops is given up after five pulses; its jobs move, and it is used again later",
  { tier: "core", limitMs: 90_000, referenceFails: "a migrated job never finishes" },
  async (lab) => {
    const scheduler = await lab.startScheduler({ args: ["--pulse_interval", "1"] });
    const [node] = await lab.startNodes(2, { cpus: 1 });
    const client = await Driven.ready(lab, { wait_nodes: 2, reentrant: true });
    await client.submit(2, [2]);
    await client.untilRunning(2);
    node?.kill("SIGSTOP");
    const stopped = Date.now();
    await client.untilNode("Closed", lab.node(1));
    const seconds = (Date.now() - stopped) / 1000;
    ok(seconds > 4 && seconds < 10, `given up after ${seconds} s`);
    const jobs = await client.results();
    equal(statuses(jobs), finished(2));
    equal(nodesOf(jobs), [lab.node(2)]);

    node?.kill("SIGCONT");
    await client.untilNode("Initialized", lab.node(1), 2);
    equal(nodesOf(await client.run(6, [0.3])), [lab.node(1), lab.node(2)]);
    ok(scheduler.lines.some((line) => /node lost.*it is silent/.test(line)));
    await client.close();
  },
);

scenario(
  "jobs of a node that stops are Cancelled where they must not run twice",
  { tier: "core", referenceFails: "it says Abandoned, against its manual" },
  async (lab) => {
    await lab.startScheduler({ args: ["--pulse_interval", "1"] });
    const [node] = await lab.startNodes(2, { cpus: 1 });
    const client = await Driven.ready(lab, { wait_nodes: 2 });
    await client.submit(2, [3]);
    await client.untilRunning(2);
    node?.kill("SIGSTOP");
    const jobs = await client.results();
    equal(statuses(jobs).sort((a, b) => a - b), [JobStatus.Cancelled, JobStatus.Finished]);
    const [cancelled] = jobs.filter((job) => job.status === JobStatus.Cancelled);
    equal(cancelled?.exception, `node ${lab.node(1)} is gone: it is silent`);
    await client.close();
  },
);

scenario(
  "a node that is killed while it is idle costs no job: the next ones run elsewhere",
  { tier: "core", referenceFails: "jobs for a node that is gone are forgotten" },
  async (lab) => {
    await lab.startScheduler();
    const [node] = await lab.startNodes(2);
    const client = await Driven.ready(lab, { wait_nodes: 2 });
    equal(nodesOf(await client.run(6, [0.2])), [lab.node(1), lab.node(2)]);
    node?.kill("SIGKILL");
    await node?.ended();
    const jobs = await client.run(6, [0.2]);
    equal(statuses(jobs), finished(6));
    equal(nodesOf(jobs), [lab.node(2)]);
    await client.untilNode("Closed", lab.node(1));
    await client.close();
  },
);

scenario(
  "without --pulse_interval, a node that is killed while jobs run is missed in less than a minute",
  { tier: "more", limitMs: 90_000, referenceFails: "it waits for five pulses of 12 minutes" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    const [node] = await lab.startNodes(2, { cpus: 1 });
    const client = await Driven.ready(lab, { wait_nodes: 2, reentrant: true });
    await client.submit(2, [3]);
    await client.untilRunning(2);
    node?.kill("SIGKILL");
    const killed = Date.now();
    const jobs = await client.results();
    equal(statuses(jobs), finished(2));
    equal(nodesOf(jobs), [lab.node(2)]);
    ok(Date.now() - killed < 50_000, `noticed after ${Date.now() - killed} ms`);
    ok(scheduler.lines.some((line) => /node lost.*it has vanished/.test(line)));
    await client.close();
  },
);

scenario(
  "a client that is killed is given up after --zombie_interval: its jobs end, its nodes are free; " +
    "one that is only idle is not",
  {
    tier: "more",
    limitMs: 150_000,
    referenceFails: "an exclusive cluster waits for all others, wherever they run",
  },
  async (lab) => {
    const scheduler = await lab.startScheduler({
      args: ["--zombie_interval", "1", "--pulse_interval", "5"],
    });
    await lab.startNodes(2, { cpus: 1 });
    const idle = await Driven.ready(lab, { nodes: [lab.node(2)], wait_nodes: 1 });
    const killed = await Driven.ready(lab, {
      nodes: [lab.node(1)],
      wait_nodes: 1,
      exclusive: true,
    }, { name: "client killed" });
    await killed.submit(3, [600]);
    await killed.untilRunning(1);
    killed.client.process.kill("SIGKILL");
    const started = Date.now();

    const next = await Driven.start(lab, { nodes: [lab.node(1)] }, { name: "client next" });
    await next.client.event("ready");
    equal(statuses(await next.run(2)), finished(2));
    const seconds = (Date.now() - started) / 1000;
    ok(seconds > 45 && seconds < 90, `given up after ${seconds} s`);
    ok(!scheduler.lines.some((line) => /node lost/.test(line)));

    equal(statuses(await idle.run(2)), finished(2));
    equal(idle.told(NodeStatus.Closed), []);
    await idle.close();
    await next.close();
  },
);
