/** TypeScript functions of our own client at our own nodes. */

import { deepStrictEqual as equal, match } from "node:assert/strict";
import { scenario } from "./harness/scenario.ts";
import { runOwnClient } from "./own_clients/start.ts";

scenario(
  "own client: TypeScript functions run on our nodes, and on them alone",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1, { kind: "ours" });
    await lab.startNode(2, { kind: "dispynode" });
    const folder = await lab.folder("received");
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
  },
);
