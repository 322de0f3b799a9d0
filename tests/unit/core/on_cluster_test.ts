import { assertEquals } from "@std/assert/equals.js";
import * as core from "../../../src/core/mod.ts";
import { allocation, Scene } from "./scene.ts";

const { Cancelled, Terminated, Finished } = core.Outcome;

function announced(s: Scene, cluster: core.Cluster): void {
  s.on((c, nowMs) => core.onClusterAnnounced(c, cluster, nowMs));
}

function lost(s: Scene, cluster: core.Cluster): void {
  s.on((c, nowMs) => core.onClusterLost(c, cluster, nowMs));
}

/** Two nodes of 2 CPUs and a cluster. */
function scene(options: Partial<core.CoreOptions & core.ClusterOptions> = {}) {
  const scene = new Scene(options);
  scene.node("10.0.0.1", 2);
  scene.node("10.0.0.2", 2);
  return { scene, cluster: scene.cluster(options) };
}

// Scheduling.

Deno.test("a cluster is announced, then looks for nodes and is set up on those that it may use", () => {
  const s = new Scene();
  s.node("10.0.0.1", 2);
  s.node("10.0.1.1", 2);
  const cluster = s.announcing({ allocations: [allocation("10.0.0.*")] });
  assertEquals([s.kinds, cluster.state], [["announceCluster"], "announcing"]);
  announced(s, cluster);
  assertEquals([s.kinds, cluster.state], [["discoverNodes", "setUpShare"], "active"]);
  assertEquals([...cluster.shares.keys()], ["10.0.0.1"]);
});

Deno.test("a client that asks twice, or is announced twice, is scheduled once", () => {
  const s = new Scene();
  const cluster = s.announcing();
  s.on((c, nowMs) => core.onScheduleRequested(c, cluster, nowMs));
  assertEquals(s.kinds, []);
  announced(s, cluster);
  announced(s, cluster);
  assertEquals(s.kinds, []);
});

Deno.test("an exclusive cluster waits until no other is scheduled, and those after it wait too", () => {
  const { scene: s, cluster: first } = scene();
  const exclusive = s.announcing({ exclusive: true });
  const later = s.announcing();
  assertEquals([exclusive.state, later.state], ["waiting", "waiting"]);
  const shares = [...first.shares.values()];
  s.close(first);
  s.closed(shares[0]!);
  assertEquals([exclusive.state, later.state], ["waiting", "waiting"], "a node still closes");
  s.closed(shares[1]!);
  assertEquals([exclusive.state, later.state], ["announcing", "waiting"]);
  s.close(exclusive);
  assertEquals(later.state, "announcing");
});

Deno.test("clusters that wait behind an exclusive one that gives up are let in", () => {
  const { scene: s } = scene();
  const exclusive = s.announcing({ exclusive: true });
  const later = s.announcing();
  s.close(exclusive);
  assertEquals([exclusive.state, later.state], ["closed", "announcing"]);
  assertEquals(s.core.clusters.has(exclusive.id), false);
});

Deno.test("a client that cannot be told that it is scheduled has gone", () => {
  const s = new Scene();
  const cluster = s.announcing({ exclusive: true });
  const next = s.announcing();
  lost(s, cluster);
  assertEquals(s.core.clusters.has(cluster.id), false);
  assertEquals(next.state, "announcing");
});

Deno.test("jobs of a client whose acknowledgement was lost have an outcome", () => {
  const s = new Scene();
  const cluster = s.announcing();
  const job = s.submit(cluster);
  lost(s, cluster);
  assertEquals(s.results, [[job.uid, Terminated]]);
});

// Closing.

Deno.test("a client that closes wants nothing more: queued jobs go, results are dropped", () => {
  const { scene: s, cluster } = scene();
  const finished = s.running(cluster);
  s.reply(finished);
  assertEquals(cluster.deliveries.size, 1);
  for (let i = 0; i < 6; i++) s.submit(cluster);
  for (const job of cluster.jobs.values()) if (job.state === "assigned") s.started(job);
  s.close(cluster);
  assertEquals([s.results, cluster.deliveries.size, cluster.jobs.size], [[], 0, 4]);
  assertEquals(s.effectsOf("closeShare").map((e) => e.terminatePending), [false, false]);
});

