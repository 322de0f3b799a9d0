/** Every reason why a cluster may wait is named, and none where a job could start. */

import { assertEquals } from "@std/assert/equals.js";
import * as core from "../../../src/core/mod.ts";
import { allocation, Scene } from "./scene.ts";

/** Why `cluster` waits: kind and nodes, and what is known beyond that. */
function waits(s: Scene, cluster: core.Cluster): unknown[] {
  return core.waitsOf(s.core, cluster).map(({ kind, nodes, reason }) =>
    [kind, ...nodes, ...(reason === null ? [] : [`(${reason})`])].join(" ")
  );
}

Deno.test("a cluster waits for no reason where a job could start", () => {
  const s = new Scene();
  s.node("10.0.0.2", 1);
  const cluster = s.cluster();
  assertEquals(waits(s, cluster), []);
  assertEquals(core.isStuck(s.core, cluster), false);
});

Deno.test("no node, and none that the node list names", () => {
  const s = new Scene();
  const cluster = s.cluster({ allocations: [allocation("10.0.1.*")] });
  assertEquals(waits(s, cluster), ["no_node"]);
  s.node("10.0.0.2", 1);
  assertEquals(waits(s, cluster), ["no_node_matches"]);
  assertEquals(core.isStuck(s.core, cluster), false, "no job waits");
  s.submit(cluster);
  assertEquals(core.isStuck(s.core, cluster), true);
});

Deno.test("nodes that are being set up, and those that are busy", () => {
  const s = new Scene();
  s.found("10.0.0.2", 1);
  const cluster = s.announcing();
  s.on((c, nowMs) => core.onClusterAnnounced(c, cluster, nowMs));
  s.submit(cluster);
  assertEquals(waits(s, cluster), ["setting_up 10.0.0.2"]);
  assertEquals(core.isStuck(s.core, cluster), false);
  s.ready();
  s.submit(cluster);
  assertEquals(waits(s, cluster), ["busy 10.0.0.2"]);
  assertEquals(core.isStuck(s.core, cluster), false);
});

Deno.test("nodes that refuse the setup with the same words are named together", () => {
  const s = new Scene();
  const cluster = s.announcing();
  s.on((c, nowMs) => core.onClusterAnnounced(c, cluster, nowMs));
  s.submit(cluster);
  for (let n = 2; n < 14; n++) s.found(`10.0.0.${n}`, 1);
  for (const share of cluster.shares.values()) {
    const reason = share.node.ipAddr === "10.0.0.5" ? "no disk" : "TypeError: n is missing";
    s.on((c, nowMs) => core.onShareFailed(c, share, "setup_failed", reason, nowMs));
  }
  const [many, one] = core.waitsOf(s.core, cluster);
  assertEquals([many?.count, many?.nodes.length, one?.count], [11, 8, 1]);
  assertEquals(core.describeWait(one!), "10.0.0.5: could not be set up: no disk");
  assertEquals(
    core.describeWait(many!),
    "10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.6, 10.0.0.7, 10.0.0.8, 10.0.0.9, 10.0.0.10 and 3 more: " +
      "could not be set up: TypeError: n is missing",
  );
  assertEquals(core.isStuck(s.core, cluster), true);
});

Deno.test("nodes that are drained, deallocated, without CPUs, or held by another cluster", () => {
  const s = new Scene();
  for (const n of [2, 3, 4, 5, 6]) s.node(`10.0.0.${n}`, 2);
  const cluster = s.cluster({
    allocations: [
      ...["10.0.0.2", "10.0.0.3", "10.0.0.5"].map((ipAddr) => allocation(ipAddr)),
      allocation("10.0.0.4", -2),
    ],
  });
  s.on((c) => core.onNodeLimited(c, "10.0.0.2", 0));
  s.deallocate(cluster, "10.0.0.3");
  s.on((c) => core.onNodeCpusChanged(c, s.core.nodes.get("10.0.0.5")!, 0));
  const holder = s.cluster({ exclusive: true, allocations: [allocation("10.0.0.6")] });
  s.allocate(cluster, allocation("10.0.0.6"));
  assertEquals(
    new Set(waits(s, cluster)),
    new Set([
      "no_cpus 10.0.0.4 10.0.0.5",
      "drained 10.0.0.2",
      "released 10.0.0.3",
      "held 10.0.0.6",
    ]),
  );
  assertEquals(waits(s, holder), []);
});

Deno.test("nodes that are not suitable, with the reason", () => {
  const s = new Scene();
  s.found("10.0.0.2", 1, { generation: "dispy ≤ 4.10" });
  s.found("10.0.0.3", 1, { platform: "Linux" });
  const old = s.cluster({ generation: "dispy ≥ 4.11", allocations: [allocation("10.0.0.2")] });
  assertEquals(waits(s, old), [
    "unsuitable 10.0.0.2 (it is of dispy ≤ 4.10, the cluster of dispy ≥ 4.11)",
  ]);
  const typed = s.cluster({ platform: "typescript/1", allocations: [allocation("10.0.0.3")] });
  assertEquals(waits(s, typed), ["unsuitable 10.0.0.3 (it does not run typescript/1)"]);
});

Deno.test("nodes that could not be reached, and those that are gone, until they are back", () => {
  const s = new Scene();
  s.node("10.0.0.2", 2);
  const cluster = s.cluster();
  s.running(cluster);
  s.refused(s.submit(cluster), "unreachable");
  assertEquals(waits(s, cluster), ["not_answering 10.0.0.2"]);
  s.on((c, nowMs) => core.onNodeTerminated(c, s.core.nodes.get("10.0.0.2")!, nowMs));
  assertEquals(waits(s, cluster), ["lost 10.0.0.2 (it has ended)"]);
  assertEquals(core.isStuck(s.core, cluster), true);
  s.found("10.0.0.2", 2);
  assertEquals(waits(s, cluster), ["setting_up 10.0.0.2"]);
});

Deno.test("of nodes that are gone so many are remembered, and no more", () => {
  const s = new Scene();
  for (let n = 2; n < 42; n++) s.node(`10.0.0.${n}`, 1);
  const cluster = s.cluster();
  for (const node of [...s.core.nodes.values()]) {
    s.on((c, nowMs) => core.onNodeTerminated(c, node, nowMs));
  }
  assertEquals([...cluster.lostNodes.keys()].length, 16);
  assertEquals(core.waitsOf(s.core, cluster)[0]?.count, 16);
});

Deno.test("what stands in the way of the cluster itself", () => {
  const s = new Scene();
  s.node("10.0.0.2", 4);
  const terms = { ...core.DEFAULT_TERMS, maxCpus: 1 };
  const first = s.cluster({ exclusive: true, terms });
  s.submit(first);
  assertEquals(waits(s, first), ["cpu_limit (1)"]);
  const second = s.announcing();
  assertEquals(waits(s, second), [`exclusive_ahead (test (${first.id}))`]);
  const options = { allocations: [allocation("*")], reentrant: false, exclusive: false };
  const third = s.on((c, nowMs) => core.onClusterReceived(c, "test", options, nowMs));
  assertEquals(waits(s, third), ["not_scheduled"]);
  s.close(first, true);
  assertEquals(waits(s, first), []);
});
