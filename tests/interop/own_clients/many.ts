/** Many short jobs, through `map`; options: a JSON object. */

import { python, SharedJobCluster } from "../../../src/client/mod.ts";
import { described, emit, Nodes, untilGo } from "./peer.ts";

const options = {
  jobs: 10,
  seconds: 0.05,
  waitNodes: 1,
  concurrency: 1000,
  ordered: false,
  exclusive: false,
  secret: "",
  stay: false,
  ...JSON.parse(Deno.args[0] ?? "{}"),
};

interface Worked {
  number: number;
  square: number;
  node: string;
  start: number;
  end: number;
}

const computation = python<[number, number], Worked>({
  code: `
def work(number, seconds):
    import time
    start = time.time()
    time.sleep(seconds)
    return {'tag': 'a', 'number': number, 'square': number * number, 'node': dispy_node_ip_addr,
            'start': start, 'end': time.time()}
`,
});

const nodes = new Nodes();
let cluster;
try {
  cluster = await SharedJobCluster.open({
    computation,
    exclusive: options.exclusive,
    clusterSecret: options.secret,
    onNode: nodes.onNode,
  });
} catch (error) {
  emit("refused", { error: (error as Error).name, message: (error as Error).message });
  Deno.exit(3);
}
emit("created");
await nodes.untilReady(options.waitNodes);
const inputs = Array.from(
  { length: options.jobs },
  (_, number): [number, number] => [number, options.seconds],
);
let most = 0;
for await (const job of cluster.map(inputs, options)) {
  most = Math.max(most, cluster.pendingJobs);
  emit("job", await described(job));
}
emit("done", { most });
if (options.stay) await untilGo();
await cluster.close();
Deno.exit(0);
