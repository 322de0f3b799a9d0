import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import {
  onClusterAnnounced,
  onJobCancelled,
  onNodeInventoried,
  Outcome,
  refusesJob,
} from "../../../src/core/mod.ts";
import { restarted, sameJob } from "./restarted.ts";
import { Scene } from "./scene.ts";

const { Cancelled, Terminated, Finished } = Outcome;
const PROVISIONAL = 7;

/** One node of `cpus` CPUs and a cluster that is set up there. */
function scene(cpus = 2, reentrant = false) {
  const scene = new Scene();
  const node = scene.node("10.0.0.1", cpus);
  const cluster = scene.cluster({ reentrant });
  return { scene, node, cluster, share: scene.share(cluster, "10.0.0.1") };
}

Deno.test("a job is sent, acknowledged and answered; its client is told in that order", () => {
  const { scene: s, cluster, node } = scene();
  const job = s.submit(cluster);
  assertEquals([s.kinds, job.state, node.busy], [["runJob"], "assigned", 1]);
  s.started(job);
  assertEquals([s.kinds, job.state], [["tellJobRunning"], "running"]);
  assertEquals(s.reply(job), true);
  assertEquals([s.kinds, job.state, node.busy], [["forgetJob", "deliver"], "done", 0]);
  const { delivery } = s.effectsOf("deliver")[0]!;
  assertEquals(
    [delivery.status, delivery.payload, delivery.nodeIpAddr, delivery.startTimeMs],
    [Finished, `result of ${job.uid}`, "10.0.0.1", s.nowMs],
  );
  assertEquals([node.jobsDone, cluster.cpuTimeS], [1, 2]);
});

Deno.test("a reply that overtakes the acknowledgement counts; the acknowledgement then does not", () => {
  const { scene: s, cluster, share, node } = scene();
  const job = s.submit(cluster);
  assertEquals(s.reply(job), true);
  assertEquals(s.kinds, ["tellJobRunning", "forgetJob", "deliver"]);
  s.started(job, share);
  assertEquals([s.kinds, job.state, node.busy], [[], "done", 0]);
});

Deno.test("a refusal that comes after the reply changes nothing", () => {
  const { scene: s, cluster, share } = scene();
  const job = s.submit(cluster);
  s.reply(job);
  s.refused(job, "unreachable", share);
  assertEquals([s.kinds, s.core.nodes.size], [[], 1]);
});

Deno.test("a doubled reply is not delivered twice", () => {
  const { scene: s, cluster } = scene();
  const job = s.running(cluster);
  const nodeIpAddr = "10.0.0.1";
  assertEquals(s.reply(job, { nodeIpAddr }), true);
  assertEquals(s.reply(job, { nodeIpAddr }), false);
  assertEquals(s.kinds, []);
});

Deno.test("a reply with another hash, from another node or of an unknown job is not believed", () => {
  const { scene: s, cluster } = scene();
  s.node("10.0.0.2", 2);
  const job = s.running(cluster);
  assertEquals(s.reply(job, { hash: "made up" }), false);
  assertEquals(s.reply(job, { nodeIpAddr: "10.0.0.2" }), false);
  assertEquals(s.reply(job, { nodeIpAddr: "10.9.9.9" }), false);
  assertEquals(s.reply(job, { uid: 4711 }), false);
  assertEquals([s.kinds, job.state], [[], "running"]);
});

Deno.test("a reply to a job that waits is not believed", () => {
  const { scene: s, cluster } = scene(1);
  s.running(cluster);
  const job = s.submit(cluster);
  assertEquals(s.reply(job, { nodeIpAddr: "10.0.0.1" }), false);
  assertEquals(job.state, "queued");
});

Deno.test("provisional results are delivered, and the job runs on", () => {
  const { scene: s, cluster, node } = scene();
  const job = s.running(cluster);
  s.reply(job, { status: PROVISIONAL, provisional: true });
  s.reply(job, { status: PROVISIONAL, provisional: true });
  assertEquals([s.results, job.state, node.busy], [[[job.uid, PROVISIONAL]], "running", 1]);
  assertEquals(cluster.deliveries.size, 2);
  s.reply(job);
  assertEquals(s.results, [[job.uid, Finished]]);
});

Deno.test("a late provisional result of an earlier run does not stand for an acknowledgement", () => {
  const { scene: s, cluster } = scene(2, true);
  s.running(cluster);
  const job = s.submit(cluster);
  s.refused(job, "lost");
  s.pass(1_000);
  assertEquals(job.state, "assigned");
  s.reply(job, { status: PROVISIONAL, provisional: true });
  s.refused(job, "rejected");
  assertEquals(job.state, "queued");
});

