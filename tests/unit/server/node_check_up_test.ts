/** What a closer look at a node comes to, by what the node answers. */

import { assertEquals } from "@std/assert/equals.js";
import * as core from "../../../src/core/mod.ts";
import { NodeCheckUp } from "../../../src/server/node_check_up.ts";
import {
  ACK,
  AUTH_LENGTH_BYTES,
  encodeIntAnswer,
  type MessageStream,
  tagOf,
} from "../../../src/wire/mod.ts";
import { Bench, HOST } from "./bench.ts";

const ENCODER = new TextEncoder();
const FOUND = (what: string) =>
  ENCODER.encode(
    `loading "depends" failed with Traceback …\nException: dispyscheduler found: ${what}`,
  );

/** What was asked of a node that answers so to `COMPUTE:` and `SETUP:`, and what came of it. */
async function look(
  { version = "4.15.2", platform = "Linux", cpus = 2, setup }: {
    readonly version?: string;
    readonly platform?: string;
    readonly cpus?: number;
    readonly setup: Uint8Array | null;
  },
): Promise<{ tags: string[]; isGone: boolean; isHealed: boolean; isBeingAsked: boolean }> {
  await using bench = new Bench();
  const tags: string[] = [];
  const listener = bench.listen(async (stream: MessageStream) => {
    await stream.readExactly(AUTH_LENGTH_BYTES);
    const tag = tagOf(await stream.readMessage(1 << 20));
    tags.push(tag);
    if (tag === "COMPUTE") await stream.writeMessage(encodeIntAnswer(cpus));
    else if (tag === "CLOSE") await stream.writeMessage(ACK);
    else if (setup !== null) await stream.writeMessage(setup);
  });
  const { context } = bench;
  const node = context.engine.post((core_, nowMs) =>
    core.onNodeFound(core_, {
      ...{ ipAddr: HOST, port: listener.port, sign: "sign", name: "node", cpus: 2 },
      ...{ platform, version, schedulerIpAddr: HOST, schedulerPort: 9700, availInfo: null },
    }, nowMs)
  );
  node.isCheckedUp = true;
  node.checkUps = 5;
  await new NodeCheckUp(context, bench.nodeLink).run(node);
  const isGone = !context.engine.core.nodes.has(HOST);
  return { tags, isGone, isHealed: node.checkUps === 1, isBeingAsked: node.isCheckedUp };
}

Deno.test("a node whose thread lives is left alone, one that was healed is looked after", async () => {
  const tags = ["COMPUTE", "SETUP"];
  const well = { tags, isGone: false, isHealed: false, isBeingAsked: false };
  assertEquals(await look({ setup: FOUND("well 0") }), well);
  assertEquals(await look({ setup: FOUND("healed 2") }), { ...well, isHealed: true });
});

Deno.test("a node that cannot be healed is given up", async () => {
  assertEquals((await look({ setup: FOUND("mute 0") })).isGone, true);
});

Deno.test("up to 4.14 a busy node takes a computation with 0, and silence says that it was healed", async () => {
  const old = { version: "4.14.0", cpus: 0 };
  assertEquals((await look({ ...old, setup: ACK })).isHealed, false);
  const healed = await look({ ...old, setup: null });
  assertEquals([healed.isHealed, healed.isGone], [true, false]);
  assertEquals(healed.tags, ["COMPUTE", "SETUP", "CLOSE"]);
});

Deno.test("what cannot be told changes nothing: no answer, another answer, a refusal", async () => {
  for (const odd of [{ setup: null }, { setup: ENCODER.encode("NAK") }, { cpus: 0, setup: ACK }]) {
    const { isGone, isHealed, isBeingAsked } = await look(odd);
    assertEquals([isGone, isHealed, isBeingAsked], [false, false, false]);
  }
});

Deno.test("nodes of ours, and those before 4.10, are not looked at", async () => {
  assertEquals((await look({ platform: "Linux typescript/1", setup: ACK })).tags, []);
  assertEquals((await look({ version: "4.9.1", setup: ACK })).tags, []);
});
