/** Nodes that live, have jobs and send no results are looked at; those that never will are given up. */

import { assertEquals } from "@std/assert/equals.js";
import * as core from "../../../src/core/mod.ts";
import { Scene } from "./scene.ts";

function scene() {
  const s = new Scene();
  const node = s.node("10.0.0.2", 2);
  const cluster = s.cluster({ reentrant: true });
  return { s, node, cluster };
}

/** When nodes were looked at in the next `ms`, from now on, with `answer` each time. */
function looksWithin(s: Scene, ms: number, answer: core.CheckUpAnswer): number[] {
  const looks: number[] = [];
  const beginMs = s.nowMs;
  while (s.nowMs < beginMs + ms) {
    s.pass(500);
    for (const { node } of s.effectsOf("checkUpNode")) {
      looks.push(s.nowMs - beginMs);
      s.on((c, nowMs) => core.onNodeCheckedUp(c, node, answer, nowMs));
    }
  }
  return looks;
}

/** A job that has taken so long, by its node's account. */
function done(s: Scene, cluster: core.Cluster, seconds: number): void {
  s.reply(s.running(cluster), { startTimeS: 100, endTimeS: 100 + seconds });
}

Deno.test("a node without jobs is not looked at, nor one whose jobs take what jobs take", () => {
  const { s, cluster } = scene();
  assertEquals(looksWithin(s, 120_000, "well"), []);
  for (let i = 0; i < 5; i++) done(s, cluster, 1);
  const job = s.running(cluster);
  assertEquals(looksWithin(s, 19_000, "well"), []);
  s.reply(job);
  assertEquals(looksWithin(s, 120_000, "well"), []);
});

Deno.test("a node is looked at once a job runs for 20 times as long as others did, 2 s at least", () => {
  for (const [seconds, looksMs] of [[0.01, 2_000], [0.5, 10_000], [600, 30_000]] as const) {
    const { s, cluster } = scene();
    done(s, cluster, seconds);
    s.running(cluster);
    assertEquals(looksWithin(s, looksMs + 500, "well")[0], looksMs);
  }
});

Deno.test("of a cluster without results it is not known how long jobs take: 30 s pass first", () => {
  const { s, cluster } = scene();
  s.running(cluster);
  assertEquals(looksWithin(s, 30_500, "well"), [30_000]);
});

Deno.test("another job's result shows that results leave the node", () => {
  const { s, cluster } = scene();
  s.running(cluster);
  for (let i = 0; i < 10; i++) {
    assertEquals(looksWithin(s, 20_000, "well"), []);
    done(s, cluster, 100);
  }
});

Deno.test("a node that is well is looked at ever more rarely, until a result comes", () => {
  const { s, cluster } = scene();
  const job = s.running(cluster);
  const looks = looksWithin(s, 3 * 3_600_000, "well");
  const waits = looks.slice(1).map((at, i) => Math.round((at - looks[i]!) / 15_000));
  assertEquals(waits.slice(0, 7), [1, 2, 4, 8, 16, 32, 40]);
  assertEquals(new Set(waits.slice(7)), new Set([40]));
  s.reply(job, { startTimeS: 0, endTimeS: 10_000 });
  s.running(cluster);
  assertEquals(looksWithin(s, 640_000, "well").length > 3, true);
});

Deno.test("one look at a node at a time", () => {
  const { s, cluster } = scene();
  s.running(cluster);
  s.pass(300_000);
  assertEquals(s.effectsOf("checkUpNode").length, 1);
});

Deno.test("what a healed node has kept is asked for", () => {
  const { s, node, cluster } = scene();
  s.running(cluster);
  s.pass(31_000);
  s.on((c, nowMs) => core.onNodeCheckedUp(c, node, "healed", nowMs));
  s.on((c, nowMs) => core.onNodeInventoried(c, node, { kind: "alive", running: new Set() }, nowMs));
  assertEquals(node.inventory !== null, true);
});

Deno.test("a node that stays mute is given up, and its jobs run elsewhere", () => {
  const { s, node, cluster } = scene();
  const job = s.running(cluster);
  s.node("10.0.0.3", 1);
  s.pass(31_000);
  s.on((c, nowMs) => core.onNodeCheckedUp(c, node, "mute", nowMs));
  assertEquals(s.core.nodes.has(node.ipAddr), false);
  assertEquals([job.state, job.share?.node.ipAddr], ["assigned", "10.0.0.3"]);
});

Deno.test("clients of jobs that may not run twice are told that the node was mute", () => {
  const s = new Scene();
  const node = s.node("10.0.0.2", 1);
  const job = s.running(s.cluster());
  s.pass(31_000);
  s.on((c, nowMs) => core.onNodeCheckedUp(c, node, "mute", nowMs));
  const [told] = s.effectsOf("deliver");
  assertEquals([told?.delivery.uid, told?.delivery.status], [job.uid, core.Outcome.Cancelled]);
  assertEquals(
    told?.delivery.reason,
    "node 10.0.0.2 is gone: it sends no results any more; it must be restarted",
  );
});

Deno.test("a node is looked at that says for 30 s that it is busy, with CPUs that nobody uses", () => {
  const { s, node, cluster } = scene();
  const job = s.submit(cluster);
  const refuse = () => {
    if (job.state === "assigned") s.refused(job, "busy");
  };
  let looks = 0;
  for (let seconds = 0; seconds < 29; seconds++) {
    refuse();
    s.pass(1_000);
    looks += s.effectsOf("checkUpNode").length;
  }
  assertEquals(looks, 0);
  refuse();
  s.pass(2_000);
  assertEquals(s.effectsOf("checkUpNode").map((effect) => effect.node), [node]);
});

Deno.test("a node is looked at that does not close a computation without jobs", () => {
  const { s, node, cluster } = scene();
  s.close(cluster);
  s.pass(29_000);
  assertEquals(s.effectsOf("checkUpNode"), []);
  s.pass(2_000);
  assertEquals(s.effectsOf("checkUpNode").map((effect) => effect.node), [node]);
});

Deno.test("answers about a node that is known no longer change nothing", () => {
  const { s, node, cluster } = scene();
  s.running(cluster);
  s.pass(31_000);
  s.on((c, nowMs) => core.onNodeTerminated(c, node, nowMs));
  s.on((c, nowMs) => core.onNodeCheckedUp(c, node, "mute", nowMs));
  assertEquals(s.effects, []);
});
