/** Jobs that are cancelled, pinned, refused; which of these is the first argument. */

import { python, SharedJobCluster } from "../../../src/client/mod.ts";
import { emit, Nodes, play, report, untilGo } from "./peer.ts";

const [FIRST, SECOND] = ["127.0.0.2", "127.0.0.3"] as const;

const computation = python<[number, number], [number, string]>({
  code: `
def work(number, seconds):
    import time
    time.sleep(seconds)
    return [number, dispy_node_ip_addr]
`,
});

async function cancelAtOnce(): Promise<void> {
  await using cluster = await SharedJobCluster.open({ computation });
  await report([cluster.submit([0, 0.05])]);
  const jobs = Array.from({ length: 38 }, (_, number) => cluster.submit([number, 60]));
  await Promise.all(jobs.map(async (job, number) => {
    if (number % 2 === 0) await job.accepted;
    await job.cancel();
  }));
  await report(jobs);
  emit("cancelled");
  await report(Array.from({ length: 6 }, (_, number) => cluster.submit([number, 0.05])));
  emit("running", { jobs: (await cluster.nodeJobs(FIRST, { fromNode: true })).length });
}

async function pinned(): Promise<void> {
  const nodes = new Nodes();
  await using cluster = await SharedJobCluster.open({
    computation,
    nodes: [FIRST, SECOND],
    onNode: nodes.onNode,
  });
  await nodes.untilReady(2);
  const first = cluster.submit([0, 1], { node: FIRST });
  await report([first, cluster.submit([1, 0.05], { node: FIRST })]);
  await report([cluster.submit([2, 0.05], { node: "127.0.0.99" })]);
}

async function pinnedToDead(): Promise<void> {
  const nodes = new Nodes();
  await using cluster = await SharedJobCluster.open({
    computation,
    reentrant: true,
    onNode: nodes.onNode,
    onJob: (_, event) => {
      if (event === "Running") emit("running");
    },
  });
  await nodes.untilReady(2);
  const jobs = [0, 1].map((number) => cluster.submit([number, 120], { node: FIRST }));
  await untilGo();
  await report(jobs);
  await report([cluster.submit([2, 0.05])]);
  await cluster.close();
  Deno.exit(0);
}

/** The node dies while jobs run, which the first argument after the name says may run again. */
async function nodeDies(): Promise<void> {
  const nodes = new Nodes();
  const cluster = await SharedJobCluster.open({
    computation,
    reentrant: Deno.args[1] === "reentrant",
    onNode: nodes.onNode,
    onJob: (job, event) => {
      if (event === "Running") emit("running", { node: job.ipAddr });
    },
  });
  await nodes.untilReady(2);
  await report(Array.from({ length: 8 }, (_, number) => cluster.submit([number, 1])));
  await cluster.close();
}

await play({ cancelAtOnce, pinned, pinnedToDead, nodeDies });
