/** A run goes on with what the last one has left. */

import { assertEquals } from "@std/assert/equals.js";
import { assertThrows } from "@std/assert/throws.js";
import * as core from "../../../src/core/mod.ts";
import { onlyCluster, restarted, restoredFrom, sameJob, snapshotOf } from "./restarted.ts";
import { allocation, Scene } from "./scene.ts";

/** A node with as many CPUs, and a cluster on it. */
function scene(cpus = 2, options: Partial<core.ClusterOptions> = {}) {
  const s = new Scene();
  const node = s.node("10.0.0.2", cpus);
  const cluster = s.cluster(options);
  return { s, node, cluster };
}

Deno.test("what was restored leaves the same to the next run again", () => {
  const { s, node, cluster } = scene(3, { reentrant: true });
  s.node("10.0.0.3", 1);
  s.found("10.0.0.4", 1);
  s.running(cluster);
  s.reply(s.running(cluster));
  for (let job = 0; job < 4; job++) s.submit(cluster);
  s.submit(cluster, node.ipAddr);
  const before = snapshotOf(s.core);
  assertEquals(before.jobs.length, 6);
  const after = snapshotOf(restarted(s).core);
  // A node that is still being set up is asked anew, so its share counts as failed for now.
  const states = ({ shares }: core.Snapshot) =>
    shares.map(({ nodeIpAddr, state }) => [nodeIpAddr, state]);
  assertEquals(states(before).at(-1), ["10.0.0.4", "setting_up"]);
  assertEquals(states(after).at(-1), ["10.0.0.4", "failed"]);
  assertEquals({ ...after, shares: [] }, { ...before, shares: [] });
});

Deno.test("jobs are where they were: those at nodes hold CPUs, the others wait in their order", () => {
  const { s, node, cluster } = scene(2);
  const runs = s.running(cluster);
  const sent = s.submit(cluster);
  const pinned = s.submit(cluster, node.ipAddr);
  const waiting = [1, 2, 3].map(() => s.submit(cluster));
  const next = restarted(s);
  assertEquals(
    [runs, sent, pinned, ...waiting].map((job) => sameJob(next, job).state),
    ["running", "assigned", "queued", "queued", "queued", "queued"],
  );
  assertEquals([...onlyCluster(next).queue].map(({ uid }) => uid), waiting.map(({ uid }) => uid));
  const again = next.core.nodes.get(node.ipAddr)!;
  assertEquals([again.busy, again.cpus, again.info.sign], [2, 2, node.info.sign]);
  assertEquals(sameJob(next, runs).startTimeMs, runs.startTimeMs);
});

Deno.test("a node gets no jobs before it has said that it lives, then at once", () => {
  const { s, node, cluster } = scene(2);
  s.running(cluster);
  const next = restarted(s);
  const job = next.submit(onlyCluster(next));
  assertEquals(job.state, "queued");
  const again = next.core.nodes.get(node.ipAddr)!;
  const running = new Set(again.jobs.values().map(({ uid }) => uid));
  next.on((c, nowMs) => core.onNodeInventoried(c, again, { kind: "alive", running }, nowMs));
  assertEquals(next.kinds, ["runJob"]);
});

for (const reentrant of [false, true]) {
  const what = reentrant
    ? "jobs that may run twice wait on, whatever records are missing"
    : "of jobs that must not run twice, as many as may have started since are given up";
  Deno.test(what, () => {
    const { s, node, cluster } = scene(1, { reentrant });
    const runs = s.running(cluster);
    const waiting = [1, 2, 3].map(() => s.submit(cluster));
    const pinned = [1, 2, 3].map(() => s.submit(cluster, node.ipAddr));
    // Two more have started, and nobody knows which.
    const next = restoredFrom(snapshotOf(s.core), s.nowMs, {}, 2);
    const left = [...next.core.jobs.keys()];
    const inDoubt = reentrant ? [] : [...waiting.slice(0, 2), ...pinned.slice(0, 2)];
    const all = [runs, ...waiting, ...pinned];
    assertEquals(left, all.filter((job) => !inDoubt.includes(job)).map(({ uid }) => uid));
    const told = [...onlyCluster(next).deliveries.values()];
    assertEquals(
      told.map(({ uid, status }) => [uid, status]),
      inDoubt.map(({ uid }) => [uid, core.Outcome.Abandoned]),
    );
    assertEquals(told.every(({ reason }) => reason?.includes("latest records")), true);
  });
}

Deno.test("an offered job counts as submitted, as its client may have heard its uid", () => {
  const { s, cluster } = scene();
  const uid = s.core.newId();
  const request = { uid, hash: "h", pinnedTo: null, payload: null };
  s.on((c, nowMs) => core.onJobOffered(c, cluster, request, nowMs));
  const next = restarted(s);
  assertEquals([...next.core.jobs.keys()], [uid]);
  assertEquals(next.core.offered.size, 0);
});

Deno.test("no id and no position is given out again", () => {
  const { s, cluster } = scene();
  const job = s.submit(cluster);
  const next = restarted(s);
  assertEquals(next.core.newId() > job.uid, true);
  assertEquals(next.submit(onlyCluster(next)).seq > job.seq, true);
});

