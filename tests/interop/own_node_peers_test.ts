/** Our node with all who may use it: our scheduler, dispy's own, and a client with a JobCluster. */

import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import { Driven } from "./harness/driven.ts";
import { everything } from "./harness/everything.ts";
import { JobStatus } from "./harness/jobs.ts";
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
  "all that jobs can do works at our node with --job_user, by our scheduler",
  {
    tier: "more",
    lacking: Deno.uid() === 0 ? undefined : "only root can run jobs as another user",
  },
  async (lab) => {
    await lab.startScheduler({ kind: "ours" });
    await everything(lab, {
      cluster: "shared",
      kinds: ["ours"],
      nodeArgs: ["--job_user", "nobody", "--python", "/usr/bin/python3"],
      isOpenToAll: true,
    });
  },
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

scenario(
  "a node without Python gets no Python functions from our scheduler, which says why",
  { tier: "core" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    const none = await lab.startNode(1, { kind: "ours", args: ["--python", "/none"] });
    const client = await Driven.ready(lab, {});
    await client.submit(2, [0]);
    const said = /node not used by a computation.*127\.0\.0\.2.*its platform says no-python/;
    await lab.until("the scheduler says so", () => scheduler.lines.some((line) => said.test(line)));
    await lab.startNode(2, { kind: "ours" });
    equal((await client.results()).map((job) => job.node), [lab.node(2), lab.node(2)]);
    await client.close();
    match(none.lines.join("\n"), /WARN.*Python functions cannot run.*there is no \/none: install/);
    ok(!none.lines.some((line) => /computation (taken|refused)/.test(line)));
  },
);

scenario(
  "a node without Python runs programs",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1, { kind: "ours", args: ["--python", "/none"] });
    const { events } = await lab.runClient("program.py");
    equal(events.map((job) => [job.result, job.status]), [
      [0, JobStatus.Finished],
      [3, JobStatus.Finished],
    ]);
  },
);

scenario(
  "a client's own JobCluster is told why our node without Python is of no use",
  { tier: "more" },
  async (lab) => {
    await lab.startNode(1, { kind: "ours", args: ["--python", "/none"] });
    const client = await lab.startClient("job_cluster.py");
    const said = /there is no \/none: install Python 3\.8 or newer/;
    await lab.until("the client's log says so", () => {
      return client.process.lines.some((line) => said.test(line));
    });
    client.process.kill("SIGKILL");
  },
);
