import { assertEquals } from "@std/assert/equals.js";
import { assertRejects } from "@std/assert/rejects.js";
import { OPERATOR_REASON, SHUTDOWN_REASON } from "../../../src/core/mod.ts";
import { JobRefusedError } from "../../../src/client/mod.ts";
import type { Job, JobState, SubmitOptions } from "../../../src/client/mod.ts";
import type { Line } from "../../../src/commands/submit/lines.ts";
import {
  type LineArgs,
  type LineResult,
  Runner,
  type RunnerOptions,
} from "../../../src/commands/submit/runner.ts";

/** A job that ends as the test says. */
class FakeJob {
  status: JobState = "Created";
  error: Error | null = null;
  exception: string | null = null;
  cancelled = 0;
  readonly #done = Promise.withResolvers<void>();
  #exitCode = 0;

  constructor(readonly command: string) {}

  get done(): Promise<void> {
    return this.#done.promise;
  }

  get result(): Promise<number> {
    return Promise.resolve(this.#exitCode);
  }

  cancel(): Promise<void> {
    this.cancelled++;
    this.end("Terminated");
    return Promise.resolve();
  }

  exit(code: number): void {
    this.#exitCode = code;
    this.end("Finished");
  }

  refuse(reason: string): void {
    this.error = new JobRefusedError(reason);
    this.end("Failed");
  }

  end(status: JobState): void {
    this.status = status;
    this.#done.resolve();
  }
}

/** A runner with jobs that wait for the test. */
class Scene {
  readonly jobs: FakeJob[] = [];
  /** Folder and files of each job. */
  readonly placed: [folder: string, depends: SubmitOptions["depends"]][] = [];
  readonly results: LineResult[] = [];
  readonly runner: Runner;
  #onJob: () => void = () => {};

  constructor(options: Partial<RunnerOptions> = {}) {
    const cluster = {
      submit: ([command, folder]: LineArgs, { depends = [] }: SubmitOptions) => {
        this.placed.push([folder, depends]);
        const job = new FakeJob(command);
        this.jobs.push(job);
        this.#onJob();
        return job as unknown as Job<number>;
      },
    };
    this.runner = new Runner(cluster, {
      maxPending: 10,
      retries: 0,
      timeoutMs: null,
      sharesFolder: false,
      onResult: (result) => this.results.push(result),
      ...options,
    });
  }

