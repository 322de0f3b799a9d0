/** A computation is taken only from a client that can be told what becomes of it. */

import { ClientReleases } from "../../../src/server/dialects.ts";
import { assertEquals } from "@std/assert/equals.js";
import { assertStringIncludes } from "@std/assert/string_includes.js";
import { ComputationIntake } from "../../../src/server/computation_intake.ts";
import type { Context } from "../../../src/server/context.ts";
import type { MessageStream } from "../../../src/wire/mod.ts";
import { Bench, HOST } from "./bench.ts";
import { REQUEST } from "./run.ts";

/** What a client on the scheduler's machine is told that has said `localhost`, and where it is. */
async function answerTo(
  bench: Bench,
  jobResultPort: number,
  ownAddresses = ["192.0.2.1"],
): Promise<string> {
  const known = ownAddresses.map((address) => ({ address, external: null }));
  const context: Context = { ...bench.context, addresses: { ...bench.context.addresses, known } };
  const told: string[] = [];
  const stream = {
    remoteAddr: { hostname: HOST, port: 1 },
    localAddr: { hostname: HOST, port: 2 },
    writeMessage: (...chunks: Uint8Array[]) =>
      Promise.resolve(
        void told.push(chunks.map((each) => new TextDecoder().decode(each)).join("")),
      ),
  } as unknown as MessageStream;
  const compute = { ...REQUEST.compute, xferFiles: [], schedulerIpAddr: HOST, jobResultPort };
  const nodeAllocs = REQUEST.nodeAllocs.map((each) => ({ ...each, host: "*", depends: [] }));
  await new ComputationIntake(context, new ClientReleases()).take(stream, {
    ...REQUEST,
    compute,
    nodeAllocs,
  }, 100);
  return told.join();
}

Deno.test("a client that listens at another address of its machine is told so, and does not wait", async () => {
  await using bench = new Bench();
  assertStringIncludes(await answerTo(bench, closedPort()), "scheduler_host=THAT ADDRESS");
  // Where the scheduler may not look for its own addresses, it knows none.
  assertStringIncludes(await answerTo(bench, closedPort(), []), "scheduler_host=THAT ADDRESS");
  assertEquals([...bench.context.engine.core.clusters.values()].length, 0);
});

Deno.test("a client that listens where it says is served", async () => {
  await using bench = new Bench();
  const { port } = bench.listen((stream) => stream.waitForClose());
  assertStringIncludes(await answerTo(bench, port), "compute_id");
  assertEquals([...bench.context.engine.core.clusters.values()].length, 1);
});

/** A port at which nobody listens. */
function closedPort(): number {
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}
