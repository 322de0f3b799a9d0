import { assertEquals } from "@std/assert/equals.js";
import * as core from "../../../src/core/mod.ts";
import { allocation, Scene } from "./scene.ts";

Deno.test("when a node offers fewer CPUs than an entry leaves unused, the next entry counts", () => {
  const scene = new Scene();
  const node = scene.node("10.0.0.1", 4);
  const cluster = scene.cluster({
    allocations: [allocation("10.0.0.1", -1), allocation("*")],
  });
  const share = scene.share(cluster, "10.0.0.1");
  assertEquals([share.allocation.pattern, share.maxCpus], ["10.0.0.1", 3]);
  scene.on((c) => core.onNodeCpusChanged(c, node, 1));
  assertEquals([share.allocation.pattern, share.maxCpus], ["*", 1]);
  scene.on((c) => core.onNodeCpusChanged(c, node, 4));
  assertEquals([share.allocation.pattern, share.maxCpus], ["10.0.0.1", 3]);
});
