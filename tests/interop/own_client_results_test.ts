/** What programs with our own client get back from their jobs. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { jobSpans, mostAtOnce } from "./harness/jobs.ts";
import { NODE_CPUS } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";
import { runOwnClient } from "./own_clients/start.ts";

scenario(
  "own client: results, output and exceptions of function jobs reach it as they were",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const { events } = await runOwnClient(lab, "results.ts");
    const [value, printing, failing, keyword] = events;
    ok(value && printing && failing && keyword);

    equal(value.status, "Finished");
    equal(value.result, [1, 2.5, "three", null, true, { four: 4 }]);
    equal([value.stdout, value.stderr, value.exception, value.error], ["", "", null, null]);

    equal(printing.status, "Finished");
    equal([printing.result, printing.stdout, printing.stderr], [null, "out 42\n", "err 42"]);

    equal([failing.status, failing.error], ["Terminated", "JobFailedError"]);
    equal(failing.stdout, "before\n");
    ok(failing.exception.startsWith("Traceback "), failing.exception);
    ok(failing.exception.endsWith("ValueError: bad 7\n"), failing.exception);
    ok(failing.message.endsWith(`failed at ${lab.node(1)}: ValueError: bad 7`), failing.message);

    equal(keyword.result, { a: 1, seen: true });

    for (const job of [value, printing, failing, keyword]) {
      equal(job.node, lab.node(1));
      ok(job.submitted <= job.start, "a job starts after it was submitted");
      ok(job.end - job.start >= 0.03, "a job's times span what it did");
      ok(job.end <= Date.now() / 1000, "a job ends before now");
    }
  },
);

scenario(
  "own client: a program job gets its arguments, and gives exit code and output",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const { events } = await runOwnClient(lab, "program.ts");
    equal(events.map((job) => [job.result, job.stdout, job.stderr, job.status]), [
      [0, "args: one|two words\n", "oops\n", "Finished"],
      [3, "args: one|two words\n", "oops\n", "Finished"],
    ]);
  },
);

scenario(
  "own client: 200 jobs over 3 nodes: each its own result, all nodes used, none over its CPUs",
  { tier: "core", limitMs: 90_000 },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(3);
    const options = { jobs: 200, seconds: 0.1, waitNodes: 3 };
    const { events } = await runOwnClient(lab, "many.ts", { args: [JSON.stringify(options)] });
    const jobs = events.filter((line) => line.event === "job");
    equal(
      jobs.map((job) => job.result.square).sort((a, b) => a - b),
      Array.from({ length: 200 }, (_, n) => n * n),
    );
    for (const job of jobs) equal(job.node, job.result.node);
    const spans = jobSpans(jobs);
    for (const address of [1, 2, 3].map((n) => lab.node(n))) {
      const there = spans.filter((span) => span.node === address);
      ok(there.length > 20, `${address} got only ${there.length} of 200 jobs`);
      ok(mostAtOnce(there) <= NODE_CPUS, `${address} ran ${mostAtOnce(there)} jobs at once`);
    }
  },
);

scenario(
  "own client: map has no more jobs under way than it is told, in the order of their inputs",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const options = { jobs: 20, seconds: 0.03, concurrency: 5, ordered: true };
    const { events } = await runOwnClient(lab, "many.ts", { args: [JSON.stringify(options)] });
    const jobs = events.filter((line) => line.event === "job");
    equal(jobs.map((job) => job.result.number), Array.from({ length: 20 }, (_, n) => n));
    ok(events.at(-1)?.most <= 5, `${events.at(-1)?.most} jobs were under way`);
  },
);

scenario(
  "own client: leaving map early asks for no more inputs and cancels what is under way",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const { events } = await runOwnClient(lab, "status.ts", { args: ["mapping"] });
    const [mapped] = events;
    equal(mapped?.results, [0, 1, 4, 9, 16, 25]);
    ok(mapped.asked <= 6 + 3, `${mapped.asked} inputs were asked for`);
  },
);