Deno.test("without terminatePending running jobs end by themselves before the cluster is gone", () => {
  const { scene: s, cluster } = scene();
  const [running, assigned] = [s.running(cluster), s.submit(cluster)];
  const shares = [...cluster.shares.values()];
  s.close(cluster, false);
  assertEquals(s.effectsOf("terminateJob"), []);
  s.started(assigned);
  assertEquals(s.effectsOf("terminateJob"), []);
  s.reply(running);
  s.reply(assigned);
  assertEquals([s.results, cluster.state], [[], "closing"]);
  s.closed(shares[0]!);
  s.closed(shares[1]!);
  assertEquals(s.effectsOf("forgetCluster").length, 1);
  assertEquals(s.effectsOf("forgetClusterFiles").length, 1);
  assertEquals([s.core.clusters.size, s.core.jobs.size], [0, 0]);
});

Deno.test("with terminatePending running jobs are ended, those on their way once they run", () => {
  const { scene: s, cluster } = scene();
  const [running, assigned] = [s.running(cluster), s.submit(cluster)];
  s.close(cluster, true);
  assertEquals(s.effectsOf("terminateJob").map(({ job }) => job.uid), [running.uid]);
  assertEquals(s.effectsOf("closeShare").map((e) => e.terminatePending), [true]);
  s.started(assigned);
  assertEquals(s.effectsOf("closeShare").map((e) => e.terminatePending), [true]);
  assertEquals(s.effectsOf("terminateJob").map(({ job }) => job.uid), [assigned.uid]);
});

Deno.test("jobs of a closed cluster that a node refuses are not sent again", () => {
  for (const kind of ["busy", "dropped", "unreachable", "rejected", "lost"] as const) {
    const { scene: s, cluster } = scene({ reentrant: true });
    const job = s.submit(cluster);
    s.close(cluster, false);
    s.refused(job, kind);
    assertEquals([s.effectsOf("runJob").length, s.results, job.state], [0, [], "done"], kind);
  }
});

Deno.test("a cluster that closes while a node is set up closes it afterwards", () => {
  const s = new Scene();
  s.node("10.0.0.1", 1);
  s.node("10.0.0.2", 1);
  const cluster = s.announcing();
  announced(s, cluster);
  const [one, other] = [...cluster.shares.values()];
  s.close(cluster);
  assertEquals(s.kinds, []);
  s.shareReady(one!);
  assertEquals(s.kinds, ["closeShare"]);
  s.closed(one!);
  s.shareFailed(other!, "unreachable");
  assertEquals(s.core.clusters.size, 0);
});

Deno.test("a cluster can be closed in every state, and twice", () => {
  const s = new Scene();
  s.node("10.0.0.1", 1);
  const options = { allocations: [], reentrant: false, exclusive: false };
  const received = s.on((c, nowMs) => core.onClusterReceived(c, "", options, nowMs));
  const active = s.cluster();
  const waiting = s.announcing({ exclusive: true });
  assertEquals([received.state, active.state, waiting.state], ["received", "active", "waiting"]);
  const share = s.share(active, "10.0.0.1");
  for (const cluster of [received, active, waiting, active, received]) s.close(cluster);
  assertEquals(s.kinds, []);
  s.closed(share);
  assertEquals([s.core.clusters.size, s.core.waiting.length], [0, 0]);
  const announcing = s.announcing();
  s.close(announcing);
  announced(s, announcing);
  lost(s, announcing);
  assertEquals([s.kinds, s.core.clusters.size], [[], 0]);
});

Deno.test("a cluster that lost its node while it closed is gone", () => {
  const { scene: s, cluster } = scene();
  s.running(cluster);
  s.close(cluster);
  for (const node of [...s.core.nodes.values()]) {
    s.on((c, nowMs) => core.onNodeTerminated(c, node, nowMs));
  }
  assertEquals([s.core.clusters.size, s.core.jobs.size], [0, 0]);
});

