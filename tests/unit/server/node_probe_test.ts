/** What nodes are asked always comes to an answer. */

import { assertEquals } from "@std/assert/equals.js";
import type { Context } from "../../../src/server/context.ts";
import { Engine } from "../../../src/server/engine.ts";
import { NodeProbe } from "../../../src/server/node_probe.ts";
import type { NodeLink } from "../../../src/server/node_link.ts";
import type { ResultIntake } from "../../../src/server/result_intake.ts";
import { restarted } from "../core/restarted.ts";
import {
  AUTH_LENGTH_BYTES,
  decodeToNode,
  encodeUidsAnswer,
  type MessageStream,
} from "../../../src/wire/mod.ts";
import { Scene } from "../core/scene.ts";
import { Bench, HOST } from "./bench.ts";

Deno.test("a node is asked again where asking it failed by our own fault", async () => {
  const before = new Scene();
  before.node("10.0.0.2", 1);
  before.running(before.cluster());
  const { core } = restarted(before);
  const [node] = core.nodes.values();
  assertEquals(node!.inventory?.isUnderWay, true);
  node!.isProbed = true;
  const nodeLink = {
    jobsAt: () => Promise.reject(new Error("cluster 1 has no computation")),
  } as unknown as NodeLink;
  const context = { engine: new Engine(core) } as unknown as Context;
  const probe = new NodeProbe(context, nodeLink, {} as ResultIntake);
  await probe.takeInventory(node!);
  await probe.probe(node!);
  assertEquals([node!.inventory?.isUnderWay, node!.isProbed], [false, false]);
});

Deno.test("a node that nobody uses is asked for the jobs of no computation", async () => {
  await using bench = new Bench();
  const answers: Array<Uint8Array | null> = [encodeUidsAnswer([]), null];
  const asked: unknown[] = [];
  const listener = bench.listen(async (stream: MessageStream) => {
    await stream.readExactly(AUTH_LENGTH_BYTES);
    asked.push(decodeToNode(await stream.readMessage(1 << 20)));
    const answer = answers.shift();
    if (answer) await stream.writeMessage(answer);
  });
  const node = bench.node(HOST, listener.port);
  const probe = new NodeProbe(bench.context, bench.nodeLink, {} as ResultIntake);
  await probe.probe(node);
  assertEquals([node.probesRefused, node.probesSilent], [0, 0]);
  assertEquals(asked, [{ kind: "JOBS", computeId: 0, auth: "" }]);
  // Another program, or a node that was started again, hangs up.
  await probe.probe(node);
  assertEquals([node.probesRefused, node.probesSilent], [1, 0]);
});
