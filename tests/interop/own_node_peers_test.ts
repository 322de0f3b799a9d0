/** Our node with all who may use it: our scheduler, dispy's own, and a client with a JobCluster. */

import { deepStrictEqual as equal } from "node:assert/strict";
import { everything } from "./harness/everything.ts";
import { scenario } from "./harness/scenario.ts";

for (const kind of ["ours", "reference"] as const) {
  const whose = kind === "ours" ? "our scheduler" : "dispy's own scheduler";
  scenario(
    `all that jobs can do works at our node, by ${whose}`,
    { tier: "core" },
    async (lab) => {
      await lab.startScheduler({ kind });
      await everything(lab, { cluster: "shared", kinds: ["ours"] });
    },
  );
}

scenario(
  "all that jobs can do works at our node, by a client's own JobCluster",
  { tier: "core" },
  (lab) => everything(lab, { cluster: "job", kinds: ["ours"] }),
);

scenario(
  "a node of ours and a dispynode work for one cluster, by our scheduler",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler({ kind: "ours" });
    await everything(lab, { cluster: "shared", kinds: ["ours", "dispynode"] });
  },
);

scenario(
  "a node of ours and a dispynode work for one client's own JobCluster",
  { tier: "more" },
  (lab) => everything(lab, { cluster: "job", kinds: ["dispynode", "ours"] }),
);

scenario(
  "a client's own JobCluster has our node set up a second time, as if it were new",
  { tier: "more" },
  async (lab) => {
    await lab.startNode(1, { kind: "ours", knowsScheduler: false });
    const traces = await lab.folder("traces");
    const { events } = await lab.runClient("reset.py", { args: [traces] });
    const results = events.filter((line) => line.event === "results");
    equal(results.map(({ values, made }) => [values, made]), [
      [[[0, 0], [1, 0]], ["setup-0"]],
      [[[0, 2], [1, 2]], ["cleanup-0", "setup-0", "setup-2"]],
    ]);
  },
);
