/** Nodes that have jobs and are silent are asked whether they are there. */

import { assertEquals } from "@std/assert/equals.js";
import * as core from "../../../src/core/mod.ts";
import { Scene } from "./scene.ts";

/** Pulses every 12 minutes, as without `--pulse_interval`. */
function scene() {
  const s = new Scene({ pulseIntervalMs: 720_000 });
  const node = s.node("10.0.0.2", 1);
  const cluster = s.cluster({ reentrant: true });
  return { s, node, cluster };
}

function probed(s: Scene, node: core.Node, answer: core.ProbeAnswer): void {
  s.on((c, nowMs) => core.onNodeProbed(c, node, answer, nowMs));
}

/** How often nodes were asked in the next `ms`, with `answer` each time. */
function probesWithin(s: Scene, ms: number, answer: core.ProbeAnswer): number {
  let probes = 0;
  for (const endMs = s.nowMs + ms; s.nowMs < endMs;) {
    s.pass(500);
    for (const { node } of s.effectsOf("probeNode")) {
      probes++;
      probed(s, node, answer);
    }
  }
  return probes;
}

Deno.test("an idle node that is silent is asked every two minutes, one that was heard of is not", () => {
  const { s, node, cluster } = scene();
  assertEquals(probesWithin(s, 119_000, "alive"), 0);
  assertEquals(probesWithin(s, 600_000, "alive"), 5);
  s.running(cluster);
  for (let seconds = 0; seconds < 300; seconds += 20) {
    s.on((c, nowMs) => core.onNodePulse(c, node.ipAddr, null, nowMs));
    assertEquals(probesWithin(s, 20_000, "alive"), 0);
  }
});

Deno.test("an idle node is gone after three refusals, or three questions without an answer", () => {
  for (const answer of ["refused", "silent"] as const) {
    const { s, node, cluster } = scene();
    probesWithin(s, 120_500, answer);
    assertEquals(core.nodeState(s.core, node, s.nowMs), "not_answering");
    assertEquals(probesWithin(s, 5_000, answer), 2);
    assertEquals(s.core.nodes.has(node.ipAddr), false);
    assertEquals(cluster.lostNodes.size, 1);
  }
});

Deno.test("a node that sets up a computation may be silent for long", () => {
  const s = new Scene({ pulseIntervalMs: 720_000 });
  const node = s.found("10.0.0.2", 1);
  const cluster = s.announcing();
  s.on((c, nowMs) => core.onClusterAnnounced(c, cluster, nowMs));
  assertEquals(probesWithin(s, 600_000, "silent") > 10, true);
  assertEquals(s.core.nodes.has(node.ipAddr), true);
});

Deno.test("how a node is: ready, drained, silent, unconfirmed", () => {
  const s = new Scene({ pulseIntervalMs: 1_000 });
  const node = s.node("10.0.0.2", 1);
  s.cluster();
  const state = () => core.nodeState(s.core, node, s.nowMs);
  assertEquals(state(), "ready");
  s.on((c) => core.onNodeLimited(c, node.ipAddr, 0));
  assertEquals(state(), "drained");
  s.on((c) => core.onNodeLimited(c, node.ipAddr, null));
  s.pass(3_000);
  assertEquals(state(), "silent");
  s.on((c, nowMs) => core.onNodePulse(c, node.ipAddr, null, nowMs));
  assertEquals(state(), "ready");
});

Deno.test("a node with a job that is silent for 30 s is asked every 30 s, one question at a time", () => {
  const { s, cluster } = scene();
  s.running(cluster);
  assertEquals(probesWithin(s, 29_000, "alive"), 0);
  assertEquals(probesWithin(s, 301_000, "alive"), 11);
  s.pass(60_000);
  assertEquals(s.effectsOf("probeNode").length, 1, "no answer has come yet");
  s.pass(60_000);
  assertEquals(s.effectsOf("probeNode").length, 0);
});

Deno.test("a node that refuses three times in a row is gone, and its jobs run elsewhere", () => {
  const { s, node, cluster } = scene();
  const job = s.running(cluster);
  s.pass(31_000);
  s.node("10.0.0.3", 1);
  probed(s, node, "refused");
  assertEquals(s.core.nodes.has(node.ipAddr), true);
  assertEquals(probesWithin(s, 4_500, "refused"), 2);
  assertEquals(s.core.nodes.has(node.ipAddr), false);
  assertEquals([job.state, job.share?.node.ipAddr], ["assigned", "10.0.0.3"]);
});

Deno.test("an answer in between makes up for refusals", () => {
  const { s, node, cluster } = scene();
  s.running(cluster);
  for (const answer of ["refused", "refused", "alive", "refused", "refused", "silent"] as const) {
    probesWithin(s, 31_000, answer);
    if (answer === "refused") probed(s, node, "alive");
  }
  assertEquals(s.core.nodes.has(node.ipAddr), true);
});

Deno.test("a node that does not answer is given up by its missing pulses only", () => {
  const { s, node, cluster } = scene();
  s.running(cluster);
  probesWithin(s, 5 * 720_000 - 1_000, "silent");
  assertEquals(s.core.nodes.has(node.ipAddr), true);
  probesWithin(s, 2_000, "silent");
  assertEquals(s.core.nodes.has(node.ipAddr), false);
});

Deno.test("answers about a node that is known no longer change nothing", () => {
  const { s, node, cluster } = scene();
  s.running(cluster);
  s.pass(31_000);
  s.on((c, nowMs) => core.onNodeTerminated(c, node, nowMs));
  for (let i = 0; i < 5; i++) probed(s, node, "refused");
  assertEquals(s.effects, []);
});
