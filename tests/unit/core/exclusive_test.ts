/** Exclusive clusters: alone on their nodes, others beside them. */

import { assertEquals } from "@std/assert/equals.js";
import { mayOverlap } from "../../../src/core/allocation.ts";
import { allocation, Scene } from "./scene.ts";

function overlap(a: string, b: string): boolean {
  const [one, other] = [[allocation(a)], [allocation(b)]];
  const result = mayOverlap(one, other);
  assertEquals(mayOverlap(other, one), result, `${b} and ${a}`);
  return result;
}

Deno.test("patterns overlap where one address or one name may match both", () => {
  for (
    const [a, b] of [
      ["*", "10.0.0.1"],
      ["*", "name-*"],
      ["10.0.0.1", "10.0.0.1"],
      ["10.0.*", "10.0.0.1"],
      ["10.0.*", "10.*.7"],
      ["10.*.7.*", "*.8"],
      ["a*", "*z"],
      ["fe80:*", "*:1"],
    ] as const
  ) assertEquals(overlap(a, b), true, `${a} and ${b}`);
  for (
    const [a, b] of [
      ["10.0.0.1", "10.0.0.2"],
      ["10.0.0.*", "10.0.1.*"],
      ["10.0.0.*", "10.0.1.7"],
      ["*.7", "*.8"],
      ["a*", "b*"],
    ] as const
  ) assertEquals(overlap(a, b), false, `${a} and ${b}`);
});

Deno.test("a name may be that of any address", () => {
  assertEquals(overlap("name-*", "10.0.0.1"), true);
  assertEquals(overlap("host", "10.0.*"), true);
});

function scene() {
  const s = new Scene();
  s.node("10.0.0.2", 1);
  s.node("10.0.1.2", 1);
  const on = (pattern: string, exclusive = false) =>
    s.announcing({ allocations: [allocation(pattern)], exclusive });
  return { s, on };
}

Deno.test("clusters on other nodes are scheduled beside an exclusive one, those that overlap wait", () => {
  const { s, on } = scene();
  const exclusive = on("10.0.0.*", true);
  const beside = on("10.0.1.*");
  const behind = on("*");
  const exclusiveBeside = on("10.0.2.*", true);
  assertEquals(
    [exclusive, beside, behind, exclusiveBeside].map(({ state }) => state),
    ["announcing", "announcing", "waiting", "waiting"],
    "the last one would overtake one that waits and overlaps",
  );
  s.close(exclusive);
  assertEquals([behind, exclusiveBeside].map(({ state }) => state), ["announcing", "waiting"]);
});

Deno.test("of clusters that overlap none overtakes an exclusive one that waits", () => {
  const { s, on } = scene();
  const first = on("10.0.0.2");
  const exclusive = on("10.0.*", true);
  const inTheWay = on("10.0.1.2");
  const elsewhere = on("10.9.*");
  assertEquals([first, exclusive, inTheWay, elsewhere].map(({ state }) => state), [
    "announcing",
    "waiting",
    "waiting",
    "announcing",
  ]);
  s.close(first);
  assertEquals([exclusive, inTheWay].map(({ state }) => state), ["announcing", "waiting"]);
});

Deno.test("nodes that are asked for later are given once those who have them leave", () => {
  const { s } = scene();
  const exclusive = s.cluster({ allocations: [allocation("10.0.0.*")], exclusive: true });
  const other = s.cluster({ allocations: [allocation("10.0.1.*")] });
  s.allocate(other, allocation("10.0.0.2"));
  assertEquals([...other.shares.keys()], ["10.0.1.2"]);
  s.allocate(exclusive, allocation("10.0.1.2"));
  assertEquals([...exclusive.shares.keys()], ["10.0.0.2"]);
  const share = s.share(exclusive, "10.0.0.2");
  s.close(exclusive);
  s.closed(share);
  assertEquals([...other.shares.keys()], ["10.0.1.2", "10.0.0.2"]);
});

Deno.test("an exclusive cluster is the first to get a new node of its patterns", () => {
  const { s } = scene();
  const other = s.cluster({ allocations: [allocation("10.0.1.*")] });
  const exclusive = s.cluster({ allocations: [allocation("10.0.0.*")], exclusive: true });
  s.allocate(other, allocation("10.0.0.7"));
  s.found("10.0.0.7", 2);
  assertEquals([...s.core.nodes.get("10.0.0.7")!.shares.keys()], [exclusive.id]);
});
