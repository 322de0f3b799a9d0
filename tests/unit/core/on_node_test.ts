import { assertEquals } from "@std/assert/equals.js";
import * as core from "../../../src/core/mod.ts";
import { allocation, Scene } from "./scene.ts";

const { Cancelled } = core.Outcome;

function terminated(s: Scene, node: core.Node): void {
  s.on((c, nowMs) => core.onNodeTerminated(c, node, nowMs));
}

function offers(s: Scene, node: core.Node, cpus: number): void {
  s.on((c) => core.onNodeCpusChanged(c, node, cpus));
}

Deno.test("jobs of a lost node run again where their client allows it, else are cancelled", () => {
  for (const reentrant of [true, false]) {
    const s = new Scene();
    const node = s.node("10.0.0.1", 2);
    const cluster = s.cluster({ reentrant });
    const job = s.running(cluster);
    terminated(s, node);
    assertEquals(s.results, reentrant ? [] : [[job.uid, Cancelled]]);
    assertEquals(s.effectsOf("forgetNode").length, 1);
    if (!reentrant) continue;
    s.node("10.0.0.2", 1);
    assertEquals([job.share?.node.ipAddr, job.hash], ["10.0.0.2", `hash of ${job.uid}`]);
    s.started(job);
    assertEquals(s.reply(job), true);
  }
});

Deno.test("a job that moved is not ended by a late reply of its first node", () => {
  const s = new Scene();
  const node = s.node("10.0.0.1", 1);
  s.node("10.0.0.2", 1);
  const cluster = s.cluster({ reentrant: true });
  const job = s.running(cluster, null);
  assertEquals(job.share?.node, node);
  terminated(s, node);
  s.started(job);
  assertEquals(s.reply(job, { nodeIpAddr: "10.0.0.1" }), false);
  assertEquals(job.share?.node.ipAddr, "10.0.0.2");
});

Deno.test("jobs pinned to a lost node are cancelled, running or not, though reentrant", () => {
  const s = new Scene();
  const node = s.node("10.0.0.1", 1);
  s.node("10.0.0.2", 1);
  const cluster = s.cluster({ reentrant: true });
  const running = s.running(cluster, "10.0.0.1");
  const waiting = s.submit(cluster, "10.0.0.1");
  terminated(s, node);
  assertEquals(s.results, [[waiting.uid, Cancelled], [running.uid, Cancelled]]);
});

Deno.test("of a job on its way to a lost node, the answer decides", () => {
  const setUp = () => {
    const s = new Scene();
    const node = s.node("10.0.0.1", 1);
    const cluster = s.cluster();
    const job = s.submit(cluster);
    const share = job.share!;
    terminated(s, node);
    assertEquals([job.state, s.results], ["assigned", []]);
    return { s, job, share };
  };
  const refused = setUp();
  refused.s.refused(refused.job, "unreachable", refused.share);
  assertEquals(refused.job.state, "queued");

  const started = setUp();
  started.s.started(started.job, started.share);
  assertEquals(started.s.results, [[started.job.uid, Cancelled]]);
});

Deno.test("a node with another sign was restarted: what ran there is lost, and it is used anew", () => {
  const s = new Scene();
  const node = s.node("10.0.0.1", 1);
  const cluster = s.cluster();
  const job = s.running(cluster);
  const queued = s.submit(cluster);
  const restarted = s.found("10.0.0.1", 2, { sign: "another" });
  assertEquals(s.results, [[job.uid, Cancelled]]);
  assertEquals([restarted === node, s.core.nodes.get("10.0.0.1") === restarted], [false, true]);
  assertEquals(s.effectsOf("setUpShare").length, 1);
  s.ready();
  assertEquals(queued.share?.node === restarted, true);
});

Deno.test("a node that introduces itself twice changes nothing", () => {
  const s = new Scene();
  const node = s.node("10.0.0.1", 2);
  const cluster = s.cluster();
  s.running(cluster);
  assertEquals(s.found("10.0.0.1", 2) === node, true);
  assertEquals(s.kinds, []);
});

Deno.test("a paused node that introduces itself gets jobs at once", () => {
  const s = new Scene();
  s.node("10.0.0.1", 2);
  const cluster = s.cluster();
  const job = s.submit(cluster);
  s.refused(job, "busy");
  s.found("10.0.0.1", 2);
  assertEquals(s.kinds, ["runJob"]);
});

