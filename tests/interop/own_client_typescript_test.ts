/** TypeScript functions of our own client at our own nodes. */

import { deepStrictEqual as equal, match } from "node:assert/strict";
import { dirname } from "node:path";
import type { Lab } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";
import { runOwnClient } from "./own_clients/start.ts";

async function check(lab: Lab, ...nodeArgs: string[]): Promise<void> {
  const folder = await lab.folder("received");
  // For jobs of another user.
  await Deno.chmod(dirname(folder), 0o711);
  await lab.startScheduler();
  await lab.startNode(1, { kind: "ours", args: nodeArgs });
  await lab.startNode(2, { kind: "dispynode" });
  const { events } = await runOwnClient(lab, "typescript.ts", { args: [folder] });
  const of = (event: string) => events.filter((line) => line.event === event);
  equal(of("nodes").map((line) => line.nodes), [[lab.node(1)]]);
  equal(of("value").map((line) => line.value), [
    { sum: `${2n ** 70n + 1n}n`, at: "1970-01-01T00:00:00.000Z", prepared: "set up" },
  ]);
  const [thrown, improved, sent, long] = of("job");
  equal([thrown?.status, thrown?.error, thrown?.stdout], [
    "Terminated",
    "JobFailedError",
    "before\n",
  ]);
  match(thrown?.message, /RangeError: out of it$/);
  equal(of("provisional").map((line) => line.result), [{ step: 0 }, { step: 1 }, { step: 2 }]);
  equal([improved?.status, improved?.result], ["Finished", lab.node(1)]);
  equal(sent?.status, "Finished");
  equal(await Deno.readTextFile(`${folder}/made.txt`), "made by TypeScript");
  equal(long?.error, "JobCancelledError");
}

scenario(
  "own client: TypeScript functions run on our nodes, and on them alone",
  { tier: "core" },
  (lab) => check(lab),
);

scenario(
  "own client: TypeScript functions run as the user of --job_user",
  {
    tier: "more",
    lacking: Deno.uid() === 0 ? undefined : "only root can run jobs as another user",
  },
  (lab) => check(lab, "--job_user", "nobody", "--allow", "run"),
);
