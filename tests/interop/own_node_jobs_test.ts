/** Jobs at our node end when they should, with all that they have started. */

import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import { Cgroups } from "../../src/node/containment/cgroup.ts";
import { commandsWith } from "../unit/node/containment/escaping_node.ts";
import { outerPid } from "../../src/node/process_table.ts";
import { findProcesses } from "../../src/node/process_tree.ts";
import type { Client } from "./harness/client.ts";
import { Driven } from "./harness/driven.ts";
import { JobStatus } from "./harness/jobs.ts";
import type { Lab, NodeOptions } from "./harness/lab.ts";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

const OURS: NodeOptions = { kind: "ours" };

/** A job with children, all of which run. */
interface Spread {
  readonly client: Client;
  readonly nodes: readonly LabProcess[];
  /** Process ids: the job's, its child's, and those of a child that has left its session. */
  readonly pids: readonly number[];
}

/** Process ids that a job has noted in `folder`, as it knows them itself. */
async function notedPids(folder: string): Promise<number[]> {
  try {
    return (await Deno.readTextFile(`${folder}/pids`)).trim().split("\n").map(Number);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function spread(
  lab: Lab,
  what: "function" | "program",
  then: "sleep" | "return" | "ignore" | "eat",
  node: NodeOptions = OURS,
): Promise<Spread> {
  await lab.startScheduler();
  const nodes = [await lab.startNode(1, { ...OURS, ...node })];
  const traces = await lab.folder("traces");
  const client = await lab.startClient("offspring.py", {
    args: [what, then],
    env: { LAB_TRACES: traces },
  });
  await lab.until("the job has children", async () => (await notedPids(traces)).length === 3);
  const ofNode = await findProcesses({ pid: nodes[0]!.pid, mark: null });
  // In a PID namespace a process has another number for itself than for us.
  const noted = (await notedPids(traces)).map((pid) => outerPid(pid, ofNode));
  const pids = noted.filter((pid) => pid !== null);
  // Where the job has ended, they may be gone already.
  if (then !== "return") equal(pids.length, 3);
  return { client, nodes, pids };
}

async function isAlive(pid: number): Promise<boolean> {
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    return !/\) [ZX] /.test(stat);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function untilAllGone(lab: Lab, pids: readonly number[]): Promise<void> {
  await lab.until("all processes of the job are gone", async () => {
    return !(await Promise.all(pids.map(isAlive))).includes(true);
  });
}

for (const what of ["function", "program"] as const) {
  for (const how of ["sleep", "ignore"] as const) {
    const who = how === "ignore" ? `${what} job that will not end` : `${what} job`;
    scenario(
      `a ${who} is killed with all of its children when it is cancelled`,
      { tier: how === "sleep" ? "core" : "more" },
      async (lab) => {
        const { client, pids } = await spread(lab, what, how);
        await client.go();
        const { status, exception } = await client.event("job");
        equal([status, exception], [JobStatus.Terminated, null]);
        await untilAllGone(lab, pids);
        await client.succeeded();
      },
    );
  }

  scenario(
    `what a ${what} job has left running ends with its computation`,
    { tier: "more" },
    async (lab) => {
      const { client, pids } = await spread(lab, what, "return");
      const job = await client.event("job");
      equal(job.status, JobStatus.Finished);
      equal(job.result, what === "program" ? 0 : "returned");
      await client.succeeded();
      await untilAllGone(lab, pids);
    },
  );

  scenario(
    `the children of a ${what} job do not outlive a node that is killed, nor hold its port`,
    { tier: "core" },
    async (lab) => {
      const { client, nodes, pids } = await spread(lab, what, "sleep");
      nodes[0]!.signal("SIGKILL");
      await nodes[0]!.ended();
      await lab.startNode(1, OURS);
      await untilAllGone(lab, pids);
      client.process.kill("SIGKILL");
    },
  );

  scenario(
    `a ${what} job that holds more memory than --job_memory is ended, and its client is told`,
    { tier: "core" },
    async (lab) => {
      const { client, pids } = await spread(lab, what, "eat", {
        ownArgs: ["--job_memory", "150m"],
      });
      const job = await client.event("job");
      if (job.status === JobStatus.Terminated) {
        match(job.exception, /held more than 150 MiB|MemoryError/);
      } else {
        // The system has refused the program its memory before the node could notice.
        equal([job.status, job.result], [JobStatus.Finished, 1]);
        match(job.stderr, /MemoryError/);
      }
      await client.succeeded();
      await untilAllGone(lab, pids);
    },
  );

  scenario(
    `a ${what} job that takes longer than --job_timeout is ended, and its client is told`,
    { tier: "core" },
    async (lab) => {
      const { client, pids } = await spread(lab, what, "ignore", {
        ownArgs: ["--job_timeout", "2"],
      });
      const job = await client.process.until("the job has ended", () => {
        const [status] = client.all("status").filter((line) =>
          line.status === JobStatus.Terminated
        );
        return status;
      });
      equal(job.node, lab.node(1));
      await untilAllGone(lab, pids);
      await client.go();
      const { exception } = await client.event("job");
      match(exception, /took longer than 2 s/);
      await client.succeeded();
    },
  );
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  scenario(
    `a node that ends by ${signal} kills its jobs and says farewell: they run elsewhere at once`,
    { tier: "core", referenceFails: "it does not listen to farewells" },
    async (lab) => {
      const scheduler = await lab.startScheduler();
      const node = await lab.startNode(1, OURS);
      const client = await Driven.ready(lab, {
        ...{ wait_nodes: 1, reentrant: true, function: "hold" },
      });
      const enough = `${await lab.folder("signs")}/enough`;
      await client.submit(2, [enough]);
      await client.untilRunning(2, lab.node(1));
      await lab.startNode(2, OURS);
      await client.untilNode("Initialized", lab.node(2));
      const asked = performance.now();
      node.signal(signal);
      const { code } = await node.ended();
      equal(code, 0);
      ok(performance.now() - asked < 15_000, "it takes a few seconds at most");
      await client.untilRunning(2, lab.node(2));
      await Deno.writeTextFile(enough, "");
      const jobs = await client.results();
      equal(jobs.map((job) => [job.status, job.node]), [
        [JobStatus.Finished, lab.node(2)],
        [JobStatus.Finished, lab.node(2)],
      ]);
      ok(!scheduler.lines.some((line) => line.includes("internal error")));
      await client.close();
    },
  );
}

scenario(
  "a node that serves one computation ends when that is closed; the next finds another",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler();
    const node = await lab.startNode(1, { ...OURS, args: ["--serve", "1"] });
    const client = await Driven.ready(lab, { wait_nodes: 1 });
    equal((await client.run(3)).map((job) => job.node), Array(3).fill(lab.node(1)));
    await client.close();
    equal((await node.ended()).code, 0);
    await lab.startNode(2, OURS);
    const next = await Driven.ready(lab, { wait_nodes: 1 });
    equal((await next.run(1)).map((job) => job.node), [lab.node(2)]);
    await next.close();
  },
);

scenario(
  "the scheduler is killed and started again: our node works for it when its jobs are done",
  { tier: "core" },
  async (lab) => {
    const scheduler = await lab.startScheduler({ args: ["-n", lab.node(1)] });
    await lab.startNode(1, OURS);
    const first = await Driven.ready(lab, { wait_nodes: 1 });
    await first.submit(1, [4]);
    await first.untilRunning(1);
    scheduler.kill("SIGKILL");
    await scheduler.ended();
    await lab.startScheduler({ args: ["-n", lab.node(1)] });
    const next = await Driven.ready(lab, { wait_nodes: 1 });
    equal((await next.run(2)).map((job) => job.node), Array(2).fill(lab.node(1)));
    await next.close();
    first.client.process.kill("SIGKILL");
  },
);

const cgroups = await Cgroups.open();
if (typeof cgroups !== "string") await cgroups.close();

for (const how of ["its computation", "a node that is killed"] as const) {
  scenario(
    `what a program has left behind without any trace does not outlive ${how}`,
    { tier: "core", lacking: typeof cgroups === "string" ? cgroups : undefined },
    async (lab) => {
      await lab.startScheduler();
      const node = await lab.startNode(1, OURS);
      const seconds = `9${crypto.getRandomValues(new Uint32Array(1))[0]}`;
      const client = await lab.startClient("escape.py", { args: [seconds] });
      equal((await client.event("job")).status, JobStatus.Finished);
      equal(commandsWith(`sleep\0${seconds}`).length, 1);
      if (how === "its computation") await client.go();
      else node.signal("SIGKILL");
      await lab.until("it is gone", () => commandsWith(`sleep\0${seconds}`).length === 0);
      client.process.kill("SIGKILL");
    },
  );
}