Deno.test("a node with jobs that is silent for more than five pulses is lost, an idle one is not", () => {
  const s = new Scene({ pulseIntervalMs: 1_000 });
  s.node("10.0.0.1", 1);
  s.node("10.0.0.2", 1);
  const cluster = s.cluster();
  const job = s.running(cluster);
  const { ipAddr } = job.share!.node;
  for (let i = 0; i < 10; i++) {
    s.pass(1_000);
    s.on((c, nowMs) => core.onNodePulse(c, ipAddr, null, nowMs));
  }
  assertEquals(job.state, "running");
  s.pass(5_000);
  assertEquals(job.state, "running");
  s.pass(500);
  assertEquals([s.results, s.core.nodes.size], [[[job.uid, Cancelled]], 1]);
});

Deno.test("without pulses no node is lost for its silence", () => {
  const s = new Scene({ pulseIntervalMs: null });
  s.node("10.0.0.1", 1);
  const job = s.running(s.cluster());
  s.pass(100_000);
  assertEquals(job.state, "running");
});

Deno.test("pulses are known nodes' only, and tell clients of the node once a tick", () => {
  const s = new Scene();
  s.node("10.0.0.1", 1);
  s.cluster();
  const pulse = (ipAddr: string) =>
    s.on((c, nowMs) => core.onNodePulse(c, ipAddr, { cpu: 1 }, nowMs));
  assertEquals([pulse("10.0.0.1"), pulse("10.0.0.1"), pulse("10.9.9.9")], [true, true, false]);
  s.pass(500);
  assertEquals(s.effectsOf("tellNodeStatus").map(({ status }) => status), ["stats"]);
});

Deno.test("a node that offers no CPUs gets no jobs until it offers some again", () => {
  const s = new Scene();
  const node = s.node("10.0.0.1", 2);
  const cluster = s.cluster();
  const running = s.running(cluster);
  offers(s, node, 0);
  const job = s.submit(cluster);
  assertEquals([job.state, running.state], ["queued", "running"]);
  s.reply(running);
  assertEquals(job.state, "queued");
  offers(s, node, 1);
  assertEquals([s.effectsOf("runJob").length, job.state], [1, "assigned"]);
});

Deno.test("CPUs taken away under running jobs are not given out again", () => {
  const s = new Scene();
  const node = s.node("10.0.0.1", 3);
  const cluster = s.cluster();
  const running = [1, 2, 3].map(() => s.running(cluster));
  const queued = s.submit(cluster);
  offers(s, node, 1);
  assertEquals([node.busy, node.cpus], [3, 1]);
  s.reply(running[0]!);
  s.reply(running[1]!);
  assertEquals(queued.state, "queued");
  s.reply(running[2]!);
  assertEquals(queued.state, "assigned");
});

Deno.test("a node that has none at first is allocated once it offers CPUs", () => {
  const s = new Scene();
  const node = s.found("10.0.0.1", 0);
  const cluster = s.cluster();
  assertEquals(cluster.shares.size, 0);
  offers(s, node, 2);
  assertEquals(s.effectsOf("setUpShare").length, 1);
});

Deno.test("a share's CPUs are never exceeded, and shares of one node do not exceed it together", () => {
  const s = new Scene();
  const node = s.node("10.0.0.1", 4);
  const limited = s.cluster({ allocations: [allocation("*", 1)] });
  const reserved = s.cluster({ allocations: [allocation("*", -1)] });
  for (let i = 0; i < 6; i++) {
    s.submit(limited);
    s.submit(reserved);
  }
  const busy = () => [s.share(limited, "10.0.0.1").busy, s.share(reserved, "10.0.0.1").busy];
  assertEquals([busy(), node.busy], [[1, 3], 4]);
  for (const job of [...node.jobs].filter((job) => job.cluster === limited)) s.reply(job);
  assertEquals(busy(), [1, 3]);
  offers(s, node, 2);
  for (const job of [...node.jobs]) s.reply(job);
  assertEquals([busy(), node.busy], [[1, 1], 2]);
});

