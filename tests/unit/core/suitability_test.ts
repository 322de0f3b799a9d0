/** Which nodes a cluster has use for. */

import { deepStrictEqual as equal } from "node:assert/strict";
import type { Cluster, Node } from "../../../src/core/entities.ts";
import {
  onClusterAnnounced,
  onClusterReceived,
  onNodeFound,
  onScheduleRequested,
} from "../../../src/core/mod.ts";
import { unsuitability } from "../../../src/core/suitability.ts";
import { ALL_NODES, Scene } from "./scene.ts";

function reason(needed: string | undefined, platform: string): string | null {
  const cluster = { options: { platform: needed } } as Cluster;
  return unsuitability(cluster, { info: { platform } } as Node);
}

Deno.test("a cluster uses nodes whose platform has the word that it needs", () => {
  equal(reason("typescript/1", "Linux-6.1 typescript/1"), null);
  equal(reason("typescript/1", "Linux-6.1"), "it does not run typescript/1");
  equal(reason(undefined, "Linux-6.1"), null);
});

Deno.test("a cluster does without nodes whose platform has the word that it shuns", () => {
  equal(reason("!no-python", "Linux-6.1 no-python"), "its platform says no-python");
  equal(reason("!no-python", "Linux-6.1-no-python"), null);
  equal(reason("!no-python", "Linux-6.1"), null);
});

Deno.test("a cluster uses nodes of its own generation, and those that understand any", () => {
  const of = (generation: string | undefined, ofNode: string | null | undefined) =>
    unsuitability(
      { options: { generation } } as Cluster,
      { info: { platform: "Linux", generation: ofNode } } as Node,
    );
  equal(of("dispy ≥ 4.11", "dispy ≥ 4.11"), null);
  equal(of("dispy ≥ 4.11", null), null);
  equal(of("dispy ≤ 4.10", null), null);
  equal(
    of("dispy ≥ 4.11", "dispy ≤ 4.10"),
    "it is of dispy ≤ 4.10, the cluster of dispy ≥ 4.11",
  );
  // What earlier versions of this program have written into a journal says nothing of it.
  equal(of(undefined, "dispy ≤ 4.10"), null);
  equal(of("dispy ≥ 4.11", undefined), null);
});

Deno.test("a node of another generation is passed over, with the reason; one of the same is set up", () => {
  const scene = new Scene();
  const node = (n: number, generation: string | null) =>
    onNodeFound(scene.core, {
      ...{ ipAddr: `10.0.0.${n}`, port: 51348, sign: `sign ${n}`, name: `node${n}`, cpus: 2 },
      ...{ platform: "Linux", version: "4.10.6", schedulerIpAddr: "10.0.0.1" },
      ...{ schedulerPort: 51347, availInfo: null, generation },
    }, scene.nowMs);
  scene.on(() => node(1, "dispy ≤ 4.10"));
  scene.on(() => node(2, "dispy ≥ 4.11"));
  scene.on(() => node(3, null));
  const cluster = scene.on((core, nowMs) => {
    const options = { allocations: [ALL_NODES], reentrant: false, exclusive: false };
    const generation = "dispy ≥ 4.11";
    const cluster = onClusterReceived(core, "work", { ...options, generation }, nowMs);
    onScheduleRequested(core, cluster, nowMs);
    onClusterAnnounced(core, cluster, nowMs);
    return cluster;
  });
  equal([...cluster.shares.keys()], ["10.0.0.2", "10.0.0.3"]);
  equal(
    scene.effectsOf("passOverNode").map((effect) => [effect.node.ipAddr, effect.reason]),
    [["10.0.0.1", "it is of dispy ≤ 4.10, the cluster of dispy ≥ 4.11"]],
  );
});
