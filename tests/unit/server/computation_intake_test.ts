/** A computation is taken only from a client that can be told what becomes of it. */

import { ClientReleases } from "../../../src/server/dialects.ts";
import { assertEquals } from "@std/assert/equals.js";
import { concat } from "@std/bytes/concat.js";
import { assertMatch } from "@std/assert/match.js";
import { assertStringIncludes } from "@std/assert/string_includes.js";
import { ComputationIntake } from "../../../src/server/computation_intake.ts";
import type { Context } from "../../../src/server/context.ts";
import { decodeClientComputeAnswer, type MessageStream } from "../../../src/wire/mod.ts";
import { onClusterClosed } from "../../../src/core/mod.ts";
import { PyTuple } from "../../../src/pickle/mod.ts";
import type { Computation } from "../../../src/server/computation.ts";
import { COMPUTATION_FORM } from "../../../src/server/payload_forms.ts";
import type { SetupSpec } from "../../../src/server/persistence.ts";
import { Bench, HOST } from "./bench.ts";
import { REQUEST } from "./run.ts";

const MB = 1024 * 1024;

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

/** A connection at which a computation of `codeBytes` comes; the answer, and what it came to. */
async function take(
  bench: Bench,
  { codeBytes = 10, setupBytes = 0, from = HOST }: {
    codeBytes?: number;
    setupBytes?: number;
    from?: string;
  },
): Promise<{ answer: string; computation: Computation | undefined }> {
  const told: Uint8Array[] = [];
  const stream = {
    remoteAddr: { hostname: from, port: 1 },
    localAddr: { hostname: HOST, port: 2 },
    writeMessage: (...chunks: Uint8Array[]) => Promise.resolve(void told.push(concat(chunks))),
  } as unknown as MessageStream;
  // Whatever address a client claims to have: it is charged where it is.
  const compute = {
    ...{ ...REQUEST.compute, xferFiles: [], schedulerIpAddr: `192.0.2.${claims++}` },
    ...{ jobResultPort: 1, code: "#".repeat(codeBytes) },
  };
  const setupArgs = new PyTuple([new Uint8Array(setupBytes)]);
  const nodeAllocs = ["10.0.0.2", "10.0.0.3"].map((host) => ({
    ...{ ...REQUEST.nodeAllocs[0]!, host, depends: [], setupArgs },
  }));
  const intake = new ComputationIntake(bench.context, new ClientReleases());
  await intake.take(stream, { ...REQUEST, compute, nodeAllocs }, 100);
  const answer = decodeClientComputeAnswer(told[0]!);
  if (answer.kind === "refused") return { answer: answer.reason, computation: undefined };
  const computation = bench.context.computations.get(answer.computeId);
  return { answer: answer.kind, computation };
}

let claims = 1;

Deno.test("computations with much code are refused with the reason, and taken again when others are over", async () => {
  await using bench = new Bench({ memoryBudgetBytes: 64 * MB });
  // 64 MB * 3/8 for what is kept, 3/4 of it for what is new, half of that for one address.
  const first = await take(bench, { codeBytes: 8 * MB });
  assertEquals(first.answer, "accepted");
  const { answer } = await take(bench, { codeBytes: 8 * MB });
  assertMatch(answer, /takes 83\d+ bytes already and this computation 83\d+; the limit for one/);
  assertEquals((await take(bench, { codeBytes: 8 * MB, from: "127.0.0.2" })).answer, "accepted");
  bench.context.engine.post((core, nowMs) =>
    onClusterClosed(core, first.computation!.cluster, true, nowMs)
  );
  bench.forgetClusters();
  assertEquals((await take(bench, { codeBytes: 8 * MB })).answer, "accepted");
});

Deno.test("small computations are refused with the reason once there are too many", async () => {
  await using bench = new Bench({ memoryBudgetBytes: 8 * MB });
  const answers: string[] = [];
  for (let count = 0; count < 100; count++) answers.push((await take(bench, {})).answer);
  const taken = answers.filter((answer) => answer === "accepted").length;
  assertEquals(taken > 20 && taken < 50, true, `${taken} were taken`);
  assertMatch(answers.at(-1)!, /described in memory for 127\.0\.0\.1 takes \d+ bytes already/);
  const { residentBytes, limits } = bench.context.payloads.budget;
  assertEquals(residentBytes <= limits.residentBytes, true);
  for (const { cluster } of bench.context.computations) {
    bench.context.engine.post((core, nowMs) => onClusterClosed(core, cluster, true, nowMs));
  }
  bench.forgetClusters();
  assertEquals(bench.context.payloads.budget.residentBytes, 0);
  assertEquals(bench.context.payloads.budget.keptBytes, 0);
});

Deno.test("code and large arguments of setups are no part of what stays in memory", async () => {
  await using bench = new Bench();
  const { computation } = await take(bench, { codeBytes: MB, setupBytes: MB });
  const { compute, cluster, kept, holding } = computation!;
  assertEquals([compute.code, holding.size.residentBytes < 20_000], ["", true]);
  const setups = cluster.allocations.map(({ setup }) => setup as SetupSpec);
  assertEquals(setups.map(({ setupArgs, argsAt }) => [setupArgs.items.length, argsAt]), [
    [0, 0],
    [0, 1],
  ]);
  using loan = await kept.lend();
  const whole = await loan.read();
  assertEquals([whole.compute.code.length, whole.setupArgs.length], [MB, 2]);
  // What both nodes are given is one object, and is written once.
  assertEquals(COMPUTATION_FORM.sizeOf(whole) < 2.1 * MB, true);
});

Deno.test("arguments that are short stay where they are", async () => {
  await using bench = new Bench();
  const { computation } = await take(bench, { setupBytes: 100 });
  const setups = computation!.cluster.allocations.map(({ setup }) => setup as SetupSpec);
  assertEquals(setups.map(({ argsAt, setupArgs }) => [argsAt, setupArgs.items.length]), [
    [null, 1],
    [null, 1],
  ]);
});

/** A port at which nobody listens. */
function closedPort(): number {
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}