Deno.test("a client that closes after it was given up wants its results no more", () => {
  const { scene: s, cluster } = scene({ zombieIntervalMs: 1_000 });
  const job = s.running(cluster);
  s.pass(1_500);
  s.reply(job, { status: Terminated });
  assertEquals([cluster.state, cluster.deliveries.size], ["closing", 1]);
  s.close(cluster);
  assertEquals(cluster.deliveries.size, 0);
  for (const share of [...cluster.shares.values()]) s.closed(share);
  assertEquals(s.core.clusters.size, 0);
});

// Nodes of a cluster.

Deno.test("a deallocated node gets no new jobs, those that run end, pinned ones are cancelled", () => {
  const { scene: s, cluster } = scene();
  const [running, other] = [s.running(cluster, "10.0.0.1"), s.running(cluster, "10.0.0.1")];
  const pinned = s.submit(cluster, "10.0.0.1");
  assertEquals(s.deallocate(cluster, "10.0.0.1"), true);
  assertEquals(s.results, [[pinned.uid, Cancelled]]);
  s.reply(running);
  for (let i = 0; i < 4; i++) s.submit(cluster);
  assertEquals(s.share(cluster, "10.0.0.1").busy, 1);
  assertEquals(other.state, "running");
  assertEquals(s.deallocate(cluster, "10.9.9.9"), false);
});

Deno.test("a deallocated node is used again once it is allocated, by address, pattern or name", () => {
  for (const pattern of ["10.0.0.1", "10.*", "name-10.0.0.1", "name-*"]) {
    const { scene: s, cluster } = scene();
    s.deallocate(cluster, "10.0.0.1");
    s.found("10.0.0.1", 2);
    assertEquals(s.share(cluster, "10.0.0.1").state, "drained", "though it shows up");
    s.allocate(cluster, allocation(pattern, 1));
    assertEquals([s.share(cluster, "10.0.0.1").state, s.share(cluster, "10.0.0.1").maxCpus], [
      "ready",
      1,
    ], pattern);
  }
});

Deno.test("a pinned job refused by a deallocated node is cancelled, another goes elsewhere", () => {
  const { scene: s, cluster } = scene();
  const pinned = s.submit(cluster, "10.0.0.1");
  const free = s.submit(cluster);
  const first = free.share!.node.ipAddr;
  s.deallocate(cluster, "10.0.0.1");
  s.deallocate(cluster, first);
  s.refused(pinned, "busy");
  assertEquals(s.results, [[pinned.uid, Cancelled]]);
  s.refused(free, "busy");
  assertEquals(s.results, []);
});

Deno.test("a node deallocated while it is set up gets no jobs until it is allocated and set up", () => {
  const s = new Scene();
  s.found("10.0.0.1", 1);
  const cluster = s.announcing();
  announced(s, cluster);
  const share = s.share(cluster, "10.0.0.1");
  const job = s.submit(cluster);
  s.deallocate(cluster, "10.0.0.1");
  s.allocate(cluster, allocation("10.0.0.1"));
  assertEquals([share.state, job.state], ["setting_up", "queued"]);
  s.deallocate(cluster, "10.0.0.1");
  s.shareReady(share);
  assertEquals([share.state, job.state], ["drained", "queued"]);
  s.allocate(cluster, allocation("10.0.0.1"));
  assertEquals(job.state, "assigned");
});

Deno.test("a deallocated node whose setup failed is set up again only when it is allocated", () => {
  const s = new Scene();
  s.found("10.0.0.1", 1);
  const cluster = s.announcing();
  announced(s, cluster);
  const share = s.share(cluster, "10.0.0.1");
  s.deallocate(cluster, "10.0.0.1");
  s.shareFailed(share, "refused");
  s.pass(1_000_000);
  assertEquals(s.effectsOf("setUpShare").length, 0);
  s.allocate(cluster, allocation("*"));
  assertEquals(s.effectsOf("setUpShare").length, 1);
});