Deno.test("an end time before the start time takes no CPU time away", () => {
  const { scene: s, cluster } = scene();
  s.reply(s.running(cluster), { startTimeS: 10, endTimeS: 5 });
  assertEquals(cluster.cpuTimeS, 0);
});

Deno.test("a busy node is left alone for a while, and the job keeps its place", () => {
  const { scene: s, cluster } = scene(2);
  const job = s.submit(cluster);
  s.refused(job, "busy");
  assertEquals([s.kinds, job.state], [[], "queued"]);
  const later = s.submit(cluster);
  assertEquals([s.kinds, later.state], [[], "queued"]);
  s.pass(500);
  assertEquals(s.effectsOf("runJob").map((e) => e.job.uid), [job.uid, later.uid]);
});

Deno.test("a job refused by a busy node goes to another at once", () => {
  const { scene: s, cluster } = scene(2);
  s.node("10.0.0.2", 1);
  const job = s.submit(cluster);
  s.refused(job, "busy");
  assertEquals(s.effectsOf("runJob").map((e) => e.share.node.ipAddr), ["10.0.0.2"]);
});

Deno.test("a busy node may say so for ever: the job is not given up", () => {
  const { scene: s, cluster } = scene(1);
  const job = s.submit(cluster);
  for (let i = 0; i < 20; i++) {
    s.refused(job, "busy");
    s.pass(1_000);
  }
  assertEquals(job.state, "assigned");
});

Deno.test("a reply from a paused node ends its pause", () => {
  const { scene: s, cluster } = scene(2);
  const running = s.running(cluster);
  const job = s.submit(cluster);
  s.refused(job, "busy");
  s.reply(running);
  assertEquals(job.state, "assigned");
});

Deno.test("a node that has dropped the computation is set up again before it gets the job", () => {
  const { scene: s, cluster, share } = scene();
  const job = s.submit(cluster);
  s.refused(job, "dropped");
  assertEquals([s.kinds, job.state, share.state], [["setUpShare"], "queued", "setting_up"]);
  s.submit(cluster);
  assertEquals(s.kinds, []);
  s.ready();
  assertEquals(s.effectsOf("runJob")[0]?.job.uid, job.uid);
});

Deno.test("a node is set up again once all jobs on their way to it are answered for, and gets none until then", () => {
  const { scene: s, cluster, share } = scene(3);
  const [one, two, three] = [s.submit(cluster), s.submit(cluster), s.submit(cluster)];
  s.refused(one, "dropped");
  assertEquals([s.kinds, share.state], [[], "dropped"]);
  assertEquals([s.submit(cluster).state, s.submit(cluster, "10.0.0.1").state], [
    "queued",
    "queued",
  ]);
  s.refused(two, "dropped");
  assertEquals(s.kinds, []);
  s.refused(three, "withheld");
  assertEquals([s.kinds, share.state], [["setUpShare"], "setting_up"]);
  s.ready();
  assertEquals(s.effectsOf("runJob").map(({ job }) => job.uid), [one.uid, two.uid, three.uid]);
});

Deno.test("a node that says it has dropped the computation is set up again once its jobs are over", () => {
  const { scene: s, cluster, share } = scene();
  const [running, refused] = [s.running(cluster), s.submit(cluster)];
  s.refused(refused, "dropped");
  assertEquals(s.effectsOf("setUpShare"), [], "the result of the other is on its way");
  s.reply(running);
  assertEquals([s.effectsOf("setUpShare").length, share.state], [1, "setting_up"]);
});

Deno.test("jobs that a node has dropped with their computation are looked after at once", () => {
  const { scene: s, cluster, share } = scene();
  const [running, refused] = [s.running(cluster), s.submit(cluster)];
  s.refused(refused, "dropped");
  for (let answer = 0; share.state === "dropped"; answer++) {
    assertEquals(answer < 10, true, "it is not set up again");
    s.pass(2_500);
    if (s.effectsOf("inventoryNode").length === 0) continue;
    s.on((c, nowMs) => {
      const alive = { kind: "alive", running: new Set<number>() } as const;
      onNodeInventoried(c, share.node, alive, nowMs);
    });
  }
  assertEquals([running.state, share.state], ["done", "setting_up"]);
});

