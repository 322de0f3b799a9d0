import { assertEquals } from "@std/assert/equals.js";
import * as core from "../../../src/core/mod.ts";
import { Scene } from "./scene.ts";

/** A result on its way. */
function scene() {
  const scene = new Scene();
  scene.node("10.0.0.1", 2);
  const cluster = scene.cluster();
  const finish = () => {
    scene.reply(scene.running(cluster));
    return scene.effectsOf("deliver")[0]!.delivery;
  };
  const fail = (delivery: core.Delivery) =>
    scene.on((_, nowMs) => core.onDeliveryFailed(delivery, nowMs));
  const refuse = (delivery: core.Delivery) =>
    scene.on((c, nowMs) => core.onDeliveryRefused(c, delivery, nowMs));
  const acknowledge = (delivery: core.Delivery) =>
    scene.on((c, nowMs) => core.onDelivered(c, delivery, nowMs));
  return { scene, cluster, finish, fail, refuse, acknowledge };
}

Deno.test("a result is kept until its client has acknowledged it", () => {
  const { scene: s, cluster, finish, acknowledge } = scene();
  const delivery = finish();
  s.pass(1_000_000);
  assertEquals([s.kinds.filter((kind) => kind !== "probeNode"), cluster.deliveries.size], [[
    "tellNodeStatus",
  ], 1]);
  acknowledge(delivery);
  assertEquals(cluster.deliveries.size, 0);
});

Deno.test("a delivery that fails is tried again, ever less often, at most a minute apart", () => {
  const { scene: s, finish, fail } = scene();
  const delivery = finish();
  const waits: number[] = [];
  for (let attempt = 1; attempt <= 8; attempt++) {
    fail(delivery);
    const failedMs = s.nowMs;
    do s.pass(500); while (s.effectsOf("deliver").length === 0);
    waits.push((s.nowMs - failedMs) / 1_000);
  }
  assertEquals(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
});

Deno.test("a delivery under way is not tried a second time beside", () => {
  const { scene: s, cluster, finish } = scene();
  finish();
  s.on((c, nowMs) => core.onClientAlive(c, cluster, nowMs));
  assertEquals(s.kinds, []);
  assertEquals(s.on((c, nowMs) => core.onResendRequested(c, cluster, nowMs)), 1);
  assertEquals(s.kinds, []);
});

Deno.test("a client's sign of life brings it what it has missed, but not what failed just now", () => {
  const { scene: s, cluster, finish, fail } = scene();
  const old = finish();
  for (let i = 0; i < 5; i++) {
    fail(old);
    s.pass(16_000);
  }
  fail(old);
  s.nowMs += 1_000;
  const recent = finish();
  fail(recent);
  s.nowMs += 999;
  s.on((c, nowMs) => core.onClientAlive(c, cluster, nowMs));
  assertEquals(s.effectsOf("deliver").map(({ delivery }) => delivery.uid), [old.uid]);
});

Deno.test("a result that is taken is a sign of life as well", () => {
  const { scene: s, finish, fail, acknowledge } = scene();
  const missed = finish();
  fail(missed);
  const next = finish();
  s.nowMs += 1_000;
  acknowledge(next);
  assertEquals(s.effectsOf("deliver").map(({ delivery }) => delivery.uid), [missed.uid]);
});

Deno.test("a client that asks for its results gets all that failed, at once, and their number", () => {
  const { scene: s, cluster, finish, fail } = scene();
  const missed = [finish(), finish()];
  for (const delivery of missed) fail(delivery);
  finish();
  assertEquals(s.on((c, nowMs) => core.onResendRequested(c, cluster, nowMs)), 3);
  assertEquals(s.effectsOf("deliver").length, 2);
});

Deno.test("a client that does not know a job is believed the third time", () => {
  const { scene: s, cluster, finish, refuse } = scene();
  const delivery = finish();
  for (let i = 0; i < 2; i++) {
    assertEquals([refuse(delivery), cluster.deliveries.size], [false, 1]);
    s.pass(2_000);
  }
  assertEquals([refuse(delivery), cluster.deliveries.size], [true, 0]);
  s.pass(1_000_000);
  assertEquals(s.effectsOf("deliver").length, 0);
});

Deno.test("a client that was away long and then does not know a job is asked as often", () => {
  const { scene: s, cluster, finish, fail, refuse } = scene();
  const delivery = finish();
  for (let i = 0; i < 5; i++) {
    fail(delivery);
    s.pass(60_000);
  }
  // It was stopped before it has read the job's uid, and may not have come to that yet.
  for (let i = 0; i < 2; i++) {
    assertEquals([refuse(delivery), cluster.deliveries.size], [false, 1]);
    s.pass(60_000);
  }
  assertEquals([refuse(delivery), cluster.deliveries.size], [true, 0]);
});

Deno.test("what was under way to a client that closes meanwhile is not tried again", () => {
  for (const how of ["fail", "refuse", "acknowledge"] as const) {
    const { scene: s, cluster, finish, ...end } = scene();
    const delivery = finish();
    s.close(cluster);
    end[how](delivery);
    s.pass(100_000);
    assertEquals([s.effectsOf("deliver").length, cluster.overdue.size], [0, 0], how);
    s.closed(s.share(cluster, "10.0.0.1"));
    assertEquals(s.core.clusters.size, 0);
  }
});

Deno.test("a cluster whose client has come back for its results is closed when it has them all", () => {
  const s = new Scene();
  s.node("10.0.0.2", 1);
  const cluster = s.cluster();
  const job = s.running(cluster);
  const first = s.submit(cluster);
  assertEquals(s.on((c, nowMs) => core.onResendRequested(c, cluster, nowMs)), 0);
  for (const each of [job, first]) {
    if (each.state === "assigned") s.started(each);
    s.reply(each);
    const { delivery } = s.effectsOf("deliver")[0]!;
    s.pass(1_000);
    assertEquals(cluster.state, "active");
    s.on((c, nowMs) => core.onDelivered(c, delivery, nowMs));
    assertEquals(s.effectsOf("forgetResult").map((effect) => effect.delivery), [delivery]);
  }
  s.pass(1_000);
  assertEquals(cluster.state, "closing");
  assertEquals(s.effectsOf("closeShare").length, 1);
});

Deno.test("results that nobody has come for are dropped in time, and their cluster with the last", () => {
  const { scene: s, cluster, finish, fail } = scene();
  const old = finish();
  fail(old);
  s.pass(10_000);
  const later = finish();
  fail(later);
  const expire = (sinceMs: number) => s.on((c) => core.onResultsExpired(c, sinceMs));
  assertEquals(expire(old.createdMs), new Map());
  assertEquals(expire(old.createdMs + 1), new Map([[cluster, 1]]));
  assertEquals(s.effectsOf("forgetResult").map(({ delivery }) => delivery), [old]);
  assertEquals([...cluster.deliveries.values()], [later]);
  s.on((c, nowMs) => core.onShutdown(c, nowMs));
  for (const share of [...cluster.shares.values()]) {
    s.on((c, nowMs) => core.onShareClosed(c, share, nowMs));
  }
  assertEquals(cluster.state, "closed");
  expire(s.nowMs + 1);
  assertEquals(s.core.clusters.size, 0);
});
