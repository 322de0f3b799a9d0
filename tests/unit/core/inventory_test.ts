/** After a restart: what became of the jobs that nodes had. */

import { assertEquals } from "@std/assert/equals.js";
import * as core from "../../../src/core/mod.ts";
import { onlyCluster, restarted, sameJob } from "./restarted.ts";
import { Scene } from "./scene.ts";

const { Abandoned, Cancelled, Finished, Terminated } = core.Outcome;

/** A run after another that had one job running, one on its way and one waiting. */
function scene(options: Partial<core.ClusterOptions> = {}) {
  const before = new Scene();
  before.node("10.0.0.2", 2);
  const cluster = before.cluster(options);
  const jobs = [before.running(cluster), before.submit(cluster), before.submit(cluster)];
  const s = restarted(before);
  const [runs, sent, waits] = jobs.map((job) => sameJob(s, job)) as [core.Job, core.Job, core.Job];
  return { s, node: s.core.nodes.get("10.0.0.2")!, runs, sent, waits };
}

type Asked = "silent" | "refused" | readonly core.Job[];

/** The node answers the question that it was asked: these of its jobs run there. */
function answer(s: Scene, node: core.Node, asked: Asked): void {
  const news: core.InventoryAnswer = typeof asked === "string"
    ? { kind: asked }
    : { kind: "alive", running: new Set(asked.map(({ uid }) => uid)) };
  s.on((c, nowMs) => core.onNodeInventoried(c, node, news, nowMs));
}

/** Lets time pass; each time that the node is asked it gives this answer. Returns how often. */
function pass(s: Scene, ms: number, node: core.Node, asked: Asked): number {
  const all: core.Effect[] = [];
  let count = 0;
  for (const endMs = s.nowMs + ms; s.nowMs < endMs;) {
    s.pass(500);
    all.push(...s.effects);
    if (s.effectsOf("inventoryNode").length === 0) continue;
    count++;
    answer(s, node, asked);
    all.push(...s.effects);
  }
  s.effects = all;
  return count;
}

Deno.test("a node is asked at once, and again only after it has answered", () => {
  const { s, node } = scene();
  assertEquals(s.effectsOf("inventoryNode").map((effect) => effect.node), [node]);
  s.pass(30_000);
  assertEquals(s.effectsOf("inventoryNode"), []);
  answer(s, node, []);
  s.pass(1_500);
  assertEquals(s.effectsOf("inventoryNode"), []);
  s.pass(500);
  assertEquals(s.effectsOf("inventoryNode").length, 1);
});

Deno.test("jobs that a node runs go on; of one that was on its way the client is told so", () => {
  const { s, node, runs, sent } = scene();
  answer(s, node, [runs, sent]);
  assertEquals([runs.state, sent.state], ["running", "running"]);
  assertEquals(s.effectsOf("tellJobRunning").map(({ job }) => job.uid), [sent.uid]);
  assertEquals(node.inventory, null);
  assertEquals(pass(s, 30_000, node, []), 0, "nothing is left to be asked");
});

Deno.test("jobs whose results come are done, and their CPUs get the next ones", () => {
  const { s, node, runs, sent, waits } = scene();
  answer(s, node, []);
  assertEquals(s.kinds, [], "it may have run it: nobody else gets it yet");
  s.reply(runs, { nodeIpAddr: node.ipAddr });
  assertEquals(s.results, [[runs.uid, Finished]]);
  assertEquals(s.effectsOf("runJob").map(({ job }) => job.uid), [waits.uid]);
  s.reply(sent, { nodeIpAddr: node.ipAddr });
  assertEquals(s.results, [[sent.uid, Finished]]);
  assertEquals(pass(s, 2_000, node, []), 1);
  assertEquals(node.inventory, null);
});

Deno.test("a job that a node neither runs nor has is lost after three answers and ten seconds", () => {
  const { s, node, runs, sent } = scene();
  answer(s, node, []);
  pass(s, 9_500, node, []);
  assertEquals(s.results, []);
  pass(s, 1_000, node, []);
  assertEquals(s.results, [[runs.uid, Abandoned], [sent.uid, Abandoned]]);
  const reasons = s.effectsOf("deliver").map(({ delivery }) => delivery.reason);
  assertEquals(reasons.every((reason) => reason?.includes("10.0.0.2")), true);
});

Deno.test("silence between the answers does not count as an answer", () => {
  const { s, node } = scene();
  answer(s, node, []);
  pass(s, 60_000, node, "silent");
  assertEquals(s.results, []);
  pass(s, 2_000, node, []);
  assertEquals(s.results, [], "the second");
  pass(s, 2_000, node, []);
  assertEquals(s.results.length, 2, "the third");
});

Deno.test("lost jobs that may run twice do so, before those that came later", () => {
  const { s, node, runs, sent, waits } = scene({ reentrant: true });
  answer(s, node, []);
  pass(s, 10_500, node, []);
  assertEquals(s.results, []);
  assertEquals(s.effectsOf("runJob").map(({ job }) => job.uid), [runs.uid, sent.uid]);
  assertEquals(waits.state, "queued");
  assertEquals(onlyCluster(s).jobs.size, 3);
});