Deno.test("results are brought again, and those of them that were acknowledged are not", () => {
  const { s, cluster } = scene();
  const [first, second] = [s.running(cluster), s.running(cluster)];
  s.reply(first);
  const { delivery } = s.effectsOf("deliver")[0]!;
  s.on((c, nowMs) => core.onDelivered(c, delivery, nowMs));
  s.reply(second);
  const next = restarted(s);
  assertEquals(onlyCluster(next).deliveries.size, 1);
  next.pass(500);
  assertEquals(next.results, [[second.uid, core.Outcome.Finished]]);
  const [again] = onlyCluster(next).deliveries.values();
  assertEquals([again?.payload, again?.hash], [`result of ${second.uid}`, second.hash]);
});

Deno.test("a computation whose client sends files yet is asked for nothing", () => {
  const s = new Scene();
  s.on((c, nowMs) => {
    const options = { allocations: [allocation("*")], reentrant: false, exclusive: false };
    core.onClusterReceived(c, "test", options, nowMs);
  });
  const next = restarted(s);
  assertEquals([onlyCluster(next).state, next.effects], ["received", []]);
});

Deno.test("a computation that was to be scheduled is, whether its client had heard so or not", () => {
  const s = new Scene();
  const cluster = s.announcing();
  assertEquals(cluster.state, "announcing");
  assertEquals(restarted(s).kinds, ["announceCluster"]);

  const heard = new Scene();
  const options = { allocations: [allocation("*")], reentrant: false, exclusive: false };
  const other = heard.on((c, nowMs) => core.onClusterReceived(c, "test", options, nowMs));
  heard.on((c) => core.onScheduleHeard(c, other));
  assertEquals(restarted(heard).kinds, ["announceCluster"]);
});

Deno.test("clusters that wait for an exclusive one keep their order", () => {
  const s = new Scene();
  s.node("10.0.0.2", 1);
  s.cluster({ exclusive: true });
  const waiting = [1, 2, 3].map(() => s.announcing({ exclusive: true }));
  const next = restarted(s);
  assertEquals(next.core.waiting.map(({ id }) => id), waiting.map(({ id }) => id));
  assertEquals(next.effectsOf("announceCluster"), []);
});

Deno.test("nodes that were being set up are set up; those that were being closed are closed", () => {
  const { s, node, cluster } = scene();
  s.found("10.0.0.3", 1);
  s.running(cluster);
  s.closeNode(cluster, node.ipAddr, true);
  const next = restarted(s);
  const closing = next.effectsOf("closeShare");
  assertEquals(
    closing.map(({ share, terminatePending }) => [share.node.ipAddr, terminatePending]),
    [[node.ipAddr, true]],
  );
  next.pass(500);
  assertEquals(next.effectsOf("setUpShare").map(({ share }) => share.node.ipAddr), ["10.0.0.3"]);
});

Deno.test("nodes whose setup had failed for good are not asked again", () => {
  const { s, cluster } = scene();
  const node = s.found("10.0.0.3", 1);
  s.shareFailed(s.share(cluster, node.ipAddr), "setup_failed");
  const next = restarted(s);
  next.pass(60_000);
  assertEquals(next.effectsOf("setUpShare"), []);
});

Deno.test("nodes that nobody uses are found anew", () => {
  const s = new Scene();
  const node = s.found("10.0.0.2", 1);
  const next = restarted(s);
  assertEquals(next.core.nodes.size, 0);
  assertEquals(next.effects, [{ kind: "greetNode", ipAddr: node.ipAddr, port: node.info.port }]);
});

Deno.test("nodes that a client has closed or limited stay so", () => {
  const { s, node, cluster } = scene(4, { exclusive: true });
  const other = s.node("10.0.0.3", 1);
  s.setCpus(cluster, node.ipAddr, 1);
  s.deallocate(cluster, other.ipAddr);
  const next = restarted(s);
  const again = next.core.nodes.get(node.ipAddr)!;
  assertEquals([again.cpus, again.availCpus], [1, 4]);
  assertEquals(next.share(onlyCluster(next), other.ipAddr).state, "drained");
  assertEquals([...onlyCluster(next).excludedNodes], [other.ipAddr]);
});

Deno.test("a node that was drained gets no jobs", () => {
  const { s, node } = scene(2);
  const next = new Scene({ isJournaled: true });
  next.on((c) => core.onNodeLimited(c, node.ipAddr, 0));
  next.on((c, nowMs) => core.onRestored(c, snapshotOf(s.core), nowMs));
  const again = next.core.nodes.get(node.ipAddr)!;
  next.on((c, nowMs) => {
    core.onNodeInventoried(c, again, { kind: "alive", running: new Set() }, nowMs);
  });
  assertEquals(next.submit(onlyCluster(next)).state, "queued");
  next.on((c) => core.onNodeLimited(c, node.ipAddr, null));
  assertEquals(next.kinds, ["runJob"]);
});

