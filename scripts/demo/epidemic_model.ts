/**
 * An epidemic among people who meet at random: what jobs of the demo simulate. Nodes get this
 * module as it stands, so it imports nothing.
 *
 * @module
 */

/** People in the simulated town. */
const PEOPLE = 3_000;

/** Whom each of them meets in a day. */
const MEETINGS = 8;

/** Days that somebody is infectious. */
const INFECTIOUS_DAYS = 5;

/**
 * Simulates outbreaks that begin with ten people.
 *
 * @param reproduction How many others somebody infects where nobody is immune (R0).
 * @param runs Outbreaks.
 * @param seed The same seed gives the same numbers.
 * @returns The part of the town that was infected in the end, 0 to 1, over all outbreaks.
 */
export function attackRate(reproduction: number, runs: number, seed: number): number {
  const random = generator(seed);
  const risk = reproduction / (MEETINGS * INFECTIOUS_DAYS);
  let infected = 0;
  for (let run = 0; run < runs; run++) infected += outbreak(risk, random);
  return infected / (runs * PEOPLE);
}

function outbreak(risk: number, random: () => number): number {
  const wasInfected = new Uint8Array(PEOPLE);
  let ill = Array.from({ length: 10 }, (_, person) => ({ person, days: INFECTIOUS_DAYS }));
  for (const { person } of ill) wasInfected[person] = 1;
  let total = ill.length;
  while (ill.length > 0) {
    const next: typeof ill = [];
    for (const { person, days } of ill) {
      for (let meeting = 0; meeting < MEETINGS; meeting++) {
        const other = Math.trunc(random() * PEOPLE);
        if (wasInfected[other] === 1 || random() >= risk) continue;
        wasInfected[other] = 1;
        total++;
        next.push({ person: other, days: INFECTIOUS_DAYS });
      }
      if (days > 1) next.push({ person, days: days - 1 });
    }
    ill = next;
  }
  return total;
}

/** Numbers from 0 to 1 (mulberry32, public domain, by Tommy Ettinger). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
