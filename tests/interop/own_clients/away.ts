/** Jobs whose scheduler or whose program goes away; which part is the first argument. */

import { python, recoverJobs, SharedJobCluster } from "../../../src/client/mod.ts";
import { described, emit, play } from "./peer.ts";

/** Each job leaves its number in a file, so that the test sees how often it has run. */
const computation = python<[number, number, string], number>({
  code: `
def mark(number, seconds, path):
    import time
    with open(path, 'a') as fd:
        fd.write('%d\\n' % number)
    time.sleep(seconds)
    return number
`,
});

const ledger = Deno.args[1] ?? "";

async function restart(): Promise<void> {
  const { count, seconds, concurrency } = JSON.parse(Deno.args[2] ?? "{}");
  const cluster = await SharedJobCluster.open({
    computation,
    timeoutMs: 3_000,
    onConnection: (event) => emit(event.kind),
  });
  const inputs = Array.from(
    { length: count },
    (_, number): [number, number, string] => [number, seconds, ledger],
  );
  for await (const job of cluster.map(inputs, { concurrency })) emit("job", await described(job));
  await cluster.close();
}

async function lost(): Promise<void> {
  const cluster = await SharedJobCluster.open({
    computation,
    timeoutMs: 3_000,
    onConnection: (event) => emit(event.kind),
    onJob: (job, event) => {
      if (event === "Running") emit("running", { job: job.id });
    },
  });
  const jobs = [0, 1, 2].map((number) => cluster.submit([number, 60, ledger]));
  for (const job of jobs) emit("job", await described(job));
  await cluster.close();
}

async function impatient(): Promise<void> {
  const cluster = await SharedJobCluster.open({
    computation,
    timeoutMs: 2_000,
    onConnection: (event) => emit(event.kind),
  });
  const first = cluster.submit([0, 0.05, ledger]);
  emit("job", await described(first));
  // The test stops the scheduler now.
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setInterval(() => {
    const job = cluster.submit([1, 0.05, ledger], { submitTimeoutMs: 500 });
    void job.done.then(() => {
      if (job.error !== null) resolve();
    });
  }, 200);
  await promise;
  clearInterval(timer);
  const late = cluster.submit([2, 0.05, ledger], { submitTimeoutMs: 500 });
  emit("late", await described(late));
  await cluster.close({ terminate: true });
}

async function leave(): Promise<void> {
  const cluster = await SharedJobCluster.open({ computation, recoverFile: "jobs.recover" });
  const jobs = [];
  for (const number of [0, 1, 2, 3, 4]) {
    const job = cluster.submit([number, 0.6, ledger], { id: `job ${number}` });
    // They run in the order in which they are taken.
    await job.accepted;
    jobs.push(job);
  }
  await jobs[0]?.done;
  emit("left");
  Deno.exit(0);
}

async function recover(): Promise<void> {
  for await (const job of recoverJobs(Deno.args[2] ?? "")) emit("job", await described(job));
  emit("over");
}

async function polling(): Promise<void> {
  // Nothing is sent to an address that nobody has: the program has to ask.
  const cluster = await SharedJobCluster.open({
    computation,
    externalHost: "127.0.0.1",
    pollIntervalMs: 500,
  });
  const job = cluster.submit([7, 0.1, ledger]);
  emit("job", await described(job));
  await cluster.close();
}

await play({ restart, lost, impatient, leave, recover, polling });