Deno.test("a job on its way to a node that was given up runs elsewhere if it may, else it is lost", () => {
  for (const reentrant of [true, false]) {
    const { s, node, cluster } = scene(1, { reentrant });
    const job = s.submit(cluster);
    s.on((c, nowMs) => core.onNodeTerminated(c, node, nowMs));
    assertEquals(job.state, "assigned");
    const next = restarted(s);
    if (reentrant) assertEquals(sameJob(next, job).state, "queued");
    else {
      assertEquals(next.core.jobs.size, 0);
      assertEquals(next.results, [[job.uid, core.Outcome.Abandoned]]);
    }
  }
});

Deno.test("a job offered to a cluster that was closed meanwhile is reported Terminated", () => {
  const { s, cluster } = scene();
  s.running(cluster);
  const uid = s.core.newId();
  const request = { uid, hash: "h", pinnedTo: null, payload: null };
  s.on((c, nowMs) => core.onJobOffered(c, cluster, request, nowMs));
  s.on((c, nowMs) => core.onShutdown(c, nowMs));
  const next = restarted(s);
  assertEquals(next.results.filter(([job]) => job === uid), [[uid, core.Outcome.Terminated]]);
});

Deno.test("a cluster of which only results are left goes when they are acknowledged", () => {
  const { s, node, cluster } = scene(1);
  const job = s.running(cluster);
  s.on((c, nowMs) => core.onShutdown(c, nowMs));
  s.reply(job, { status: core.Outcome.Terminated });
  s.closed(s.share(cluster, node.ipAddr));
  const next = restarted(s);
  assertEquals(onlyCluster(next).state, "closed");
  next.pass(500);
  const { delivery } = next.effectsOf("deliver")[0]!;
  next.on((c, nowMs) => core.onDelivered(c, delivery, nowMs));
  assertEquals([next.core.clusters.size, next.kinds], [0, ["forgetResult", "forgetCluster"]]);
});

Deno.test("sums go on, and clients have their time to show signs of life again", () => {
  const { s, cluster } = scene(1);
  s.reply(s.running(cluster));
  const next = restarted(s, { zombieIntervalMs: 100_000 });
  const again = onlyCluster(next);
  assertEquals([again.jobsDone, again.cpuTimeS, next.core.totals.jobsDone], [1, 2, 1]);
  next.pass(99_000);
  assertEquals(again.state, "active");
});

Deno.test("records that contradict each other are refused", () => {
  const { s, cluster } = scene();
  s.running(cluster);
  const good = snapshotOf(s.core);
  const bad: [Partial<core.Snapshot>, string][] = [
    [{ nodes: [] }, "no node 10.0.0.2"],
    [{ clusters: [] }, `no cluster ${cluster.id}`],
    [{ shares: good.shares.map((share) => ({ ...share, clusterId: 77 })) }, "no cluster 77"],
  ];
  for (const [changes, message] of bad) {
    assertThrows(() => restoredFrom({ ...good, ...changes }, s.nowMs), Error, message);
  }
});

Deno.test("what a node says of a run before the restart is not taken for one after it", () => {
  const { s: before, node } = scene(1, { reentrant: true });
  const job = before.running(onlyCluster(before));
  const earlier = job.runHash;
  before.on((c, nowMs) => core.onNodeTerminated(c, node, nowMs));
  const s = restarted(before);
  const again = sameJob(s, job);
  assertEquals(again.state, "queued");
  s.node(node.ipAddr, 1);
  assertEquals(again.state, "assigned");
  assertEquals(s.reply(again, { hash: earlier, status: core.Outcome.Terminated }), false);
  assertEquals(s.reply(again, { hash: again.runHash }), true);
});

Deno.test("each run of a job has a mark of its own, over any number of restarts", () => {
  let { s } = scene(1, { reentrant: true });
  const { uid } = s.running(onlyCluster(s));
  const marks = new Set<string>();
  for (let i = 0; i < 5; i++) {
    const job = s.core.jobs.get(uid)!;
    marks.add(job.runHash);
    s.on((c, nowMs) => core.onNodeTerminated(c, job.share!.node, nowMs));
    s = restarted(s, { firstId: s.core.nextId });
    s.node("10.0.0.2", 1);
  }
  assertEquals(marks.size, 5);
});

Deno.test("times that an earlier version has added up wrongly are not gone on with", () => {
  const { s, cluster } = scene(1);
  s.reply(s.running(cluster));
  const snapshot = snapshotOf(s.core);
  for (const cpuTimeS of [NaN, Infinity, -1]) {
    const clusters = snapshot.clusters.map((record) => ({ ...record, cpuTimeS }));
    const shares = snapshot.shares.map((record) => ({ ...record, cpuTimeS }));
    const { core: next } = restoredFrom({ ...snapshot, clusters, shares }, s.nowMs);
    const times = [
      next.totals.cpuTimeS,
      ...[...next.clusters.values()].flatMap((each) => [
        each.cpuTimeS,
        ...[...each.shares.values()].map((share) => share.cpuTimeS),
      ]),
    ];
    assertEquals(times, [0, 0, 0]);
  }
});
