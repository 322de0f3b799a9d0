import { deepStrictEqual as equal, ok, rejects } from "node:assert/strict";
import { asTheyEnd, mapJobs } from "../../../src/client/iteration.ts";
import type { Job } from "../../../src/client/job.ts";

/** A job that ends when the test says so. */
class TestJob {
  status = "Running";
  cancelled = false;
  readonly #done = Promise.withResolvers<Job<number>>();

  constructor(readonly id: number) {}

  get done(): Promise<Job<number>> {
    return this.#done.promise;
  }

  end(): void {
    this.status = "Finished";
    this.#done.resolve(this as unknown as Job<number>);
  }

  cancel(): Promise<void> {
    this.cancelled = true;
    this.end();
    return Promise.resolve();
  }
}

/** Jobs of `mapJobs`, by their inputs. */
class Bench {
  readonly jobs: TestJob[] = [];
  readonly submit = (input: number): Job<number> => {
    const job = new TestJob(input);
    this.jobs.push(job);
    return job as unknown as Job<number>;
  };

  /** Waits until so many jobs are submitted; no test comes to more by waiting longer. */
  async submitted(count: number): Promise<void> {
    while (this.jobs.length < count) await new Promise((resolve) => setTimeout(resolve));
  }
}

function* endless(): Generator<number> {
  for (let n = 0;; n++) yield n;
}

Deno.test("no more jobs are under way than told, and none is asked for in advance", async () => {
  const bench = new Bench();
  const ended = mapJobs(endless(), bench.submit, { concurrency: 2 });
  const first = ended.next();
  await bench.submitted(2);
  await new Promise((resolve) => setTimeout(resolve, 5));
  equal(bench.jobs.length, 2);
  bench.jobs[1]!.end();
  equal((await first).value.id, 1);
  const second = ended.next();
  await bench.submitted(3);
  bench.jobs[2]!.end();
  equal((await second).value.id, 2);
  await ended.return?.();
  ok(bench.jobs[0]!.cancelled, "who leaves cancels");
});

Deno.test("ordered jobs come in the order of their inputs, at the same pace", async () => {
  const bench = new Bench();
  const ids: unknown[] = [];
  const iterating = (async () => {
    const options = { concurrency: 2, ordered: true };
    for await (const { id } of mapJobs([0, 1, 2, 3], bench.submit, options)) ids.push(id);
  })();
  await bench.submitted(2);
  bench.jobs[1]!.end();
  await bench.submitted(3);
  equal(ids, []);
  bench.jobs[2]!.end();
  await bench.submitted(4);
  bench.jobs[0]!.end();
  bench.jobs[3]!.end();
  await iterating;
  equal(ids, [0, 1, 2, 3]);
});

Deno.test("jobs that have ended are yielded while the next input is still to come", async () => {
  const bench = new Bench();
  const later = Promise.withResolvers<void>();
  async function* slow(): AsyncGenerator<number> {
    yield 0;
    await later.promise;
    yield 1;
  }
  const ended = mapJobs(slow(), bench.submit, {});
  const first = ended.next();
  await bench.submitted(1);
  bench.jobs[0]!.end();
  equal((await first).value.id, 0);
  later.resolve();
  const second = ended.next();
  await bench.submitted(2);
  bench.jobs[1]!.end();
  equal((await second).value.id, 1);
  equal((await ended.next()).done, true);
});

Deno.test("an aborted map cancels what is under way and throws the reason", async () => {
  const bench = new Bench();
  const abort = new AbortController();
  const ended = mapJobs(endless(), bench.submit, { concurrency: 3, signal: abort.signal });
  const next = ended.next();
  await bench.submitted(3);
  abort.abort(new Error("enough"));
  await rejects(next, /enough/);
  equal(bench.jobs.map((job) => job.cancelled), [true, true, true]);
});

Deno.test("an error of the inputs ends the map, and cancels what is under way", async () => {
  const bench = new Bench();
  function* failing(): Generator<number> {
    yield 0;
    throw new Error("no more");
  }
  await rejects(mapJobs(failing(), bench.submit, {}).next(), /no more/);
  equal(bench.jobs.map((job) => job.cancelled), [true]);
});

Deno.test("asTheyEnd yields each job once, in the order of their ends", async () => {
  const jobs = [new TestJob(0), new TestJob(1), new TestJob(2)];
  const ended = asTheyEnd(jobs as unknown as Job<number>[]);
  jobs[2]!.end();
  equal((await ended.next()).value.id, 2);
  jobs[0]!.end();
  jobs[1]!.end();
  equal([(await ended.next()).value.id, (await ended.next()).value.id], [0, 1]);
  equal((await ended.next()).done, true);
});

Deno.test("a loop over results can be left while the next input is long in coming", async () => {
  let isClosed = false;
  const inputs = async function* (): AsyncGenerator<number> {
    try {
      yield 1;
      await new Promise(() => {});
    } finally {
      isClosed = true;
    }
  };
  const submit = (input: number) => {
    const job = new TestJob(input);
    job.end();
    return job as unknown as Job<number>;
  };
  for await (const _ of mapJobs(inputs(), submit, {})) break;
  const reason = new Error("no time");
  const aborting = new AbortController();
  await rejects(
    async () => {
      for await (const _ of mapJobs(inputs(), submit, { signal: aborting.signal })) {
        aborting.abort(reason);
      }
    },
    reason,
  );
  equal(isClosed, false, "it cannot be closed before it has answered");
});