Deno.test("a run that finds a node without its computation, and jobs there, sets it up after them", () => {
  const { scene: s, cluster } = scene();
  const [running, refused] = [s.running(cluster), s.submit(cluster)];
  s.refused(refused, "dropped");
  const next = restarted(s);
  next.pass(500);
  assertEquals(next.effectsOf("setUpShare"), []);
  next.reply(sameJob(next, running));
  assertEquals(next.effectsOf("setUpShare").length, 1);
});

Deno.test("a job that nodes reject five times is terminated, with the reason", () => {
  const { scene: s, cluster } = scene();
  const job = s.submit(cluster);
  for (let i = 0; i < 4; i++) {
    s.refused(job, "rejected");
    assertEquals(job.state, "queued");
    s.pass(1_000);
  }
  s.refused(job, "rejected");
  assertEquals(s.results, [[job.uid, Terminated]]);
  assertEquals(s.effectsOf("deliver")[0]!.delivery.reason, "it says so");
});

Deno.test("a job that drops the computation again and again does not go round for ever", () => {
  const { scene: s, cluster } = scene();
  const job = s.submit(cluster);
  for (let i = 0; i < 5 && job.state === "assigned"; i++) {
    s.refused(job, "dropped");
    s.ready();
  }
  assertEquals(job.state, "done");
});

Deno.test("a node without jobs that cannot be reached is given up, and the job goes elsewhere", () => {
  const { scene: s, cluster, share } = scene();
  const job = s.submit(cluster);
  s.refused(job, "unreachable");
  assertEquals([s.effectsOf("forgetNode").length, job.state, s.core.nodes.size], [1, "queued", 0]);
  assertEquals(s.effectsOf("forgetNode")[0]!.shares, [share]);
  s.node("10.0.0.2", 1);
  assertEquals(job.share?.node.ipAddr, "10.0.0.2");
});

Deno.test("a node with jobs is asked four times, ever less often, before it is given up", () => {
  const { scene: s, cluster, node } = scene();
  const running = s.running(cluster);
  const job = s.submit(cluster);
  const waits: number[] = [];
  for (let i = 1; i < 4; i++) {
    s.refused(job, "unreachable");
    assertEquals([job.state, running.state], ["queued", "running"], `attempt ${i}`);
    waits.push(node.pausedUntilMs - s.nowMs);
    s.pass(waits.at(-1)!);
    assertEquals(job.state, "assigned");
  }
  assertEquals(waits, [1_000, 2_000, 4_000]);
  s.refused(job, "unreachable");
  assertEquals(s.results, [[running.uid, Cancelled]]);
  assertEquals([s.core.nodes.size, job.state], [0, "queued"]);
});

Deno.test("an acknowledged job is a sign of life of a node that could not be reached", () => {
  const { scene: s, cluster, node } = scene(3);
  s.running(cluster);
  const [job, other] = [s.submit(cluster), s.submit(cluster)];
  s.refused(job, "unreachable");
  s.nowMs += 700;
  s.started(other);
  assertEquals([node.unreachable, node.lastPulseMs], [0, s.nowMs]);
});

Deno.test("a job that may have been started runs again only where its client allows it", () => {
  const once = scene(2, false);
  const job = once.scene.submit(once.cluster);
  once.scene.refused(job, "lost");
  assertEquals(once.scene.results, [[job.uid, Cancelled]]);

  const twice = scene(2, true);
  const again = twice.scene.submit(twice.cluster);
  twice.scene.refused(again, "lost");
  assertEquals([again.state, twice.scene.results], ["queued", []]);
});

Deno.test("a queued job that is cancelled ends at once", () => {
  const { scene: s, cluster } = scene(1);
  s.submit(cluster);
  const job = s.submit(cluster);
  assertEquals(s.cancel(job), true);
  assertEquals([s.results, s.core.jobs.has(job.uid)], [[[job.uid, Cancelled]], false]);
  assertEquals(s.cancel(job), false);
});

Deno.test("a pinned job that waits can be cancelled", () => {
  const { scene: s, cluster, share } = scene(1);
  s.submit(cluster);
  const job = s.submit(cluster, "10.0.0.1");
  assertEquals(share.pinned.size, 1);
  s.cancel(job);
  assertEquals([s.results, share.pinned.size], [[[job.uid, Cancelled]], 0]);
});