Deno.test("a lost job that was to be ended is reported Terminated, and does not run again", () => {
  const { s, node, runs } = scene({ reentrant: true });
  s.cancel(runs);
  answer(s, node, []);
  assertEquals(s.results, []);
  pass(s, 2_000, node, []);
  assertEquals(s.results, [[runs.uid, Terminated]]);
});

Deno.test("a job that was cancelled before the restart is ended once its node says that it runs", () => {
  const before = new Scene();
  before.node("10.0.0.2", 2);
  const cluster = before.cluster();
  const [running, sent] = [before.running(cluster), before.submit(cluster)];
  before.cancel(running);
  before.cancel(sent);
  const s = restarted(before);
  const node = s.core.nodes.get("10.0.0.2")!;
  const jobs = [sameJob(s, running), sameJob(s, sent)];
  answer(s, node, jobs);
  const told = s.effectsOf("terminateJob").map(({ job }) => job.uid);
  assertEquals(told, jobs.map(({ uid }) => uid));
});

Deno.test("a node that refuses three times in a row is gone with its jobs", () => {
  for (const reentrant of [false, true]) {
    const { s, node, runs, sent } = scene({ reentrant });
    answer(s, node, "refused");
    pass(s, 2_000, node, "refused");
    assertEquals(s.core.nodes.size, 1);
    pass(s, 2_000, node, "refused");
    assertEquals(s.core.nodes.size, 0);
    if (reentrant) assertEquals([runs.state, sent.state], ["queued", "queued"]);
    else assertEquals(s.results, [[runs.uid, Cancelled], [sent.uid, Cancelled]]);
    assertEquals(s.core.inventoried.size, 0);
  }
});

Deno.test("a node that has refused and is there again is not gone", () => {
  const { s, node, runs, sent } = scene();
  answer(s, node, "refused");
  pass(s, 2_000, node, "refused");
  pass(s, 2_000, node, [runs]);
  pass(s, 4_000, node, "refused");
  assertEquals(s.core.nodes.size, 1);
  assertEquals([runs.state, sent.state], ["running", "assigned"]);
});

Deno.test("a node that was restarted meanwhile loses its jobs when it shows up, and gets new ones", () => {
  const { s, runs, sent, waits } = scene({ reentrant: true });
  s.found("10.0.0.2", 2, { sign: "another sign" });
  assertEquals([runs.state, sent.state, waits.state], ["queued", "queued", "queued"]);
  s.ready();
  assertEquals([runs.state, sent.state, waits.state], ["assigned", "assigned", "queued"]);
});

Deno.test("a node that shows up by itself gets jobs at once, and is asked for those it had all the same", () => {
  const { s, node, runs, sent, waits } = scene();
  s.reply(runs, { nodeIpAddr: node.ipAddr });
  assertEquals(waits.state, "queued");
  s.found("10.0.0.2", 2);
  assertEquals(s.effectsOf("runJob").map(({ job }) => job.uid), [waits.uid]);
  assertEquals(sent.isUnaccounted, true);
  answer(s, node, [sent]);
  assertEquals(sent.state, "running");
});

Deno.test("an answer of a node that was given up meanwhile changes nothing", () => {
  const { s, node, runs } = scene();
  s.on((c, nowMs) => core.onNodeTerminated(c, node, nowMs));
  answer(s, node, [runs]);
  assertEquals(s.effects, []);
});

Deno.test("jobs that run for long are looked after; one that its node has forgotten is reported", () => {
  const s = new Scene();
  const node = s.node("10.0.0.2", 2);
  const cluster = s.cluster();
  const [here, forgotten] = [s.running(cluster), s.running(cluster)];
  assertEquals(pass(s, 29_000, node, [here]), 0);
  assertEquals(pass(s, 20_000, node, [here]) >= 3, true);
  assertEquals(s.results, [[forgotten.uid, Abandoned]]);
  assertEquals([here.state, node.inventory], ["running", null]);
});

/** A scene with a node that pulses, and as many jobs as run there. */
function pulsing(jobs: number) {
  const s = new Scene({ pulseIntervalMs: 10_000 });
  const node = s.node("10.0.0.2", jobs);
  const cluster = s.cluster();
  const running = Array.from({ length: jobs }, () => s.running(cluster));
  const pulse = () => s.on((c, nowMs) => core.onNodePulse(c, node.ipAddr, null, nowMs));
  return { s, node, running, pulse };
}

Deno.test("a node that is heard of again after it has missed pulses is asked at once", () => {
  for (const how of ["pulse", "reply"]) {
    const { s, node, running: [here, over], pulse } = pulsing(2);
    s.pass(25_500);
    assertEquals(s.effectsOf("inventoryNode"), []);
    if (how === "pulse") pulse();
    else s.reply(over!);
    s.pass(500);
    assertEquals(s.effectsOf("inventoryNode").map((effect) => effect.node), [node], how);
    answer(s, node, [here!]);
    if (how === "pulse") s.reply(over!);
    s.pass(3_000);
    if (how === "pulse") answer(s, node, [here!]);
    assertEquals([here!.state, here!.isUnaccounted, node.inventory], ["running", false, null]);
  }
});

Deno.test("a node that pulses as it should is not asked", () => {
  const { s, node, pulse } = pulsing(1);
  for (let i = 0; i < 2; i++) {
    s.pass(10_000);
    pulse();
  }
  s.pass(500);
  assertEquals([s.effectsOf("inventoryNode"), node.inventory], [[], null]);
});
