import { assertEquals } from "@std/assert/equals.js";
import { Throttle } from "../../../src/net/throttle.ts";

Deno.test("each key has a rate of its own; of too many, the longest silent one begins anew", () => {
  let nowMs = 0;
  const throttle = new Throttle({ burst: 2, perSecond: 1 }, 2, () => nowMs);
  const take = (keys: string) => [...keys].map((key) => throttle.take(key));
  assertEquals(take("aaabbb"), [true, true, false, true, true, false]);
  nowMs += 1_000;
  assertEquals(take("aabb"), [true, false, true, false]);
  assertEquals(take("cb"), [true, false], "b was heard of after a, so a is forgotten");
  assertEquals(take("aaa"), [true, true, false]);
});
