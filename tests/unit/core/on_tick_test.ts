import { assertEquals } from "@std/assert/equals.js";
import {
  onClientAlive,
  onDelivered,
  onNodePulse,
  onShutdown,
  onShutdownOver,
  Outcome,
} from "../../../src/core/mod.ts";
import { Scene } from "./scene.ts";

const { Terminated, Finished } = Outcome;

function scene(zombieIntervalMs: number | null = null) {
  const scene = new Scene({ zombieIntervalMs });
  scene.node("10.0.0.1", 1);
  const cluster = scene.cluster();
  return { scene, cluster, share: scene.share(cluster, "10.0.0.1") };
}

Deno.test("a silent client's cluster is closed, and its results are kept until they are taken", () => {
  const { scene: s, cluster, share } = scene(60_000);
  const [running, queued] = [s.running(cluster), s.submit(cluster)];
  s.pass(60_000);
  assertEquals(cluster.state, "active");
  s.pass(500);
  assertEquals(s.results, [[queued.uid, Terminated]]);
  assertEquals(s.effectsOf("deliver")[0]!.delivery.reason, "the client is silent");
  assertEquals(s.effectsOf("terminateJob").length, 1);
  s.reply(running, { status: Terminated });
  s.closed(share);
  assertEquals([cluster.state, s.core.clusters.size], ["closed", 1]);
  s.pass(10_000_000);
  for (const delivery of [...cluster.deliveries.values()]) {
    s.on((c, nowMs) => onDelivered(c, delivery, nowMs));
  }
  assertEquals([s.kinds, s.core.clusters.size], [["forgetResult", "forgetCluster"], 0]);
});

Deno.test("a client that shows signs of life is not given up", () => {
  const { scene: s, cluster } = scene(60_000);
  for (let i = 0; i < 5; i++) {
    s.pass(59_000);
    s.on((c, nowMs) => onClientAlive(c, cluster, nowMs));
  }
  assertEquals(cluster.state, "active");
});

Deno.test("without a zombie interval a silent client's cluster stays", () => {
  const { scene: s, cluster } = scene(null);
  s.pass(1_000_000);
  assertEquals(cluster.state, "active");
});

Deno.test("clients that wait to be scheduled are not given up before they are", () => {
  const s = new Scene({ zombieIntervalMs: 1_000 });
  const cluster = s.announcing({ exclusive: true });
  const waiting = s.announcing({ exclusive: true });
  assertEquals([cluster.state, waiting.state], ["announcing", "waiting"]);
  s.pass(2_000);
  assertEquals([cluster.state, waiting.state], ["closed", "announcing"]);
  s.pass(2_000);
  assertEquals([s.core.clusters.size, s.core.waiting.length], [0, 0]);
});

Deno.test("at a shutdown clients are told of each job that will not run", () => {
  const { scene: s, cluster, share } = scene();
  s.node("10.0.0.2", 1);
  const running = s.running(cluster);
  const assigned = s.submit(cluster);
  const queued = [s.submit(cluster), s.submit(cluster)];
  const waiting = s.announcing({ exclusive: true });
  s.on(onShutdown);
  assertEquals(s.results, queued.map(({ uid }) => [uid, Terminated]));
  assertEquals(s.effectsOf("deliver")[0]!.delivery.reason, "the scheduler was shut down");
  assertEquals(s.effectsOf("terminateJob").map(({ job }) => job.uid), [running.uid]);
  assertEquals(s.effectsOf("closeShare").length, 1);
  assertEquals(s.core.clusters.has(waiting.id), false);

  s.refused(assigned, "busy");
  assertEquals(s.effectsOf("closeShare").length, 1);
  assertEquals(s.results, [[assigned.uid, Terminated]]);
  s.reply(running);
  assertEquals(s.results, [[running.uid, Finished]]);
  s.closed(share);
  s.closed(s.share(cluster, "10.0.0.2"));
  assertEquals([cluster.state, cluster.deliveries.size], ["closed", 4]);
});

Deno.test("at the end of a shutdown clients are told of jobs that nodes have not answered for", () => {
  const { scene: s, cluster } = scene();
  s.node("10.0.0.2", 1);
  const [running, assigned] = [s.running(cluster), s.submit(cluster)];
  s.on(onShutdown);
  s.closed(running.share!);
  assertEquals(s.results, []);
  s.on(onShutdownOver);
  assertEquals(s.results, [[running.uid, Terminated], [assigned.uid, Terminated]]);
  assertEquals(s.core.jobs.size, 0);
});

Deno.test("no more jobs are taken after a shutdown, and clients are told so", () => {
  const { scene: s, cluster } = scene();
  s.on(onShutdown);
  const uid = s.submitUid(cluster);
  assertEquals(s.results, [[uid, Terminated]]);
});

Deno.test("a tick with nothing to do does nothing", () => {
  const { scene: s } = scene(1_000_000);
  s.pass(100_000);
  assertEquals(s.kinds, []);
});

Deno.test("nothing is noted of nodes that pulse and do nothing else", () => {
  const s = new Scene({ isJournaled: true });
  const node = s.node("10.0.0.1", 1);
  const cluster = s.cluster();
  s.pass(1_000);
  s.core.takeChanges();
  const pulse = () => s.on((c, nowMs) => onNodePulse(c, node.ipAddr, { cpu: 1 }, nowMs));
  pulse();
  s.pass(1_000);
  assertEquals([s.kinds, [...s.core.takeChanges()]], [["tellNodeStatus"], []]);
  s.reply(s.running(cluster));
  s.core.takeChanges();
  s.pass(1_000);
  assertEquals([...s.core.takeChanges()], [s.share(cluster, node.ipAddr), cluster]);
  pulse();
  s.pass(1_000);
  assertEquals([...s.core.takeChanges()], []);
});
