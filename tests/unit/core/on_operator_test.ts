import { assertEquals } from "@std/assert/equals.js";
import * as core from "../../../src/core/mod.ts";
import { Scene } from "./scene.ts";

const { Cancelled, Terminated } = core.Outcome;

function cancelled(s: Scene, cluster: core.Cluster, terminateRunning: boolean): void {
  s.on((c, nowMs) => core.onClusterCancelled(c, cluster, terminateRunning, nowMs));
}

function limited(s: Scene, ipAddr: string, cpus: number | null): void {
  s.on((c) => core.onNodeLimited(c, ipAddr, cpus));
}

/** What clients are told by the last event of why jobs have ended. */
function reasons(s: Scene): (string | null)[] {
  return s.effectsOf("deliver").map(({ delivery }) => delivery.reason);
}

function oneNode() {
  const scene = new Scene();
  scene.node("10.0.0.1", 2);
  return { scene, cluster: scene.cluster() };
}

Deno.test("a cancelled cluster: waiting jobs are ended with the reason, running ones at their node", () => {
  const { scene, cluster } = oneNode();
  const [first, second] = [scene.running(cluster), scene.running(cluster)];
  const waiting = scene.submit(cluster);
  cancelled(scene, cluster, true);
  assertEquals(scene.results, [[waiting.uid, Terminated]]);
  assertEquals(scene.effectsOf("deliver")[0]?.delivery.reason, core.OPERATOR_REASON);
  assertEquals(scene.effectsOf("terminateJob").map(({ job }) => job.uid), [
    first.uid,
    second.uid,
  ]);
  assertEquals([cluster.state, cluster.accepts, cluster.wantsResults], ["closing", false, true]);
});

Deno.test("a cancelled cluster may let its running jobs finish, and end them after all", () => {
  const { scene, cluster } = oneNode();
  const job = scene.running(cluster);
  cancelled(scene, cluster, false);
  assertEquals(scene.effectsOf("terminateJob"), []);
  assertEquals(scene.effectsOf("closeShare").map(({ terminatePending }) => terminatePending), [
    false,
  ]);
  cancelled(scene, cluster, true);
  assertEquals(scene.effectsOf("terminateJob").map(({ job }) => job.uid), [job.uid]);
  scene.reply(job, { status: Terminated });
  assertEquals(scene.results, [[job.uid, Terminated]]);
});

Deno.test("what a node says of a job that an operator has ended carries the reason, a finished one none", () => {
  const { scene, cluster } = oneNode();
  const [first, second] = [scene.running(cluster), scene.running(cluster)];
  cancelled(scene, cluster, true);
  scene.reply(first, { status: Terminated });
  assertEquals(reasons(scene), [core.OPERATOR_REASON]);
  scene.reply(second, { status: core.Outcome.Finished });
  assertEquals(reasons(scene), [null]);
});

Deno.test("a job that its client has cancelled before the operator does carries no reason", () => {
  const { scene, cluster } = oneNode();
  const job = scene.running(cluster);
  scene.cancel(job);
  scene.on((c, nowMs) => core.onJobEnded(c, cluster, job.uid, nowMs));
  scene.reply(job, { status: Terminated });
  assertEquals(reasons(scene), [null]);
});

Deno.test("a single job that an operator ends carries the reason, waiting or running", () => {
  const { scene, cluster } = oneNode();
  const running = scene.running(cluster);
  scene.running(cluster);
  const waiting = scene.submit(cluster);
  scene.on((c, nowMs) => core.onJobEnded(c, cluster, running.uid, nowMs));
  scene.on((c, nowMs) => core.onJobEnded(c, cluster, waiting.uid, nowMs));
  assertEquals(reasons(scene), [core.OPERATOR_REASON]);
  scene.reply(running, { status: Terminated });
  assertEquals(reasons(scene), [core.OPERATOR_REASON]);
});

Deno.test("a job of a cancelled cluster that is submitted late is told so", () => {
  const { scene, cluster } = oneNode();
  cancelled(scene, cluster, true);
  const uid = scene.submitUid(cluster);
  assertEquals(scene.results, [[uid, Terminated]]);
});

Deno.test("a drained node gets no new jobs; those that run go on; resumed, it gets them again", () => {
  const { scene, cluster } = oneNode();
  const running = scene.running(cluster);
  limited(scene, "10.0.0.1", 0);
  const waiting = scene.submit(cluster);
  assertEquals([running.state, waiting.state], ["running", "queued"]);
  limited(scene, "10.0.0.1", null);
  assertEquals(scene.effectsOf("runJob").map(({ job }) => job.uid), [waiting.uid]);
});

Deno.test("a limit of CPUs holds whatever a client sets, and is no more than the node has", () => {
  const { scene, cluster } = oneNode();
  limited(scene, "10.0.0.1", 1);
  const states = () => [...cluster.jobs.values()].map(({ state }) => state);
  scene.submit(cluster);
  scene.submit(cluster);
  assertEquals(states(), ["assigned", "queued"]);
  limited(scene, "10.0.0.1", 100);
  scene.submit(cluster);
  assertEquals(states(), ["assigned", "assigned", "queued"]);
});

Deno.test("a drained node that is restarted stays drained, and is set up when it is resumed", () => {
  const { scene, cluster } = oneNode();
  limited(scene, "10.0.0.1", 0);
  scene.found("10.0.0.1", 2, { sign: "another run" });
  assertEquals(scene.effectsOf("setUpShare"), []);
  const waiting = scene.submit(cluster);
  limited(scene, "10.0.0.1", null);
  assertEquals(scene.effectsOf("setUpShare").length, 1);
  scene.ready();
  assertEquals(scene.effectsOf("runJob").map(({ job }) => job.uid), [waiting.uid]);
});

Deno.test("a limit can be set for a node before it is there", () => {
  const s = new Scene();
  limited(s, "10.0.0.7", 0);
  assertEquals(s.found("10.0.0.7", 2).cpuLimit, 0);
});

Deno.test("a job pinned to a node that is lost while drained is cancelled", () => {
  const { scene, cluster } = oneNode();
  limited(scene, "10.0.0.1", 0);
  const pinned = scene.submitUid(cluster, "10.0.0.1");
  scene.found("10.0.0.1", 2, { sign: "another run" });
  assertEquals(scene.results, [[pinned, Cancelled]]);
});
