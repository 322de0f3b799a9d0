/** The scheduler needs no more permissions than it says. */

import { deepStrictEqual as equal } from "node:assert/strict";
import { JobStatus } from "./harness/jobs.ts";
import { SCHEDULER } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

if (SCHEDULER === "ours") {
  scenario(
    "with --allow-net and --allow-write alone function jobs with files and modules run",
    { tier: "core" },
    async (lab) => {
      await lab.startSchedulerAs(
        [
          "deno",
          "run",
          "--no-prompt",
          "--allow-net",
          "--allow-write",
          "main.ts",
          "-n",
          lab.node(1),
        ],
        lab.root,
      );
      await lab.startNode(1);
      const { events } = await lab.runClient("depends.py");
      equal(events.map((job) => [job.status, job.result?.words]), [
        ...[0, 1, 2, 3].map(() => [JobStatus.Finished, ["one", "two", "three"]]),
      ]);
      const many = await lab.runClient("many.py", { args: ["--jobs", 20] });
      equal(many.events.filter((line) => line.event === "job").length, 20);
    },
  );
}
