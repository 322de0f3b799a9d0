import { assertEquals } from "@std/assert/equals.js";
import { assert } from "@std/assert/assert.js";
import { Deadlines } from "../../../src/wire/deadline.ts";

/** A target whose deadline can be awaited. */
function makeTarget(): { onDeadline(): void; reached: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { onDeadline: resolve, reached: promise };
}

/** Deadlines, and a timer that keeps the test alive in place of a connection. */
function makeDeadlines(): { deadlines: Deadlines } & Disposable {
  const deadlines = new Deadlines(5);
  const keepAlive = setInterval(() => {}, 1000);
  return {
    deadlines,
    [Symbol.dispose]: () => {
      clearInterval(keepAlive);
      deadlines.stop();
    },
  };
}

Deno.test("a deadline is reached, not before its time", async () => {
  using made = makeDeadlines();
  const { deadlines } = made;
  const target = makeTarget();
  const start = performance.now();
  deadlines.arm(target, 30);
  await target.reached;
  assert(performance.now() - start >= 29);
  assertEquals(deadlines.size, 0);
});

Deno.test("a target that is disarmed is left alone", async () => {
  using made = makeDeadlines();
  const { deadlines } = made;
  const early = makeTarget();
  const late = makeTarget();
  let earlyReached = false;
  early.reached.then(() => earlyReached = true);
  deadlines.arm(early, 10);
  deadlines.arm(late, 20);
  deadlines.disarm(early);
  await late.reached;
  assert(!earlyReached);
});

Deno.test("arming again gives the full time again", async () => {
  using made = makeDeadlines();
  const { deadlines } = made;
  const again = makeTarget();
  const once = makeTarget();
  let againReached = false;
  again.reached.then(() => againReached = true);
  deadlines.arm(again, 10);
  deadlines.arm(again, 1000);
  deadlines.arm(once, 30);
  await once.reached;
  assert(!againReached);
});

Deno.test("a deadline may arm another", async () => {
  using made = makeDeadlines();
  const { deadlines } = made;
  const second = makeTarget();
  deadlines.arm({ onDeadline: () => deadlines.arm(second, 5) }, 5);
  await second.reached;
});

Deno.test("at the end the time of all is up at once, also where one takes the limit off another", () => {
  using made = makeDeadlines();
  const { deadlines } = made;
  const reached: string[] = [];
  const second = { onDeadline: () => reached.push("second") };
  const third = { onDeadline: () => reached.push("third") };
  deadlines.arm({
    onDeadline: () => {
      reached.push("first");
      deadlines.disarm(second);
    },
  }, 1_000_000);
  deadlines.arm(second, 1_000_000);
  deadlines.arm(third, 1_000_000);
  deadlines.expire();
  assertEquals(reached, ["first", "third"]);
  assertEquals(deadlines.size, 0);
});
