import { assertEquals } from "@std/assert/equals.js";
import { explain, findFailure } from "./run.ts";
import { play } from "./world.ts";

const SEEDS = 2_000;

Deno.test(`whatever happens, each job has one outcome and all invariants hold (${SEEDS} worlds)`, () => {
  const failure = findFailure(1, SEEDS);
  if (failure !== null) throw new Error(explain(failure));
});

Deno.test("the same seed gives the same world, to the last event", () => {
  for (const seed of [1, 2, 3, 8]) {
    const [first, second] = [play(seed, 100_000), play(seed, 100_000)];
    assertEquals(first, second);
    assertEquals(first.story.length > 20, true);
  }
});

Deno.test("calm worlds see clusters compete for CPUs, and killed ones restarts", () => {
  let watched = 0;
  let lives = 0;
  for (const seed of Array.from({ length: 200 }, (_, i) => i).filter((i) => i % 8 % 3 === 0)) {
    const verdict = play(seed);
    watched += verdict.watched;
    lives += verdict.lives;
  }
  assertEquals([watched > 100, lives > 100], [true, true]);
});

Deno.test("worlds of different seeds differ", () => {
  const endings = [1, 2, 3, 4, 5].map((seed) => JSON.stringify(play(seed, 1_000).story));
  assertEquals(new Set(endings).size, endings.length);
});
