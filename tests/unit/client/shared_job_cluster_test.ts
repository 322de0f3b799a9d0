import { deepStrictEqual as equal, ok, rejects, throws } from "node:assert/strict";
import { python, SharedJobCluster } from "../../../src/client/mod.ts";
import type { SharedJobClusterOptions } from "../../../src/client/mod.ts";
import { JobStatus } from "../../../src/wire/mod.ts";
import { dumps } from "../../../src/pickle/mod.ts";
import { FakeScheduler, replyOf, type TakenJob } from "./fake_scheduler.ts";

const computation = python<[], number>({ code: "def answer():\n    return 42\n" });

type Options = Partial<SharedJobClusterOptions<[], number>>;

async function open(scheduler: FakeScheduler, options: Options = {}) {
  const { port: schedulerPort } = scheduler;
  const timeoutMs = 2_000;
  const cluster = await SharedJobCluster.open({
    computation,
    schedulerPort,
    timeoutMs,
    ...options,
  });
  // A test that fails must not wait for the jobs that it has left.
  const dispose = () => cluster.close({ timeoutMs: 1 });
  return Object.defineProperty(cluster, Symbol.asyncDispose, { value: dispose });
}

/** Waits until something holds, which the client brings about by itself. */
async function until(holds: () => boolean): Promise<void> {
  const endMs = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > endMs) throw new Error(`not within 20 s: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test("a result reaches its job, and is confirmed however often it comes", async () => {
  await using scheduler = new FakeScheduler();
  await using cluster = await open(scheduler);
  const job = cluster.submit([]);
  await job.accepted;
  const [taken] = scheduler.jobs as [TakenJob];
  equal(await scheduler.bring(taken), true);
  equal(await job.result, 42);
  equal(await scheduler.bring(taken), true, "the confirmation was lost");
  equal(await scheduler.bring({ ...taken, hash: "0".repeat(20) }), false, "nobody's job");
});

Deno.test("a reply with another hash or number than its job's changes nothing", async () => {
  await using scheduler = new FakeScheduler();
  await using cluster = await open(scheduler);
  const job = cluster.submit([]);
  await job.accepted;
  const [taken] = scheduler.jobs as [TakenJob];
  equal(await scheduler.bring({ uid: taken.uid, hash: "f".repeat(20) }), false);
  equal(await scheduler.bring({ uid: taken.uid + 1, hash: taken.hash }), false);
  equal(job.status, "Created");
  await scheduler.bring(taken);
  equal(await job.result, 42);
});

Deno.test("provisional results are iterated from the first on, and do not end the job", async () => {
  await using scheduler = new FakeScheduler();
  await using cluster = await open(scheduler);
  const job = cluster.submit([]);
  await job.accepted;
  const [taken] = scheduler.jobs as [TakenJob];
  const provisional = { status: JobStatus.ProvisionalResult };
  await scheduler.bring(taken, { ...provisional, result: dumps("a") });
  const iterated: unknown[] = [];
  const iterating = (async () => {
    for await (const result of job.provisionalResults()) iterated.push(result);
  })();
  await scheduler.bring(taken, { ...provisional, result: dumps("b") });
  equal(job.provisionalResult, "b");
  await scheduler.bring(taken);
  await iterating;
  equal([iterated, await job.result], [["a", "b"], 42]);
});

Deno.test("every end of a job is an error of its own", async () => {
  await using scheduler = new FakeScheduler();
  await using cluster = await open(scheduler);
  for (
    const [status, error, state] of [
      [JobStatus.Terminated, "JobFailedError", "Terminated"],
      [JobStatus.Cancelled, "JobCancelledError", "Cancelled"],
      [JobStatus.Abandoned, "JobAbandonedError", "Abandoned"],
    ] as const
  ) {
    const job = cluster.submit([]);
    await job.accepted;
    const exception = "Traceback (most recent call last):\n  File\nValueError: bad\n";
    await scheduler.bring(scheduler.jobs.at(-1)!, { status, exception, stderr: "e" });
    await rejects(job.result, { name: error, message: /^job \d/ });
    equal([job.status, job.error?.name, job.stderr], [state, error, "e"]);
  }
  const job = cluster.submit([]);
  await job.accepted;
  await scheduler.bring(scheduler.jobs.at(-1)!, { result: Uint8Array.of(1, 2) });
  await rejects(job.result, { name: "ResultUnreadableError" });
  equal(job.status, "Finished");
});

Deno.test("a submission whose answer is lost is sent again", async () => {
  await using scheduler = new FakeScheduler();
  await using cluster = await open(scheduler);
  scheduler.fates.push("no answer");
  const refused = cluster.submit([]);
  await rejects(refused.accepted, { name: "JobRefusedError" });
  // The same with a scheduler that was started anew: it was the auth code that was wrong.
  scheduler.fates.push("no answer");
  scheduler.sign = "2".repeat(40);
  const job = cluster.submit([]);
  await job.accepted;
  equal(scheduler.jobs.length, 1);
  await scheduler.bring(scheduler.jobs[0]!);
  equal(await job.result, 42);
});

Deno.test("jobs that are sent at once to a scheduler that was started anew are all taken", async () => {
  await using scheduler = new FakeScheduler();
  await using cluster = await open(scheduler);
  const jobs = ["first", "second", "third"].map((id) => cluster.submit([], { id }));
  // None has an answer, as their auth code was wrong; the first to greet learns of the new sign.
  scheduler.fates.push("no answer", "no answer", "no answer");
  scheduler.sign = "2".repeat(40);
  await Promise.all(jobs.map((job) => job.accepted));
  equal(scheduler.jobs.length, 3);
  for (const taken of scheduler.jobs) await scheduler.bring(taken);
});

Deno.test("jobs that a scheduler has lost fail, whichever request shows that it was started anew", async () => {
  await using scheduler = new FakeScheduler();
  await using cluster = await open(scheduler);
  const lost = cluster.submit([]);
  await lost.accepted;
  scheduler.jobs.length = 0;
  scheduler.sign = "2".repeat(40);
  scheduler.fates.push("no answer", "no answer");
  await rejects(cluster.submit([]).result, { name: "JobRefusedError" });
  await rejects(lost.result, { name: "ComputationLostError" });
});

Deno.test("a job whose confirmation is lost is sent again once it is known that it is not there", async () => {
  await using scheduler = new FakeScheduler();
  const told: string[] = [];
  await using cluster = await open(scheduler, {
    timeoutMs: 300,
    onConnection: ({ kind }) => told.push(kind),
  });
  scheduler.fates.push("lose confirmation");
  const job = cluster.submit([]);
  await until(() => scheduler.jobs.length > 0);
  equal(scheduler.requests.filter((kind) => kind === "JOB").length, 2);
  ok(scheduler.requests.filter((kind) => kind === "RESEND_JOB_RESULTS").length >= 3);
  equal(told, ["lost", "restored"]);
  await scheduler.bring(scheduler.jobs[0]!);
  equal(await job.result, 42);
});

Deno.test("a job whose confirmation has arrived after all is not sent again", async () => {
  await using scheduler = new FakeScheduler();
  await using cluster = await open(scheduler, { timeoutMs: 300 });
  scheduler.fates.push("hide confirmation");
  const job = cluster.submit([]);
  await until(() => scheduler.requests.includes("PENDING_JOBS"));
  await scheduler.bring(scheduler.jobs[0]!);
  equal(await job.result, 42);
  equal(scheduler.requests.filter((kind) => kind === "JOB").length, 1);
});

Deno.test("with pollIntervalMs, results that cannot be brought are fetched", async () => {
  await using scheduler = new FakeScheduler();
  await using cluster = await open(scheduler, { pollIntervalMs: 20 });
  const job = cluster.submit([]);
  await job.accepted;
  scheduler.kept.push(replyOf(scheduler.jobs.shift()!));
  equal(await job.result, 42);
  await until(() => scheduler.kept.length === 0);
});

Deno.test("jobs reach the scheduler in the order in which they were submitted", async () => {
  await using scheduler = new FakeScheduler();
  const accepted: unknown[] = [];
  await using cluster = await open(scheduler, {
    onJob: ({ id, uid }, event) => {
      if (event === "Created") accepted.push([id, uid]);
    },
  });
  const jobs = Array.from({ length: 100 }, () => cluster.submit([]));
  await Promise.all(jobs.map((job) => job.accepted));
  const order = [...scheduler.jobs].map(({ hash }) => hash);
  for (const job of jobs) await scheduler.bring(scheduler.jobs.find(({ uid }) => uid === job.uid)!);
  equal(order.length, 100);
  equal(jobs.map((job) => job.uid), jobs.map((job) => job.uid).toSorted((a, b) => a! - b!));
});

Deno.test("what an observer throws is uncaught, and disturbs nothing else", async () => {
  await using scheduler = new FakeScheduler();
  const uncaught = Promise.withResolvers<unknown>();
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    uncaught.resolve(event.error);
  };
  globalThis.addEventListener("error", onError, { once: true });
  await using cluster = await open(scheduler, {
    onJob: (_, event) => {
      if (event === "Finished") throw new Error("of the observer");
    },
  });
  const job = cluster.submit([]);
  await job.accepted;
  await scheduler.bring(scheduler.jobs[0]!);
  equal(await job.result, 42);
  equal(((await uncaught.promise) as Error).message, "of the observer");
});

Deno.test("a closed cluster takes no jobs, and closing it again does no harm", async () => {
  await using scheduler = new FakeScheduler();
  const cluster = await open(scheduler);
  const job = cluster.submit([]);
  await job.accepted;
  await Promise.all([cluster.close({ timeoutMs: 1 }), cluster.close()]);
  equal(job.error?.name, "JobCancelledError");
  throws(() => cluster.submit([]), { name: "ClosedError" });
  equal(scheduler.requests.filter((kind) => kind === "CLOSE").length, 1);
  ok(scheduler.requests.includes("TERMINATE_JOB"));
});

Deno.test("opening ends with the reason of an aborted signal", async () => {
  await using scheduler = new FakeScheduler();
  const signal = AbortSignal.abort(new Error("no time"));
  await rejects(open(scheduler, { signal }), /no time/);
});
