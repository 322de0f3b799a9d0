import { assertEquals } from "@std/assert/equals.js";
import {
  type Cluster,
  DEFAULT_TERMS,
  earliestJob,
  fairCluster,
  onClusterAnnounced,
} from "../../../src/core/mod.ts";
import { Scene } from "./scene.ts";

/** Lets the jobs of `clusters` run one after the other; returns whose each was, by position. */
function winners(scene: Scene, clusters: readonly Cluster[], count: number): number[] {
  const order: number[] = [];
  while (order.length < count) {
    const [running] = scene.core.nodes.get("10.0.0.1")!.jobs;
    order.push(clusters.indexOf(running!.cluster));
    scene.reply(running!);
  }
  return order;
}

function countOf(order: readonly number[], cluster: number): number {
  return order.filter((each) => each === cluster).length;
}

Deno.test("a cluster of higher priority overtakes all others, whatever the policy", () => {
  for (const policy of [earliestJob, fairCluster]) {
    const scene = new Scene({ policy });
    scene.node("10.0.0.1", 1);
    const low = scene.cluster();
    const high = scene.cluster({ terms: { ...DEFAULT_TERMS, priority: 5 } });
    for (let i = 0; i < 4; i++) scene.submit(low);
    for (let i = 0; i < 2; i++) scene.submit(high);
    // The first was alone when it was given the CPU.
    assertEquals(winners(scene, [low, high], 6), [0, 1, 1, 0, 0, 0]);
  }
});

Deno.test("fair: clusters get CPUs in proportion to their weights", () => {
  const scene = new Scene({ policy: fairCluster });
  scene.node("10.0.0.1", 1);
  const weights = [1, 3, 2];
  const clusters = weights.map((weight) => scene.cluster({ terms: { ...DEFAULT_TERMS, weight } }));
  for (let i = 0; i < 60; i++) for (const cluster of clusters) scene.submit(cluster);
  const order = winners(scene, clusters, 60);
  weights.forEach((weight, cluster) => {
    const share = countOf(order, cluster);
    assertEquals(Math.abs(share - weight * 10) <= 2, true, `weight ${weight} got ${share} of 60`);
  });
});

Deno.test("fair: of clusters of equal weight none gets two turns in a row", () => {
  const scene = new Scene({ policy: fairCluster });
  scene.node("10.0.0.1", 1);
  const terms = { ...DEFAULT_TERMS, weight: 2 };
  const clusters = [0, 1, 2].map(() => scene.cluster({ terms }));
  for (let i = 0; i < 10; i++) for (const cluster of clusters) scene.submit(cluster);
  const order = winners(scene, clusters, 30);
  order.forEach((cluster, i) => assertEquals(cluster !== order[i - 1], true, order.join()));
});

Deno.test("a cluster uses no more CPUs than its limit, over all nodes, pinned jobs included", () => {
  const scene = new Scene();
  scene.node("10.0.0.1", 2);
  scene.node("10.0.0.2", 2);
  const cluster = scene.cluster({ terms: { ...DEFAULT_TERMS, maxCpus: 3 } });
  const other = scene.cluster();
  for (let i = 0; i < 4; i++) scene.submit(cluster);
  const pinned = scene.submit(cluster, "10.0.0.2");
  assertEquals(cluster.busy, 3);
  assertEquals(pinned.state, "queued");
  // What it may not use is there for others.
  assertEquals(scene.submit(other).state, "assigned");
  for (let left = 5; left > 0; left--) {
    const [job] = [...cluster.jobs.values()].filter(({ state }) => state !== "queued");
    scene.reply(job!);
    assertEquals(cluster.busy, Math.min(3, left - 1));
  }
});

Deno.test("fair: weights hold whatever clusters of another priority get in between", () => {
  const scene = new Scene({ policy: fairCluster });
  scene.node("10.0.0.1", 1);
  const [heavy, light, high] = [
    scene.cluster({ terms: { ...DEFAULT_TERMS, weight: 3 } }),
    scene.cluster(),
    scene.cluster({ terms: { ...DEFAULT_TERMS, priority: 5 } }),
  ];
  for (let i = 0; i < 40; i++) for (const cluster of [heavy, light]) scene.submit(cluster);
  const order: number[] = [];
  for (let i = 0; i < 40; i++) {
    scene.submit(high);
    order.push(...winners(scene, [heavy, light, high], 2));
  }
  assertEquals(Math.abs(countOf(order, 0) - 30) <= 2, true, order.join());
});

Deno.test("fair: time that a cluster has waited for its nodes is not saved up", () => {
  const scene = new Scene({ policy: fairCluster });
  scene.node("10.0.0.1", 1);
  const terms = { ...DEFAULT_TERMS, weight: 2 };
  const early = scene.cluster({ terms });
  const late = scene.announcing({ terms });
  scene.on((core, nowMs) => onClusterAnnounced(core, late, nowMs));
  for (let i = 0; i < 40; i++) for (const cluster of [early, late]) scene.submit(cluster);
  assertEquals(countOf(winners(scene, [early, late], 20), 0), 20);
  scene.ready();
  const order = winners(scene, [early, late], 10);
  assertEquals(Math.abs(countOf(order, 0) - 5) <= 1, true, order.join());
});