Deno.test("a closed node is told so; its free jobs go elsewhere, its pinned ones are cancelled", () => {
  const { scene: s, cluster } = scene();
  const pinned = [1, 2, 3].map(() => s.submit(cluster, "10.0.0.1"));
  assertEquals(s.closeNode(cluster, "10.0.0.1"), true);
  assertEquals(s.results, [[pinned[2]!.uid, Cancelled]]);
  assertEquals(s.closeNode(cluster, "10.0.0.1"), false);
  s.started(pinned[0]!);
  s.reply(pinned[0]!);
  s.refused(pinned[1]!, "dropped");
  assertEquals(s.results, [[pinned[1]!.uid, Cancelled]]);
  assertEquals(s.effectsOf("closeShare").length, 1);
  s.closed(s.share(cluster, "10.0.0.1"));
  assertEquals([...cluster.shares.keys()], ["10.0.0.2"]);
});

Deno.test("a node closed with terminatePending has its jobs ended, and is reminded of it", () => {
  const { scene: s, cluster } = scene();
  const running = s.running(cluster, "10.0.0.1");
  const assigned = s.submit(cluster, "10.0.0.1");
  const elsewhere = s.running(cluster, "10.0.0.2");
  s.closeNode(cluster, "10.0.0.1", true);
  assertEquals(s.effectsOf("terminateJob").map(({ job }) => job.uid), [running.uid]);
  s.started(assigned);
  assertEquals(s.effectsOf("terminateJob").map(({ job }) => job.uid), [assigned.uid]);
  s.pass(2_000);
  assertEquals(s.effectsOf("terminateJob").length, 2);
  assertEquals(elsewhere.cancelRequested, false);
});

Deno.test("deallocating a node that is being closed does not bring it back", () => {
  const { scene: s, cluster } = scene();
  s.closeNode(cluster, "10.0.0.1");
  s.deallocate(cluster, "10.0.0.1");
  s.allocate(cluster, allocation("*"));
  assertEquals(s.share(cluster, "10.0.0.1").state, "closing");
});

Deno.test("a node that is allocated while it closes is set up again afterwards", () => {
  const { scene: s, cluster } = scene();
  s.closeNode(cluster, "10.0.0.1");
  s.allocate(cluster, allocation("10.0.0.1"));
  assertEquals(s.effectsOf("setUpShare").length, 0);
  s.closed(s.share(cluster, "10.0.0.1"));
  assertEquals(s.effectsOf("setUpShare").length, 1);
});

Deno.test("a closed node that shows up again stays closed", () => {
  const { scene: s, cluster } = scene();
  s.closeNode(cluster, "10.0.0.1");
  s.closed(s.share(cluster, "10.0.0.1"));
  s.found("10.0.0.1", 2, { sign: "another" });
  assertEquals([...cluster.shares.keys()], ["10.0.0.2"]);
});

Deno.test("a result that comes after its node has closed is taken", () => {
  const { scene: s, cluster } = scene();
  const job = s.running(cluster, "10.0.0.1");
  s.closeNode(cluster, "10.0.0.1");
  s.closed(s.share(cluster, "10.0.0.1"));
  assertEquals([s.results, job.state], [[], "running"]);
  s.reply(job);
  assertEquals(s.results, [[job.uid, Finished]]);
  assertEquals([...cluster.shares.keys()], ["10.0.0.2"]);
});

Deno.test("a job whose node has closed without a reply is terminated after a while", () => {
  const { scene: s, cluster } = scene();
  const job = s.running(cluster, "10.0.0.1");
  s.closeNode(cluster, "10.0.0.1");
  s.closed(s.share(cluster, "10.0.0.1"));
  s.pass(4_500);
  assertEquals(job.state, "running");
  s.pass(500);
  assertEquals([s.results, cluster.shares.size], [[[job.uid, Terminated]], 1]);
});

Deno.test("a node is told to close once the jobs on their way to it are answered for", () => {
  for (const terminatePending of [false, true]) {
    const { scene: s, cluster } = scene();
    const [first, second] = [s.submit(cluster, "10.0.0.1"), s.submit(cluster, "10.0.0.1")];
    s.closeNode(cluster, "10.0.0.1", terminatePending);
    assertEquals(s.effectsOf("closeShare"), []);
    s.started(first);
    assertEquals(s.effectsOf("closeShare"), []);
    s.refused(second, "busy");
    assertEquals(s.effectsOf("closeShare").map((e) => e.terminatePending), [terminatePending]);
    s.reply(first);
    assertEquals(s.effectsOf("closeShare"), [], "once");
  }
});

