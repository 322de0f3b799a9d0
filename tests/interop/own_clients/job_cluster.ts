/** A cluster without a scheduler beside it; options of `JobCluster.open` as a JSON object. */

import { JobCluster, python } from "../../../src/client/mod.ts";
import { emit, Nodes, report } from "./peer.ts";

const { waitNodes = 1, ...options } = JSON.parse(Deno.args[0] ?? "{}");
const computation = python<[number], unknown>({
  code: `
def work(number):
    import time
    time.sleep(0.1)
    return [number, dispy_provisional_result(number)]
`,
});
const nodes = new Nodes();
let cluster;
try {
  cluster = await JobCluster.open({ computation, ...options, onNode: nodes.onNode });
} catch (error) {
  emit("refused", { error: (error as Error).name, message: (error as Error).message });
  Deno.exit(3);
}
await nodes.untilReady(waitNodes);
await report(Array.from({ length: 8 }, (_, number) => cluster.submit([number])));
await cluster.close();
emit("closed");
