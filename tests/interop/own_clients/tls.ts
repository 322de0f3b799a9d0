/** Jobs over TLS or without it, with a file to depend on. Options as JSON, size of a result. */

import { createHash } from "node:crypto";
import { python, SharedJobCluster, type TlsOptions } from "../../../src/client/mod.ts";
import { emit } from "./peer.ts";

const size = Number(Deno.args[1] ?? 10);
const options: { tls?: TlsOptions } = JSON.parse(Deno.args[0] ?? "{}");
await Deno.writeTextFile("words.txt", "one two three\n");
const computation = python<
  [number, number],
  { words: string[]; data: Uint8Array; digest: string; node: string }
>({
  code: `
def grown(number, size):
    import hashlib
    import time
    time.sleep(0.03)
    with open('words.txt') as fd:
        words = fd.read().split()
    data = bytes([number]) * size
    return {'words': words, 'data': data, 'digest': hashlib.sha256(data).hexdigest(),
            'node': dispy_node_ip_addr}
`,
  depends: ["words.txt"],
});
let cluster;
try {
  cluster = await SharedJobCluster.open({ computation, timeoutMs: 5_000, ...options });
} catch (error) {
  emit("refused", { error: (error as Error).name, message: (error as Error).message });
  Deno.exit(3);
}
for (const number of [0, 1, 2, 3]) {
  const job = cluster.submit([number, number === 0 ? size : 10]);
  const { words, data, digest, node } = await job.result;
  const intact = createHash("sha256").update(data).digest("hex") === digest;
  emit("job", { size: data.length, intact, words, node });
}
await cluster.close();
