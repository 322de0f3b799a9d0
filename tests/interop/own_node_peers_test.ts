/** Our node with all who may use it: our scheduler, dispy's own, and a client with a JobCluster. */

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
