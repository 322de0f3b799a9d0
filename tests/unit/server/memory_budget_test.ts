/** What is kept is counted, by client and in all, and never more than may be. */

import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { assertThrows } from "@std/assert/throws.js";
import { type Item, MemoryBudget } from "../../../src/server/memory_budget.ts";

const LIMITS = { memoryBytes: 100, residentBytes: 200, keptBytes: 1000, maxItems: 10 };

const TAKES = { takesResults: true, shortage: null };
const LEAVES = { takesResults: false, shortage: null };

const job = (client: string, sizeBytes: number): Item => ({ client, sizeBytes, kind: "job" });
const result = (client: string, sizeBytes: number): Item => ({
  client,
  sizeBytes,
  kind: "result",
});

function budgetWith(...items: Item[]): MemoryBudget {
  const budget = new MemoryBudget(LIMITS);
  for (const item of items) budget.add(item, false);
  return budget;
}

Deno.test("one client may have half of the memory, all clients together all of it", () => {
  const budget = new MemoryBudget(LIMITS);
  budget.add(job("a", 50), true);
  assertEquals([budget.fitsMemory("a", 1), budget.fitsMemory("b", 50)], [false, true]);
  assertEquals([budget.hasMemoryLeft("a"), budget.hasMemoryLeft("b")], [true, true]);
  budget.add(job("b", 50), true);
  assertEquals([budget.fitsMemory("c", 0), budget.fitsMemory("c", 1)], [true, false]);
  budget.add(job("c", 1), true);
  assertEquals(budget.hasMemoryLeft("c"), false);
  budget.leaveMemory(job("c", 1));
  assertEquals([budget.hasMemoryLeft("c"), budget.memoryBytes, budget.keptBytes], [true, 100, 101]);
});

Deno.test("what is removed leaves nothing behind, wherever it was", () => {
  const budget = budgetWith(job("a", 10));
  budget.add(result("a", 5), true);
  budget.remove(result("a", 5), true);
  budget.remove(job("a", 10), false);
  assertEquals([budget.memoryBytes, budget.keptBytes], [0, 0]);
  assertThrows(() => budget.remove(job("a", 10), false), Error, "nothing is kept");
});

Deno.test("a job beyond its client's share, or that of all, is refused with the numbers", () => {
  const budget = budgetWith(job("a", 300));
  assertEquals(budget.jobRefusal("a", 75), null);
  assertEquals(
    budget.jobRefusal("a", 76),
    "what is kept for client a takes 300 bytes already and this job 76; the limit for one client " +
      "is 375",
  );
  for (const client of ["b", "c"]) budget.add(job(client, 200), false);
  assertEquals(budget.jobRefusal("d", 50), null);
  assertMatch(budget.jobRefusal("d", 51)!, /for all clients takes 700 bytes .* limit is 750/);
});

Deno.test("jobs are refused when there are too many, however small", () => {
  const budget = budgetWith(...Array.from({ length: 9 }, (_, n) => job(`${n}`, 0)));
  assertEquals(budget.jobRefusal("a", 0), null);
  budget.add(result("a", 0), false);
  assertMatch(budget.jobRefusal("a", 0)!, /^10 jobs and results .* limit is 10$/);
});

Deno.test("a client's first result is always taken, further ones up to its share", () => {
  const budget = budgetWith(job("a", 370));
  assertEquals(budget.resultRefusal("a", 5000, TAKES), null);
  budget.add(result("a", 120), false);
  assertEquals(budget.resultRefusal("a", 10, TAKES), null);
  assertMatch(budget.resultRefusal("a", 11, TAKES)!, /^490 bytes .* its client; the limit is 500/);
});

Deno.test("what is described in memory is limited for each address and for all, until it is released", () => {
  const budget = new MemoryBudget(LIMITS);
  const size = { keptBytes: 0, residentBytes: 60 };
  const first = budget.hold("a", size);
  assertMatch(
    budget.holdingRefusal("a", "this node", size)!,
    /for a takes 60 bytes already and this node 60; the limit for one address is 100$/,
  );
  for (const address of ["b", "c"]) {
    assertEquals(budget.holdingRefusal(address, "this node", size), null);
    budget.hold(address, size);
  }
  assertMatch(budget.holdingRefusal("d", "this node", size)!, /takes 180 .*; the limit is 200$/);
  first.release();
  first.release();
  assertEquals([budget.holdingRefusal("d", "this node", size), budget.residentBytes], [null, 120]);
});

Deno.test("files and computations take of the same room as jobs", () => {
  const budget = budgetWith(job("a", 300));
  const file = { keptBytes: 75, residentBytes: 1 };
  assertEquals(budget.holdingRefusal("a", "this file", file), null);
  const holding = budget.hold("a", file);
  assertMatch(budget.jobRefusal("a", 1)!, /takes 375 bytes already and this job 1; .* 375$/);
  const more = budget.holdingRefusal("a", "this file", file);
  assertMatch(more!, /takes 375 bytes already and this file 75; the limit for one client is 375$/);
  holding.release();
  assertEquals(budget.jobRefusal("a", 75), null);
});

Deno.test("what an earlier run has left beyond the limits is told with numbers", () => {
  const budget = budgetWith(job("a", 900), job("a", 200));
  budget.hold("b", { keptBytes: 0, residentBytes: 300 });
  assertEquals(
    budget.excess,
    "1100 bytes are kept, the limit is 1000; 300 bytes of descriptions are in memory, the limit " +
      "is 200",
  );
  assertEquals(budgetWith(job("a", 1)).excess, null);
});

Deno.test("clients that do not take their results do not hold up one that does", () => {
  const budget = budgetWith(result("away", 480), result("gone", 480), result("here", 30));
  assertMatch(budget.resultRefusal("here", 11, LEAVES)!, /^990 bytes .* all .* limit is 1000$/);
  assertEquals(budget.resultRefusal("here", 11, TAKES), null);
});

Deno.test("where there is little room, results come in as fast as their clients take them", () => {
  const budget = budgetWith(result("away", 1));
  const shortage = "no room";
  assertEquals(budget.resultRefusal("away", 1, { takesResults: true, shortage }), null);
  assertEquals(budget.resultRefusal("away", 1, { takesResults: false, shortage }), shortage);
  assertEquals(budget.resultRefusal("first", 1, { takesResults: false, shortage }), null);
});