Deno.test("a node lost before the jobs on their way to it are answered for is not told to close", () => {
  const { scene: s, cluster } = scene();
  const job = s.submit(cluster, "10.0.0.1");
  const { node } = job.share!;
  s.closeNode(cluster, "10.0.0.1");
  s.on((c, nowMs) => core.onNodeTerminated(c, node, nowMs));
  s.refused(job, "unreachable");
  assertEquals(s.effectsOf("closeShare"), []);
});

Deno.test("a job that a node refuses because it is to close runs elsewhere", () => {
  const { scene: s, cluster } = scene();
  const job = s.submit(cluster);
  const { ipAddr } = job.share!.node;
  s.closeNode(cluster, ipAddr);
  s.refused(job, "dropped");
  assertEquals([job.state, job.share?.node.ipAddr === ipAddr, s.results], ["assigned", false, []]);
  s.closed(s.share(cluster, ipAddr));
  assertEquals(cluster.shares.has(ipAddr), false);
});

Deno.test("an entry for the same nodes replaces the earlier one", () => {
  const { scene: s, cluster } = scene({ allocations: [allocation("*", 1)] });
  for (let i = 0; i < 6; i++) s.submit(cluster);
  assertEquals([...cluster.shares.values()].map(({ busy }) => busy), [1, 1]);
  s.allocate(cluster, allocation("*", 2));
  assertEquals(cluster.allocations.length, 1);
  assertEquals([...cluster.shares.values()].map(({ busy }) => busy), [2, 2]);
});

Deno.test("nodes can be added to a cluster that is not scheduled yet", () => {
  const s = new Scene();
  s.found("10.0.0.1", 1);
  const cluster = s.announcing({ allocations: [] });
  s.allocate(cluster, allocation("*"));
  assertEquals([s.kinds, cluster.shares.size], [[], 0]);
  announced(s, cluster);
  assertEquals(cluster.shares.size, 1);
});

// CPUs.

Deno.test("only cooperative or exclusive clusters may set a node's CPUs", () => {
  const allowed = (options: Partial<core.CoreOptions & core.ClusterOptions>) => {
    const { scene: s, cluster } = scene(options);
    return s.setCpus(cluster, "10.0.0.1", 1);
  };
  assertEquals(allowed({}), false);
  assertEquals(allowed({ cooperative: true }), true);
  assertEquals(allowed({ exclusive: true }), true);
});

Deno.test("CPUs that a client sets are limited by what the node has, and all clusters are told", () => {
  const { scene: s, cluster } = scene({ cooperative: true });
  const node = s.core.nodes.get("10.0.0.1")!;
  s.cluster();
  const set = (cpus: number) => {
    s.setCpus(cluster, "10.0.0.1", cpus);
    return node.cpus;
  };
  assertEquals([set(1), set(9), set(-1), set(-9), set(0)], [1, 2, 1, 0, 0]);
  assertEquals(s.effectsOf("tellNodeStatus").map(({ status }) => status), ["cpus", "cpus"]);
  assertEquals(s.setCpus(cluster, "10.9.9.9", 1), false);
});

Deno.test("CPUs that a client set are given back when nobody uses the node any more", () => {
  const { scene: s, cluster } = scene({ cooperative: true });
  const node = s.core.nodes.get("10.0.0.1")!;
  s.setCpus(cluster, "10.0.0.1", 1);
  s.found("10.0.0.1", 2);
  assertEquals(node.cpus, 1);
  s.closeNode(cluster, "10.0.0.1");
  s.closed(s.share(cluster, "10.0.0.1"));
  assertEquals(node.cpus, 2);
});

Deno.test("more CPUs start waiting jobs", () => {
  const { scene: s, cluster } = scene({ cooperative: true });
  s.setCpus(cluster, "10.0.0.1", 0);
  for (let i = 0; i < 4; i++) s.submit(cluster);
  assertEquals(cluster.queue.size, 2);
  s.setCpus(cluster, "10.0.0.1", 1);
  assertEquals(s.effectsOf("runJob").length, 1);
});
