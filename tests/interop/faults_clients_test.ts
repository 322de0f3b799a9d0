/** Clients that stop reading, die, come back, or are late. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { Driven, type DrivenJob } from "./harness/driven.ts";
import { JobStatus } from "./harness/jobs.ts";
import { Ledger } from "./harness/ledger.ts";
import { SCHEDULER } from "./harness/lab.ts";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

const statuses = (jobs: readonly DrivenJob[]) => jobs.map((job) => job.status);
const finished = (count: number) => Array(count).fill(JobStatus.Finished);

/** Waits until the scheduler could not bring a result. */
function untilNotDelivered(scheduler: LabProcess): Promise<string> {
  return scheduler.until("a result cannot be brought", () => {
    return scheduler.lines.find((line) => /not delivered yet|Could not send reply/.test(line));
  });
}

scenario(
  "a client that stops reading in the middle of large results holds nobody up, and gets them all " +
    "when it goes on",
  { tier: "core", limitMs: 90_000, referenceFails: "what it could not bring stays with it" },
  async (lab) => {
    const scheduler = await lab.startScheduler({ args: ["--msg_timeout", "3"] });
    await lab.startNodes(2);
    const stuck = await Driven.ready(lab, { function: "answer_big", wait_nodes: 2 });
    const other = await Driven.ready(lab, { wait_nodes: 2 }, { name: "client other" });
    const size = 8_000_000;
    await stuck.submit(8, [0.2, size]);
    await stuck.untilRunning(1);
    stuck.client.process.kill("SIGSTOP");
    await untilNotDelivered(scheduler);
    const asked = Date.now();
    equal(statuses(await other.run(20, [0.05])), finished(20));
    ok(Date.now() - asked < 10_000, `the other waited ${Date.now() - asked} ms`);
    stuck.client.process.kill("SIGCONT");
    const jobs = await stuck.results();
    equal(statuses(jobs), finished(8));
    equal(jobs.map((job) => job.result), Array(8).fill(size));
    await stuck.close();
    await other.close();
  },
);

scenario(
  "a client that confirms its job when the scheduler no longer waits for it still has it run, once",
  { tier: "core", referenceFails: "it forgets the job, for which the client waits for ever" },
  async (lab) => {
    await lab.startScheduler({ args: ["--msg_timeout", "2"] });
    await lab.startNode(1);
    const ledger = await Ledger.create(lab);
    const { events } = await lab.runClient("late_ack.py", { args: [4, ledger.path] });
    const [job] = events.filter((line) => line.event === "job");
    equal([job?.done, job?.status, job?.result], [true, JobStatus.Finished, "done"]);
    equal(await ledger.runs(), [0]);
  },
);

/** The file in which a client has noted what `recover_jobs` needs. */
function recoverFile(client: Driven): string {
  const { cwd } = client.client.process;
  const found = [...Deno.readDirSync(cwd)].map(({ name }) => /^_dispy_\d+/.exec(name)?.[0])
    .find((name) => name !== undefined);
  if (found === undefined) throw new Error("the client has noted nothing");
  return `${cwd}/${found}`;
}

scenario(
  "a client dies, then a node with its jobs; the client comes back and gets all results, " +
    "of those that were moved too",
  { tier: "core", limitMs: 120_000 },
  async (lab) => {
    const scheduler = await lab.startScheduler({ args: ["--pulse_interval", "1"] });
    const [node] = await lab.startNodes(2, { cpus: 1 });
    const client = await Driven.ready(lab, {
      function: "answer_big",
      wait_nodes: 2,
      reentrant: true,
    });
    await client.submit(8, [1.5, 1000]);
    await client.untilRunning(2);
    client.client.process.kill("SIGKILL");
    await client.client.process.ended();
    node?.kill("SIGKILL");
    if (SCHEDULER === "ours") {
      await scheduler.until("the node is given up", () => {
        return scheduler.lines.find((line) => /node lost/.test(line));
      });
    }
    const { events } = await lab.runClient("recover.py", { args: [recoverFile(client)] });
    const jobs = events.filter((line) => line.event === "job");
    equal(
      jobs.map(({ status, size }) => [status, size]),
      Array(8).fill([JobStatus.Finished, 1000]),
    );
  },
);
