/** TypeScript functions at nodes that run them. */

import { SharedJobCluster, typescript } from "../../../src/client/mod.ts";
import { described, emit, Nodes } from "./peer.ts";

interface JobGlobal {
  readonly nodeIpAddr: string;
  provisionalResult(value: unknown): Promise<void>;
  sendFile(path: string): Promise<void>;
  readonly signal: AbortSignal;
}

const folder = Deno.args[0] ?? ".";
const nodes = new Nodes();
const running = Promise.withResolvers<void>();
const cluster = await SharedJobCluster.open({
  computation: typescript(
    async (what: string, values: Map<string, bigint> | null) => {
      const { dispy, prepared } = globalThis as unknown as { dispy: JobGlobal; prepared?: string };
      await new Promise((resolve) => setTimeout(resolve, 30));
      switch (what) {
        case "value":
          return { sum: [...values!.values()].reduce((a, b) => a + b), at: new Date(0), prepared };
        case "throw":
          console.log("before");
          throw new RangeError("out of it");
        case "provisional":
          for (let step = 0; step < 3; step++) await dispy.provisionalResult({ step });
          return dispy.nodeIpAddr;
        case "file":
          await Deno.writeTextFile("made.txt", "made by TypeScript");
          await dispy.sendFile("made.txt");
          return null;
        default:
          await new Promise((resolve) => setTimeout(resolve, 60_000));
          return null;
      }
    },
    {
      setup: (text: string) => {
        Object.assign(globalThis, { prepared: text });
      },
    },
  ),
  nodes: [{ host: "*", setupArgs: ["set up"] }],
  filesFolder: folder,
  onNode: nodes.onNode,
  onJob: (job, event) => {
    if (event === "Running" && job.id === "long") running.resolve();
  },
});
await nodes.untilReady(1);
emit("nodes", { nodes: [...nodes.ready.keys()] });
const value = await cluster.submit(["value", new Map([["a", 2n ** 70n], ["b", 1n]])]).result;
emit("value", { value });
emit("job", await described(cluster.submit(["throw", null])));
const improving = cluster.submit(["provisional", null]);
for await (const result of improving.provisionalResults()) emit("provisional", { result });
emit("job", await described(improving));
emit("job", await described(cluster.submit(["file", null])));
const long = cluster.submit(["long", null], { id: "long" });
await running.promise;
await long.cancel();
emit("job", await described(long));
await cluster.close();
