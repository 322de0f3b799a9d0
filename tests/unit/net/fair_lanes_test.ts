/** Peers take turns at what is done a few at a time, and none has all of it. */

import { assertEquals } from "@std/assert/equals.js";
import { assertRejects } from "@std/assert/rejects.js";
import { FairLanes } from "../../../src/net/fair_lanes.ts";

/** Lanes, and tasks that last until they are let go. */
function scene(count: number, maxPerOwner: number) {
  const lanes = new FairLanes(count, maxPerOwner);
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (owner: string, name: string) =>
    lanes.run(owner, async () => {
      begun.push(name);
      const { promise, resolve } = Promise.withResolvers<void>();
      ends.set(name, resolve);
      await promise;
    });
  const end = async (name: string) => {
    ends.get(name)!();
    // What comes next begins once the task is over.
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  };
  return { begun, start, end };
}

Deno.test("a peer with thousands of tasks does not keep one of another waiting", () => {
  const { begun, start } = scene(4, 2);
  for (let at = 0; at < 20_000; at++) void start("many", `many ${at}`);
  assertEquals(begun, ["many 0", "many 1"]);
  void start("one", "one");
  assertEquals(begun, ["many 0", "many 1", "one"]);
});

Deno.test("peers whose tasks wait take turns", async () => {
  const { begun, start, end } = scene(1, 1);
  for (const name of ["a1", "a2", "a3", "b1", "b2", "c1"]) void start(name[0]!, name);
  for (const name of ["a1", "a2", "b1", "c1", "a3"]) {
    assertEquals(begun.at(-1), name);
    await end(name);
  }
  assertEquals(begun, ["a1", "a2", "b1", "c1", "a3", "b2"]);
});

Deno.test("a task that fails gives its lane back", async () => {
  const lanes = new FairLanes(1, 1);
  await assertRejects(() => lanes.run("a", () => Promise.reject(new Error("no"))), Error, "no");
  assertEquals(await lanes.run("b", () => Promise.resolve("done")), "done");
});
