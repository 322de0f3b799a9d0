/** Messages wait for room, in their order; huge ones go alone, and hold up nobody else. */

import { assertEquals } from "@std/assert/equals.js";
import { SMALL_BYTES, TransferBudget } from "../../../src/net/transfer_budget.ts";

const MB = 1024 * 1024;

Deno.test("messages are let in until the budget is used, and then one for each that is done", async () => {
  const budget = new TransferBudget(8 * MB);
  const shares = Array.from({ length: 5 }, (_, at) => budget.share(`peer ${at}`));
  const let_in: number[] = [];
  const waits = shares.map(async (share, index) => {
    await share.take(2 * MB);
    let_in.push(index);
  });
  await Promise.all(waits.slice(0, 4));
  assertEquals([let_in, budget.usedBytes, budget.waiting], [[0, 1, 2, 3], 8 * MB, 1]);
  shares[2]![Symbol.dispose]();
  await waits[4];
  assertEquals([let_in.length, budget.usedBytes, budget.waiting], [5, 8 * MB, 0]);
  for (const share of shares) share[Symbol.dispose]();
  assertEquals(budget.usedBytes, 0);
});

Deno.test("a small message that came later does not overtake a larger one", async () => {
  const budget = new TransferBudget(8 * MB);
  const first = budget.share("a");
  for (let times = 0; times < 2; times++) await first.take(1.9 * MB);
  const others = budget.share("b");
  for (let times = 0; times < 2; times++) await others.take(1.9 * MB);
  const order: string[] = [];
  const larger = Promise.resolve(budget.share("c").take(2 * MB)).then(() => order.push("larger"));
  const smaller = Promise.resolve(budget.share("d").take(MB)).then(() => order.push("smaller"));
  first[Symbol.dispose]();
  await Promise.all([larger, smaller]);
  assertEquals(order, ["larger", "smaller"]);
});

Deno.test("one peer has half of the room at most; who waits for its own room holds up nobody else", async () => {
  const budget = new TransferBudget(8 * MB);
  const slow = Array.from({ length: 3 }, () => budget.share("slow"));
  for (const share of slow.slice(0, 2)) assertEquals(share.take(2 * MB), undefined);
  const waits = slow[2]!.take(2 * MB);
  assertEquals([waits instanceof Promise, budget.usedBytes], [true, 4 * MB]);
  const other = budget.share("other");
  assertEquals([other.take(2 * MB), budget.usedBytes], [undefined, 6 * MB]);
  slow[0]![Symbol.dispose]();
  await waits;
  assertEquals(budget.usedBytes, 6 * MB);
  for (const share of [...slow, other]) share[Symbol.dispose]();
  assertEquals([budget.usedBytes, budget.waiting], [0, 0]);
});

Deno.test("peers take turns, however many messages each of them has", async () => {
  const budget = new TransferBudget(8 * MB);
  using all = budget.share("a");
  const more = budget.share("b");
  for (const share of [all, all, more, more]) assertEquals(share.take(2 * MB), undefined);
  const order: string[] = [];
  const waits = ["c", "c", "c", "d", "e"].map(async (owner) => {
    const share = budget.share(owner);
    await share.take(2 * MB);
    order.push(owner);
    await Promise.resolve();
    share[Symbol.dispose]();
  });
  more[Symbol.dispose]();
  await Promise.all(waits);
  assertEquals(order.indexOf("e") < 4 && order.indexOf("d") < 4, true, order.join());
});

Deno.test("a message larger than all of the budget is let in, one at a time", async () => {
  const budget = new TransferBudget(8 * MB);
  const one = budget.share("a");
  await one.take(1000 * MB);
  const two = budget.share("b");
  const wait = two.take(500 * MB);
  assertEquals([wait instanceof Promise, budget.waiting], [true, 1]);
  const other = budget.share("c");
  assertEquals(other.take(2 * MB), undefined, "others have their own room");
  one[Symbol.dispose]();
  await wait;
  assertEquals(budget.usedBytes, 502 * MB);
});

Deno.test("small messages need no room", () => {
  const budget = new TransferBudget(0);
  using share = budget.share("a");
  assertEquals([share.take(SMALL_BYTES), budget.usedBytes], [undefined, 0]);
});
