/** Clients, nodes and the scheduler go away at bad moments. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { JobStatus, NodeStatus } from "./harness/jobs.ts";
import { type Lab, NODE_CPUS, PORTS } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

/** How soon nodes must be free for others after their client has gone, in seconds. */
const FREE_WITHIN_S = 15;

/** Runs a short client on all nodes, which must not take long. */
async function checkServed(lab: Lab, nodes: number): Promise<void> {
  const started = Date.now();
  const { events } = await lab.runClient("many.py", {
    name: "client afterwards",
    args: ["--tag", "z", "--wait-nodes", nodes, "--jobs", 4 * nodes, "--seconds", 0.05],
  });
  equal(events.filter((line) => line.event === "job").length, 4 * nodes);
  const seconds = (Date.now() - started) / 1000;
  ok(seconds < FREE_WITHIN_S, `the next client took ${seconds} s`);
}

scenario(
  "after close(terminate=True) with jobs running and queued the nodes are free",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const client = await lab.startClient("many.py", {
      args: ["--wait-nodes", 2, "--jobs", 12, "--seconds", 300, "--terminate"],
    });
    await client.event("submitted");
    await client.go();
    await client.succeeded();
    await checkServed(lab, 2);
  },
);

scenario(
  "a client that is killed does not keep the others from being served",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const victim = await lab.startClient("many.py", {
      name: "client victim",
      args: ["--wait-nodes", 2, "--jobs", 40, "--seconds", 0.2],
    });
    await victim.event("job");
    victim.process.kill("SIGKILL");
    await victim.ended();
    await checkServed(lab, 2);
  },
);

scenario(
  "reentrant jobs of a killed node are run by another, and the client gets all results",
  {
    tier: "core",
    limitMs: 40_000,
    referenceFails: "a migrated job never finishes: it gets a new hash the client refuses",
  },
  async (lab) => {
    await lab.startScheduler({ args: ["--pulse_interval", "1"] });
    const [first] = await lab.startNodes(2);
    const client = await lab.startClient("batches.py", { args: ["reentrant", 8, 1] });
    await client.count("status", 2);
    await client.go();
    await client.event("status", (line) => {
      return line.status === JobStatus.Running && line.node === lab.node(1);
    });
    first?.kill("SIGKILL");
    await client.event("batch");
    const jobs = client.all("job");
    equal(jobs.map((job) => job.status), Array(8).fill(JobStatus.Finished));
    equal(jobs.map((job) => job.result[1]), [0, 1, 2, 3, 4, 5, 6, 7]);
    await client.process.send("end");
    await client.succeeded();
  },
);

scenario(
  "jobs of a killed node that may not run twice are given up, the others go on",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler({ args: ["--pulse_interval", "1"] });
    const [first] = await lab.startNodes(2);
    const client = await lab.startClient("batches.py", { args: ["once", 12, 1] });
    await client.count("status", 2);
    await client.go();
    await client.event("status", (line) => {
      return line.status === JobStatus.Running && line.node === lab.node(1);
    });
    first?.kill("SIGKILL");
    await client.event("batch");
    const jobs = client.all("job");
    // dispy's scheduler says Abandoned, its documentation says that they are cancelled.
    const givenUp = jobs.filter((job) =>
      job.status === JobStatus.Abandoned || job.status === JobStatus.Cancelled
    );
    const finished = jobs.filter((job) => job.status === JobStatus.Finished);
    equal(givenUp.length + finished.length, 12);
    ok(givenUp.length >= 1 && givenUp.length <= NODE_CPUS, `${givenUp.length} given up`);
    ok(finished.every((job) => job.result[0] === job.node));
    await client.process.send("end");
    await client.succeeded();
  },
);

scenario(
  "a node that no longer answers is reported Closed",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler({ args: ["--pulse_interval", "1"] });
    const [first] = await lab.startNodes(2);
    const client = await lab.startClient("batches.py", { args: ["once", 2 * NODE_CPUS, 2] });
    await client.count("status", 2);
    await client.go();
    const running = () =>
      client.all("status").filter((line) => line.status === JobStatus.Running).length;
    await lab.until("all jobs run", () => running() === 2 * NODE_CPUS);
    first?.kill("SIGKILL");
    await client.event("status", (line) => {
      return line.status === NodeStatus.Closed && line.node === lab.node(1);
    });
    await client.event("batch");
    await client.process.send("end");
    await client.succeeded();
  },
);

for (const atOnce of [false, true]) {
  scenario(
    "a node that is restarted under the same address is used again" +
      (atOnce ? ", by jobs submitted before it is back too" : ""),
    {
      tier: "core",
      limitMs: 40_000,
      ...(atOnce ? { referenceFails: "a job that a node refuses is forgotten" } : {}),
    },
    async (lab) => {
      await lab.startScheduler({ args: ["--pulse_interval", "1", "--ping_interval", "1"] });
      const node = await lab.startNode(1);
      const client = await lab.startClient("batches.py", { args: ["once", 4, 0.05] });
      const isSetUp = () =>
        client.all("status").filter((line) => line.status === NodeStatus.Initialized).length;
      await client.go();
      await client.event("batch");
      equal(isSetUp(), 1);
      node.kill("SIGKILL");
      await lab.untilListening(PORTS.current + 1, lab.node(1), false);
      await lab.startNode(1);
      if (!atOnce) await lab.until("the node is set up again", () => isSetUp() === 2);
      await client.go();
      await client.count("batch", 2);
      equal(client.all("job").map((job) => [job.status, job.result?.[1]]), [
        ...[0, 1, 2, 3, 0, 1, 2, 3].map((number) => [JobStatus.Finished, number]),
      ]);
      await client.process.send("end");
      await client.succeeded();
    },
  );
}

scenario(
  "on SIGINT running and queued jobs are reported Terminated, nodes are released, and a " +
    "scheduler started again serves new clients",
  { tier: "core", limitMs: 40_000, referenceFails: "SIGINT ends it at once, nobody is told" },
  async (lab) => {
    const options = { args: ["-n", lab.node(1), "-n", lab.node(2)] };
    const scheduler = await lab.startScheduler(options);
    await lab.startNodes(2);
    const client = await lab.startClient("many.py", {
      args: ["--wait-nodes", 2, "--jobs", 8, "--seconds", 300, "--stay"],
    });
    await client.event("submitted");
    scheduler.signal("SIGINT");
    await client.event("done");
    equal(client.all("job").map((job) => job.status), Array(8).fill(JobStatus.Terminated));
    const exit = await scheduler.ended();
    equal([exit.signal, exit.code], [null, 0]);

    await lab.startScheduler(options);
    await checkServed(lab, 2);
    client.process.kill("SIGKILL");
  },
);