Deno.test("a running job that is cancelled ends with its node's reply; the node is reminded", () => {
  const { scene: s, cluster } = scene();
  const job = s.running(cluster);
  s.cancel(job);
  assertEquals([s.kinds, job.state], [["terminateJob"], "running"]);
  s.pass(1_500);
  assertEquals(s.effectsOf("terminateJob").length, 0);
  s.pass(4_000);
  assertEquals(s.effectsOf("terminateJob").length, 2);
  s.reply(job, { status: Terminated });
  assertEquals(s.results, [[job.uid, Terminated]]);
  s.pass(5_000);
  assertEquals(s.effectsOf("terminateJob").length, 0);
});

Deno.test("a job cancelled on its way is ended as soon as the node has acknowledged it", () => {
  const { scene: s, cluster } = scene();
  const job = s.submit(cluster);
  s.cancel(job);
  assertEquals(s.kinds, []);
  s.started(job);
  assertEquals(s.kinds, ["tellJobRunning", "terminateJob"]);
});

Deno.test("a job cancelled on its way is ended though a provisional result comes first", () => {
  const { scene: s, cluster } = scene();
  const job = s.submit(cluster);
  s.cancel(job);
  s.reply(job, { provisional: true, status: PROVISIONAL });
  assertEquals(s.kinds, ["deliver"]);
  s.started(job);
  assertEquals(s.kinds, ["tellJobRunning", "terminateJob"]);
});

Deno.test("a job cancelled on its way and then refused is cancelled, not sent again", () => {
  for (const kind of ["busy", "dropped", "unreachable", "rejected", "lost"] as const) {
    const { scene: s, cluster } = scene(2, true);
    const job = s.submit(cluster);
    s.cancel(job);
    s.refused(job, kind);
    assertEquals(s.results, [[job.uid, Cancelled]], kind);
  }
});

Deno.test("a cluster cannot cancel another one's job", () => {
  const { scene: s, cluster } = scene();
  const other = s.cluster();
  const job = s.running(cluster);
  assertEquals(s.on((c, nowMs) => onJobCancelled(c, other, job.uid, nowMs)), false);
  assertEquals(s.kinds, []);
});

Deno.test("jobs are refused with a reason where they could never run", () => {
  const { scene: s, cluster } = scene();
  const refusal = (pinnedTo: string | null) => refusesJob(s.core, cluster, pinnedTo);
  assertEquals([refusal(null), refusal("10.0.0.1")], [null, null]);
  assertMatch(refusal("10.9.9.9") ?? "", /does not use node 10\.9\.9\.9/);
  s.deallocate(cluster, "10.0.0.1");
  assertMatch(refusal("10.0.0.1") ?? "", /10\.0\.0\.1 takes no more jobs/);
  s.close(cluster);
  assertMatch(refusal(null) ?? "", /closing/);
  s.core.shuttingDown = true;
  assertMatch(refusal(null) ?? "", /shutting down/);
});

Deno.test("a job whose node has gone since its client was told the uid has an outcome", () => {
  const { scene: s, cluster } = scene();
  const uid = s.submitUid(cluster, "10.9.9.9");
  assertEquals([s.kinds, s.results], [["forgetJob", "deliver"], [[uid, Cancelled]]]);
  assertEquals(s.core.jobs.size, 0);
});

Deno.test("a job for a node whose setup has failed since its client was told the uid says why", () => {
  const s = new Scene();
  s.found("10.0.0.1", 2);
  const cluster = s.announcing();
  s.on((c, nowMs) => onClusterAnnounced(c, cluster, nowMs));
  s.shareFailed(s.share(cluster, "10.0.0.1"), "setup_failed");
  const uid = s.submitUid(cluster, "10.0.0.1");
  assertEquals(s.results, [[uid, Cancelled]]);
  const reason = refusesJob(s.core, cluster, "10.0.0.1") ?? "";
  assertMatch(reason, /^node 10\.0\.0\.1 could not be set up: no reason$/);
});

Deno.test("jobs that come before the first node wait for it", () => {
  const s = new Scene();
  const cluster = s.announcing();
  const job = s.submit(cluster);
  assertEquals(job.state, "queued");
  s.node("10.0.0.1", 1);
  assertEquals(job.state, "queued");
});

Deno.test("a job of which nothing is left to send ends at once; its node goes on", () => {
  const { scene: s, cluster, node } = scene(1);
  const [damaged, next] = [s.submit(cluster), s.submit(cluster)];
  s.refused(damaged, "damaged");
  assertEquals(s.results, [[damaged.uid, Terminated]]);
  assertEquals(s.effectsOf("deliver")[0]!.delivery.reason, "it says so");
  assertEquals([next.share?.node, s.core.nodes.has(node.ipAddr)], [node, true]);
});
