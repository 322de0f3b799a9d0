import { dumps, loads, PickleError, type PyValue } from "../../../src/pickle/mod.ts";
import { mutant } from "../../fuzz/mutate.ts";
import { Prng } from "../../sim/prng.ts";
import corpus from "./corpus.json" with { type: "json" };

const SEED = 20240229;
const INPUTS = 100_000;

/** Far above what any input takes, so that a busy machine does not matter. */
const MAX_MS = 2000;

Deno.test("of 100,000 broken pickles each is read or refused with a PickleError, in time", () => {
  const pickles = Object.values(corpus).map((base64) => Uint8Array.fromBase64(base64));
  const prng = new Prng(SEED);
  const began = performance.now();
  let read = 0;
  let slowestMs = 0;
  for (let number = 0; number < INPUTS; number++) {
    const bytes = mutant(pickles, prng);
    const start = performance.now();
    try {
      if (readAndWrite(bytes)) read++;
    } catch (error) {
      throw new Error(`seed ${SEED}, input ${number}: ${bytes.toBase64()}`, { cause: error });
    }
    slowestMs = Math.max(slowestMs, performance.now() - start);
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    `seed ${SEED}: ${INPUTS} inputs in ${seconds} s, ${read} of them read, ` +
      `the slowest in ${slowestMs.toFixed(1)} ms`,
  );
  if (slowestMs > MAX_MS) throw new Error(`an input took ${slowestMs} ms`);
});

/** False if `bytes` is refused; what is not refused must be written and read again. */
function readAndWrite(bytes: Uint8Array): boolean {
  let value: PyValue;
  try {
    value = loads(bytes);
  } catch (error) {
    if (error instanceof PickleError) return false;
    throw error;
  }
  loads(dumps(value));
  return true;
}
