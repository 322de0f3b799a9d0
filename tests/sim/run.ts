/**
 * Plays many simulated worlds, or one again:
 *
 *     deno task sim --seeds 10000 --seed 1     10,000 worlds, from seed 1 on
 *     deno task sim --seed 4711                that one, and how it ended
 *     … --lines 500                            with more of its story
 *
 * @module
 */

import { play, type Verdict } from "./world.ts";

const STORY_LINES = 60;

/** What is to be said of a world in which something does not hold, with the end of its story. */
function explain({ seed, problems, story }: Verdict): string {
  return [
    `seed ${seed}:`,
    ...story,
    ...problems.map((problem) => `PROBLEM: ${problem}`),
    `Again: deno task sim --seed ${seed}`,
  ].join("\n");
}

/**
 * Plays `count` worlds from seed `first` on, until one fails; that one is played again to have
 * its story. Returns it, or `null` where all is well.
 */
function findFailure(first: number, count: number): Verdict | null {
  for (let seed = first; seed < first + count; seed++) {
    if (play(seed).problems.length > 0) return play(seed, STORY_LINES);
  }
  return null;
}

/**
 * Plays `count` worlds from seed `first` on.
 *
 * @throws with what does not hold, and the end of the story of that world
 */
export function checkWorlds(first: number, count: number): void {
  const failure = findFailure(first, count);
  if (failure !== null) throw new Error(explain(failure));
}

function option(name: string): number | undefined {
  const at = Deno.args.indexOf(`--${name}`);
  if (at < 0) return undefined;
  const value = Number(Deno.args[at + 1]);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new Error(`--${name} takes a whole number, not "${Deno.args[at + 1] ?? ""}"`);
  }
  return value;
}

if (import.meta.main) {
  const seeds = option("seeds");
  const seed = option("seed") ?? 1;
  const lines = option("lines") ?? STORY_LINES;
  const startMs = performance.now();
  const failure = seeds === undefined ? play(seed, lines) : findFailure(seed, seeds);
  const tookMs = Math.round(performance.now() - startMs);
  if (failure !== null && (failure.problems.length > 0 || seeds === undefined)) {
    console.log(explain(failure));
  } else {
    console.log(`${seeds} seeds from ${seed} on: all well, ${tookMs} ms`);
  }
  if (failure !== null && failure.problems.length > 0) Deno.exit(1);
}
