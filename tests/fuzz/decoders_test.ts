import { assert } from "@std/assert/assert.js";
import { fuzz, reportLine } from "./fuzz.ts";
import { TARGETS } from "./targets.ts";

/** The same at every run: `run.ts` looks for news. */
const SEED = 20261122;
const INPUTS = 3000;

for (const target of TARGETS) {
  Deno.test(`fuzz: ${target.name}: good inputs are taken, broken ones refused as documented`, () => {
    for (const bytes of target.corpus) {
      assert(target.takes(bytes), `of the corpus: ${bytes.toBase64()}`);
    }
    console.log(`seed ${SEED}: ${reportLine(fuzz(target, INPUTS, SEED))}`);
  });
}
