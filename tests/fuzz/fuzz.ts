/**
 * Feeds broken inputs to decoders.
 *
 * @module
 */

import { Prng } from "../sim/prng.ts";
import { mutant } from "./mutate.ts";
import type { Target } from "./targets.ts";

/** What came of it. */
export interface FuzzReport {
  readonly inputs: number;
  /** How many were good all the same. */
  readonly taken: number;
  readonly seconds: number;
  readonly slowestMs: number;
}

/** No decoder may take this long: far above what any input takes, whatever else the machine does. */
const MAX_MS = 2000;

/**
 * Feeds `inputs` broken inputs to a target. The same seed makes the same inputs.
 *
 * @throws where something but the documented error comes out, or it takes too long; the message
 * has the seed, the number and the input itself
 */
export function fuzz(target: Target, inputs: number, seed: number): FuzzReport {
  const prng = new Prng(seed);
  const began = performance.now();
  let taken = 0;
  let slowestMs = 0;
  for (let number = 0; number < inputs; number++) {
    const bytes = mutant(target.corpus, prng);
    const start = performance.now();
    const where = () => `${target.name}: seed ${seed}, input ${number}, base64 ${bytes.toBase64()}`;
    try {
      if (target.takes(bytes)) taken++;
    } catch (error) {
      throw new Error(where(), { cause: error });
    }
    const ms = performance.now() - start;
    if (ms > MAX_MS) throw new Error(`${where()}: took ${ms.toFixed()} ms`);
    slowestMs = Math.max(slowestMs, ms);
  }
  return { inputs, taken, seconds: (performance.now() - began) / 1000, slowestMs };
}

/** A report as one line. */
export function reportLine({ inputs, taken, seconds, slowestMs }: FuzzReport): string {
  return `${inputs} inputs in ${seconds.toFixed(1)} s, ${taken} of them taken, ` +
    `the slowest in ${slowestMs.toFixed(1)} ms`;
}
