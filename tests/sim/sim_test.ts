import { assertEquals } from "@std/assert/equals.js";
import { play } from "./world.ts";

Deno.test("the same seed gives the same world, to the last event", () => {
  for (const seed of [1, 2, 3, 8]) {
    const [first, second] = [play(seed, 100_000), play(seed, 100_000)];
    assertEquals(first, second);
    assertEquals(first.story.length > 20, true);
  }
});

Deno.test("calm worlds see clusters compete for CPUs", () => {
  let watched = 0;
  for (let i = 0; i < 150; i++) watched += play(8 * i).watched;
  assertEquals(watched > 100, true, `${watched}`);
});

Deno.test("in killed worlds the scheduler is started again and again", () => {
  let lives = 0;
  for (let i = 0; i < 20; i++) lives += play(8 * i + 3).lives;
  assertEquals(lives > 60, true, `${lives}`);
});

Deno.test("worlds of different seeds differ", () => {
  const endings = [1, 2, 3, 4, 5].map((seed) => JSON.stringify(play(seed, 1_000).story));
  assertEquals(new Set(endings).size, endings.length);
});
