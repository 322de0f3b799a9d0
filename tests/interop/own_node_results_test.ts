/** Results at our node whose scheduler is away: kept, brought later, fetched. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { Driven } from "./harness/driven.ts";
import { JobStatus } from "./harness/jobs.ts";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

/** The results that a node of ours keeps. */
async function kept(node: LabProcess): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(`${node.cwd}/dispy/node/results`)) names.push(name);
  return names;
}

scenario(
  "results that a scheduler does not acknowledge are kept on disk and brought when it answers",
  { tier: "core" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    const node = await lab.startNode(1, { kind: "ours", args: ["--msg_timeout", "1"] });
    const client = await Driven.ready(lab, { wait_nodes: 1 });
    await client.submit(2, [0.7]);
    await client.untilRunning(2);
    scheduler.signal("SIGSTOP");
    await lab.until("both results are kept", async () => {
      return (await kept(node)).filter((name) => name.endsWith(".reply")).length === 2;
    });
    scheduler.signal("SIGCONT");
    const jobs = await client.results();
    equal(jobs.map((job) => [job.status, job.result.number]), [
      [JobStatus.Finished, 0],
      [JobStatus.Finished, 1],
    ]);
    await lab.until("nothing is kept", async () => (await kept(node)).length === 0);
    ok(node.lines.some((line) => /WARN.*kept on disk/.test(line)), "the log says so");
    await client.close();
  },
);

scenario(
  "recover_jobs fetches the results of a JobCluster that was killed from our node",
  { tier: "core" },
  async (lab) => {
    const node = await lab.startNode(1, {
      kind: "ours",
      knowsScheduler: false,
      args: ["--msg_timeout", "1"],
    });
    const gone = await lab.startClient("own_cluster.py", { args: ["leave"] });
    await gone.event("submitted");
    await gone.process.until("both run", () => {
      const running = gone.all("status").filter((line) => line.status === JobStatus.Running);
      return running.length === 2 ? true : undefined;
    });
    gone.process.kill("SIGKILL");
    await gone.process.ended();
    await lab.until("both results are kept", async () => {
      return (await kept(node)).filter((name) => name.endsWith(".reply")).length === 2;
    });
    const { events } = await lab.runClient("own_cluster.py", {
      args: ["recover", gone.process.cwd],
    });
    equal(events.map(({ results, statuses }) => ({ results, statuses })), [{
      results: [0, 10],
      statuses: [JobStatus.Finished, JobStatus.Finished],
    }]);
    await lab.until("nothing is kept", async () => (await kept(node)).length === 0);
    // The node is free for others.
    await lab.startScheduler();
    const next = await Driven.ready(lab, { wait_nodes: 1 });
    equal((await next.run(1)).map((job) => job.node), [lab.node(1)]);
    await next.close();
  },
);
