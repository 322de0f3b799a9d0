/** Controls nodes while jobs run; what it does is its first argument. */

import { type Job, python, SharedJobCluster } from "../../../src/client/mod.ts";
import { described, emit, Nodes, play } from "./peer.ts";

const [FIRST, SECOND] = ["127.0.0.2", "127.0.0.3"] as const;

const computation = python<[number, number], unknown>({
  code: `
def work(number, seconds):
    import time
    start = time.time()
    time.sleep(seconds)
    return {'tag': 'a', 'number': number, 'node': dispy_node_ip_addr,
            'start': start, 'end': time.time()}
`,
});

type Cluster = SharedJobCluster<[number, number], unknown>;

async function run(cluster: Cluster, count: number): Promise<void> {
  const jobs = Array.from({ length: count }, (_, number) => cluster.submit([number, 0.1]));
  for (const job of jobs) emit("job", await described(job));
}

/** Tells whether a request was granted. */
async function told(event: string, request: Promise<void>): Promise<void> {
  try {
    await request;
    emit(event, { result: "done" });
  } catch (error) {
    emit(event, { result: (error as Error).name });
  }
}

async function nodeJobs(fromNode: boolean): Promise<void> {
  const nodes = new Nodes();
  const running = Promise.withResolvers<void>();
  let count = 0;
  await using cluster = await SharedJobCluster.open({
    computation,
    onNode: nodes.onNode,
    onJob: (_, event) => {
      if (event === "Running" && ++count === 3) running.resolve();
    },
  });
  await nodes.untilReady(2);
  const ids = (jobs: readonly Job<unknown>[]) => jobs.map((job) => job.id).sort();
  emit("none", { jobs: await cluster.nodeJobs(FIRST, { fromNode }) });
  const jobs = [0, 1].map((number) => cluster.submit([number, 2], { node: FIRST }));
  const other = cluster.submit([9, 2], { node: SECOND });
  await running.promise;
  emit("found", { ids: ids(await cluster.nodeJobs(FIRST, { fromNode })), expected: ids(jobs) });
  emit("found", { ids: ids(await cluster.nodeJobs(SECOND, { fromNode })), expected: [other.id] });
  await cluster.close({ terminate: true });
}

async function allocate(): Promise<void> {
  const nodes = new Nodes();
  const { onNode } = nodes;
  await using cluster = await SharedJobCluster.open({ computation, nodes: [FIRST], onNode });
  await nodes.untilReady(1);
  await run(cluster, 8);
  await told("allocated", cluster.allocateNode({ host: SECOND }));
  await nodes.untilReady(2);
  await run(cluster, 12);
}

async function deallocate(): Promise<void> {
  const nodes = new Nodes();
  await using cluster = await SharedJobCluster.open({ computation, onNode: nodes.onNode });
  await nodes.untilReady(2);
  await run(cluster, 8);
  await told("deallocated", cluster.deallocateNode(FIRST));
  await run(cluster, 8);
  await told("allocated", cluster.allocateNode(FIRST));
  await run(cluster, 12);
}

async function closeNode(): Promise<void> {
  const nodes = new Nodes();
  await using cluster = await SharedJobCluster.open({ computation, onNode: nodes.onNode });
  await nodes.untilReady(2);
  await run(cluster, 8);
  await told("closed", cluster.closeNode(FIRST));
  await run(cluster, 8);
  await told("unknown", cluster.closeNode("127.0.0.99"));
}

async function setNodeCpus(): Promise<void> {
  const nodes = new Nodes();
  const { onNode } = nodes;
  await using cluster = await SharedJobCluster.open({ computation, nodes: [FIRST], onNode });
  await nodes.untilReady(1);
  await told("set", cluster.setNodeCpus(FIRST, 1));
  await run(cluster, 6);
  await told("set", cluster.setNodeCpus(FIRST, 2));
  await run(cluster, 8);
}

await play({
  nodeJobs: () => nodeJobs(false),
  nodeJobsFromNode: () => nodeJobs(true),
  allocate,
  deallocate,
  closeNode,
  setNodeCpus,
});