  /** Waits for the job with this number, from 0 on. */
  async job(number: number): Promise<FakeJob> {
    while (this.jobs.length <= number) {
      await new Promise<void>((resolve) => this.#onJob = resolve);
    }
    return this.jobs[number]!;
  }

  /** The runner has done all that it can do without the test. */
  async idle(): Promise<void> {
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  }

  get codes(): [number, string, number, number][] {
    return this.results.map(({ line, outcome, attempts }) => [
      line.number,
      outcome.kind,
      outcome.exitCode,
      attempts,
    ]);
  }
}

async function* lines(count: number): AsyncGenerator<Line> {
  for (let number = 1; number <= count; number++) {
    yield { number, command: `line ${number}`, depends: [] };
  }
}

Deno.test("results come as lines end, with their exit codes; signals as shells tell them", async () => {
  const scene = new Scene();
  const run = scene.runner.run(lines(4));
  await scene.job(3);
  for (const [index, code] of [[2, 7], [0, 0], [3, -9], [1, 300]] as const) {
    scene.jobs[index]!.exit(code);
    await scene.idle();
  }
  await run;
  assertEquals(scene.codes, [
    [3, "exited", 7, 1],
    [1, "exited", 0, 1],
    [4, "exited", 137, 1],
    [2, "exited", 255, 1],
  ]);
  assertEquals([scene.runner.taken, scene.runner.done, scene.runner.failed], [4, 4, 3]);
});

Deno.test("no more lines are under way than allowed, and no more are read", async () => {
  let read = 0;
  async function* counted() {
    for await (const line of lines(100)) {
      read++;
      yield line;
    }
  }
  const scene = new Scene({ maxPending: 3 });
  const run = scene.runner.run(counted());
  await scene.job(2);
  await scene.idle();
  assertEquals([scene.jobs.length, read], [3, 3]);
  for (let index = 0; index < 100; index++) (await scene.job(index)).exit(0);
  await run;
  assertEquals(scene.results.length, 100);
});

Deno.test("a line that fails is run again, so often and no more, until it succeeds", async () => {
  const scene = new Scene({ retries: 2 });
  const run = scene.runner.run(lines(2));
  await scene.job(1);
  scene.jobs[0]!.exit(1);
  await scene.job(2);
  scene.jobs[1]!.end("Abandoned");
  await scene.job(3);
  scene.jobs[2]!.exit(1);
  await scene.job(4);
  scene.jobs[3]!.exit(0);
  await scene.idle();
  scene.jobs[4]!.exit(5);
  await run;
  assertEquals(scene.jobs.map(({ command }) => command), [
    "line 1",
    "line 2",
    "line 1",
    "line 2",
    "line 1",
  ]);
  assertEquals(scene.codes, [[2, "exited", 0, 2], [1, "exited", 5, 3]]);
});

Deno.test("a line that runs too long is cancelled, from its start on and not from its submission", async () => {
  const scene = new Scene({ timeoutMs: 1 });
  const run = scene.runner.run(lines(2));
  const [slow, quick] = [await scene.job(0), await scene.job(1)];
  scene.runner.onRunning(slow as unknown as Job<number>);
  await slow.done;
  assertEquals([slow.cancelled, quick.cancelled], [1, 0]);
  quick.exit(0);
  await run;
  assertEquals(scene.codes, [[1, "timed_out", 124, 1], [2, "exited", 0, 1]]);
});

Deno.test("an exit code that comes in spite of the time limit counts", async () => {
  const scene = new Scene({ timeoutMs: 1 });
  const run = scene.runner.run(lines(1));
  const job = await scene.job(0);
  job.cancel = () => {
    job.exit(3);
    return Promise.resolve();
  };
  scene.runner.onRunning(job as unknown as Job<number>);
  await run;
  assertEquals(scene.codes, [[1, "exited", 3, 1]]);
});

Deno.test("stopped, it takes no more lines, even while it waits for the next one", async () => {
  async function* endless() {
    yield* lines(1);
    await new Promise(() => {});
  }
  const scene = new Scene({ retries: 5 });
  const run = scene.runner.run(endless());
  const job = await scene.job(0);
  scene.runner.stop();
  await job.cancel();
  await run;
  assertEquals(scene.codes, [[1, "cancelled", 130, 1]]);
});

Deno.test("what the scheduler does not take ends everything, with the reason", async () => {
  const scene = new Scene({ maxPending: 2, retries: 9 });
  const run = scene.runner.run(lines(5));
  (await scene.job(1)).refuse("the scheduler is shutting down");
  await scene.idle();
  scene.jobs[0]!.exit(0);
  await run;
  assertEquals(scene.codes, [[2, "refused", 125, 1], [1, "exited", 0, 1]]);
  assertEquals(scene.runner.refusal, "the scheduler is shutting down");
});

Deno.test("a limit of the scheduler's is waited for, and is no attempt", async () => {
  const scene = new Scene();
  const run = scene.runner.run(lines(1));
  (await scene.job(0)).refuse("client 10.0.0.1 has 3 jobs here already; the limit is 3");
  (await scene.job(1)).exit(0);
  await run;
  assertEquals(scene.codes, [[1, "exited", 0, 1]]);
  assertEquals(scene.runner.refusal, null);
});

Deno.test("how jobs end that have no exit code", async () => {
  const scene = new Scene();
  const run = scene.runner.run(lines(4));
  await scene.job(3);
  const [terminated, cancelled, abandoned, failed] = scene.jobs;
  terminated!.exception = "Traceback (most recent call last):\n  File\nOSError: too long\n";
  terminated!.end("Terminated");
  await scene.idle();
  cancelled!.end("Cancelled");
  await scene.idle();
  abandoned!.end("Abandoned");
  await scene.idle();
  failed!.error = new Error("cannot read x");
  failed!.end("Failed");
  await run;
  assertEquals(scene.results.map(({ outcome }) => [outcome.kind, outcome.reason]), [
    ["lost", "OSError: too long"],
    ["lost", "the scheduler has cancelled it"],
    ["lost", "its node is gone"],
    ["lost", "cannot read x"],
  ]);
});

Deno.test("a line that an operator or the end of the scheduler has ended is cancelled, and says so", async () => {
  const scene = new Scene();
  const run = scene.runner.run(lines(2));
  await scene.job(1);
  for (const [index, reason] of [OPERATOR_REASON, SHUTDOWN_REASON].entries()) {
    scene.jobs[index]!.exception = `Traceback\nKeyboardInterrupt\n${reason}`;
    scene.jobs[index]!.end("Terminated");
    await scene.idle();
  }
  await run;
  assertEquals(
    scene.results.map(({ outcome }) => [outcome.kind, outcome.exitCode, outcome.reason]),
    [["cancelled", 125, OPERATOR_REASON], ["cancelled", 125, SHUTDOWN_REASON]],
  );
});

Deno.test("each attempt at a line has a folder of its own, with its files at their places", async () => {
  const scene = new Scene({ retries: 1 });
  const line: Line = { number: 7, command: "cat a/x", depends: ["../a/x"] };
  const run = scene.runner.run((async function* () {
    yield await Promise.resolve(line);
  })());
  (await scene.job(0)).exit(1);
  (await scene.job(1)).exit(0);
  await run;
  assertEquals(scene.placed, [
    ["line-7", [{ file: "../a/x", folder: "line-7/a" }]],
    ["line-7-2", [{ file: "../a/x", folder: "line-7-2/a" }]],
  ]);
});

Deno.test("with a shared folder, lines have none of their own", async () => {
  const scene = new Scene({ sharesFolder: true });
  const run = scene.runner.run((async function* () {
    yield await Promise.resolve({ number: 1, command: "cat x", depends: ["x"] });
  })());
  (await scene.job(0)).exit(0);
  await run;
  assertEquals(scene.placed, [["", [{ file: "x", folder: "." }]]]);
});

Deno.test("an input that cannot be read is an error once the lines before are over", async () => {
  async function* broken() {
    yield* lines(1);
    throw new Error("no more");
  }
  const scene = new Scene();
  const run = scene.runner.run(broken());
  (await scene.job(0)).exit(0);
  assertEquals(((await assertRejects(() => run)) as Error).message, "no more");
  assertEquals(scene.codes, [[1, "exited", 0, 1]]);
});
