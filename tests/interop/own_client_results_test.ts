/** What programs with our own client get back from their jobs. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
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
