/** `--local_cpus`: a scheduler with a node of its own. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { findProcesses } from "../../src/node/process_tree.ts";
import { Driven } from "./harness/driven.ts";
import { scenario } from "./harness/scenario.ts";
import { type Lab, SCHEDULER } from "./harness/lab.ts";
import { JobStatus } from "./harness/jobs.ts";
import type { LabProcess } from "./harness/process.ts";

const unavailable = SCHEDULER === "reference" ? "dispy's scheduler has no node" : undefined;

async function start(lab: Lab, ...permissions: string[]): Promise<LabProcess> {
  return await startWith(lab, [], permissions);
}

async function startWith(
  lab: Lab,
  before: readonly string[],
  permissions: readonly string[],
): Promise<LabProcess> {
  const store = await lab.folder("scheduler");
  const options = ["--daemon", "-i", "127.0.0.1", "--dest_path_prefix", store, "--local_cpus", "2"];
  const deno = ["deno", "run", "--no-prompt", ...permissions, `${lab.root}/main.ts`];
  return await lab.startSchedulerAs([...before, ...deno, ...options], store);
}

/** Waits until the node is there; tells its process id. */
async function nodePid(scheduler: LabProcess): Promise<number> {
  const said = /node on this machine .*pid=(\d+)/;
  const pid = await scheduler.until(
    "it has started a node",
    () => scheduler.lines.map((line) => said.exec(line)?.[1]).find((found) => found !== undefined),
  );
  await scheduler.until(
    "its node is found",
    () => scheduler.lines.some((line) => line.includes("node found")) ? true : undefined,
  );
  return Number(pid);
}

function isAlive(pid: number): boolean {
  try {
    // A process that nobody has waited for yet has ended all the same.
    return !/^\d+ \(.*\) Z/.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

for (const [signal, how] of [["SIGTERM", "is asked to end"], ["SIGKILL", "is killed"]] as const) {
  scenario(
    `--local_cpus runs jobs without any other node; when the scheduler ${how}, its node ends too`,
    { tier: "core", unavailable },
    async (lab) => {
      const scheduler = await start(lab, "--allow-all");
      const pid = await nodePid(scheduler);
      const { events } = await lab.runClient("results.py");
      equal(events[0]?.status, JobStatus.Finished);
      equal(events[0]?.node, "127.0.0.1");
      ok(isAlive(pid));
      scheduler.signal(signal);
      await scheduler.ended();
      await lab.until("the node has ended", () => !isAlive(pid));
    },
  );
}

scenario(
  "no process of scheduler, node and jobs shows a secret of the environment, in use or not",
  { tier: "core", unavailable },
  async (lab) => {
    const scheduler = await startWith(
      lab,
      ["env", "DISPYSCHEDULER_NODE_SECRET=known to both sides"],
      ["--allow-all"],
    );
    await nodePid(scheduler);
    const client = await Driven.ready(lab, { wait_nodes: 1 });
    await client.submit(1, [3]);
    let pids: readonly number[] = [];
    // Scheduler, node, what sees to its end, what watches over the jobs and what they are made from.
    await lab.until("the job runs", async () => {
      pids = await findProcesses({ pid: scheduler.pid, mark: null });
      return pids.length > 5;
    });
    for (const pid of pids) {
      for (const file of ["environ", "cmdline"]) {
        const shown = await Deno.readTextFile(`/proc/${pid}/${file}`);
        ok(!shown.includes("known to both"), `${file} of ${shown.slice(0, 200)}`);
      }
    }
    equal((await client.results())[0]?.status, JobStatus.Finished);
    await client.close();
  },
);

scenario(
  "a node of --local_cpus that is killed is started again",
  { tier: "more", unavailable },
  async (lab) => {
    const scheduler = await start(lab, "--allow-all");
    Deno.kill(await nodePid(scheduler), "SIGKILL");
    await scheduler.until(
      "it has started it again",
      () =>
        scheduler.lines.filter((line) => line.includes("node on this machine ")).length === 2
          ? true
          : undefined,
    );
    const { events } = await lab.runClient("results.py");
    equal(events[0]?.status, JobStatus.Finished);
  },
);

scenario(
  "--local_cpus without the permission to start a process is refused in one line",
  { tier: "more", unavailable },
  async (lab) => {
    const store = await lab.folder("scheduler");
    const scheduler = lab.start("scheduler", [
      ...["deno", "run", "--no-prompt", "--allow-net", "--allow-read", "--allow-write"],
      ...[`${lab.root}/main.ts`, "-i", "127.0.0.1", "--dest_path_prefix", store],
      ...["--local_cpus", "2"],
    ], store);
    equal((await scheduler.ended()).code, 1);
    const errors = scheduler.lines.filter((line) => / ERROR /.test(line));
    equal(errors.length, 1);
    ok(/--local_cpus: .*add --allow-run=\S+, or -A/.test(errors[0]!), errors[0]);
  },
);