Deno.test("the CPUs that the node offers at setup count", () => {
  const s = new Scene();
  const cluster = s.cluster();
  const node = s.found("10.0.0.1", 2);
  s.shareReady(s.share(cluster, "10.0.0.1"), 5);
  assertEquals([node.cpus, s.share(cluster, "10.0.0.1").maxCpus], [5, 5]);
});

Deno.test("CPUs that one cluster's setup brings are used by another while the first closes", () => {
  const s = new Scene();
  const node = s.node("10.0.0.1", 1);
  const cluster = s.cluster();
  const other = s.announcing();
  s.on((c, nowMs) => core.onClusterAnnounced(c, other, nowMs));
  const share = s.share(other, "10.0.0.1");
  s.running(cluster);
  const job = s.submit(cluster);
  s.close(other);
  s.shareReady(share, 2);
  assertEquals([job.state, node.busy], ["assigned", 2]);
});

Deno.test("a setup that fails is tried again, ever less often; pinned jobs wait for one more", () => {
  const s = new Scene();
  s.found("10.0.0.1", 1);
  const cluster = s.announcing();
  s.on((c, nowMs) => core.onClusterAnnounced(c, cluster, nowMs));
  const share = s.share(cluster, "10.0.0.1");
  const job = s.submit(cluster, "10.0.0.1");
  s.shareFailed(share, "unreachable");
  assertEquals([share.state, job.state], ["failed", "queued"]);
  s.pass(4_500);
  assertEquals(s.effectsOf("setUpShare").length, 0);
  s.pass(500);
  assertEquals(s.effectsOf("setUpShare").length, 1);
  s.shareFailed(share, "refused");
  assertEquals(s.results, [[job.uid, Cancelled]]);
  s.pass(9_500);
  assertEquals(s.effectsOf("setUpShare").length, 0);
  s.pass(500);
  assertEquals(s.effectsOf("setUpShare").length, 1);
  s.shareReady(share);
  assertEquals(share.failures, 0);
});

Deno.test("where the client's own setup fails, it is not tried until the node shows up anew", () => {
  const s = new Scene();
  s.found("10.0.0.1", 1);
  const cluster = s.announcing();
  s.on((c, nowMs) => core.onClusterAnnounced(c, cluster, nowMs));
  const job = s.submit(cluster, "10.0.0.1");
  s.shareFailed(s.share(cluster, "10.0.0.1"), "setup_failed");
  assertEquals(s.results, [[job.uid, Cancelled]]);
  s.pass(1_000_000);
  assertEquals(s.effectsOf("setUpShare").length, 0);
  s.found("10.0.0.1", 1);
  assertEquals(s.effectsOf("setUpShare").length, 1);
});

Deno.test("a setup that ends after its node was lost closes what it has left there", () => {
  const s = new Scene();
  const node = s.found("10.0.0.1", 1);
  const cluster = s.announcing();
  s.on((c, nowMs) => core.onClusterAnnounced(c, cluster, nowMs));
  const share = s.share(cluster, "10.0.0.1");
  terminated(s, node);
  s.shareReady(share, 1);
  assertEquals(s.kinds, ["closeShare"]);
  s.closed(share);
  assertEquals([s.kinds, cluster.shares.size], [[], 0]);
});

Deno.test("a silent node that jobs wait for, and for no other, is lost though it is idle", () => {
  const s = new Scene({ pulseIntervalMs: 1_000 });
  const node = s.node("10.0.0.1", 1);
  const cluster = s.cluster();
  offers(s, node, 0);
  const job = s.submit(cluster, "10.0.0.1");
  s.pass(5_000);
  assertEquals(job.state, "queued");
  s.pass(500);
  assertEquals(s.results, [[job.uid, Cancelled]]);
});

Deno.test("clients may name a node by any of its addresses", () => {
  const s = new Scene();
  const node = s.found("10.0.0.1", 2);
  const named = s.cluster({ allocations: [allocation("192.168.0.1")] });
  assertEquals(named.shares.size, 0);
  s.on((c, nowMs) => core.onNodeFoundElsewhere(c, node, "192.168.0.1", nowMs));
  s.ready();
  assertEquals([...named.shares.keys(), s.core.nodes.size], ["10.0.0.1", 1]);
  assertEquals(s.running(named).share?.node, node);
});
