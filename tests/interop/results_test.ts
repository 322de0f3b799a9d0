/** What a client gets back from its jobs. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { scenario } from "./harness/scenario.ts";
import { NODE_CPUS } from "./harness/lab.ts";
import { JobStatus } from "./harness/jobs.ts";
import { jobSpans, mostAtOnce } from "./harness/jobs.ts";

scenario(
  "results, output and exceptions of function jobs reach the client as they were",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const { events } = await lab.runClient("results.py");
    const [value, printing, failing, keyword] = events;
    ok(value && printing && failing && keyword);

    equal(value.status, JobStatus.Finished);
    equal(value.result, [1, 2.5, "three", null, true, { four: 4 }]);
    equal([value.stdout, value.stderr, value.exception], ["", "", null]);

    equal(printing.status, JobStatus.Finished);
    equal([printing.result, printing.stdout, printing.stderr], [null, "out 42\n", "err 42"]);

    equal(failing.status, JobStatus.Terminated);
    equal([failing.result, failing.stdout], [null, "before\n"]);
    ok(failing.exception.startsWith("Traceback "), failing.exception);
    ok(failing.exception.endsWith("ValueError: bad 7\n"), failing.exception);

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
  "a program job gets its arguments, and gives exit code and output",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const { events } = await lab.runClient("program.py");
    equal(events.map((job) => [job.result, job.stdout, job.stderr, job.status]), [
      [0, "args: one|two words\n", "oops\n", JobStatus.Finished],
      [3, "args: one|two words\n", "oops\n", JobStatus.Finished],
    ]);
  },
);

for (const kind of ["dispynode", "ours"] as const) {
  scenario(
    `a program in a folder below its client's runs (node: ${kind})`,
    { tier: "more", referenceFails: "nodes look for it outside of that folder" },
    async (lab) => {
      await lab.startScheduler();
      await lab.startNode(1, { kind });
      const { events } = await lab.runClient("program.py", { args: ["tools/deep"] });
      equal(events.map((job) => [job.result, job.stdout, job.status]), [
        [0, "args: one|two words\n", JobStatus.Finished],
        [3, "args: one|two words\n", JobStatus.Finished],
      ]);
    },
  );
}

scenario(
  "200 jobs over 3 nodes: each its own result, all nodes used, none over its CPUs",
  { tier: "core", limitMs: 90_000 },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(3);
    const { events } = await lab.runClient("many.py", {
      args: ["--jobs", 200, "--seconds", 0.1, "--wait-nodes", 3],
    });
    const jobs = events.filter((line) => line.event === "job");
    equal(jobs.map((job) => job.result.square), Array.from({ length: 200 }, (_, n) => n * n));
    for (const job of jobs) equal(job.node, job.result.node);
    const spans = jobSpans(jobs);
    for (const address of [1, 2, 3].map((n) => lab.node(n))) {
      const there = spans.filter((span) => span.node === address);
      ok(there.length > 20, `${address} got only ${there.length} of 200 jobs`);
      ok(mostAtOnce(there) <= NODE_CPUS, `${address} ran ${mostAtOnce(there)} jobs at once`);
    }
  },
);
