/**
 * Feeds broken inputs to all decoders for as long as you like.
 *
 *     deno run -A tests/fuzz/run.ts --inputs 1000000 [--seed 7] [--target pickles]
 *
 * The inputs are shared out among the targets. Without a seed each run tries other inputs.
 *
 * @module
 */

import { fuzz, reportLine } from "./fuzz.ts";
import { TARGETS } from "./targets.ts";

const USAGE = "usage: run.ts [--inputs N] [--seed N] [--target TEXT]; targets:\n" +
  TARGETS.map(({ name }) => `  ${name}`).join("\n");

const given: Record<string, string> = {};
for (let at = 0; at < Deno.args.length; at += 2) {
  const [name = "", value] = [Deno.args[at], Deno.args[at + 1]];
  const known = name === "--target" ||
    (/^--(inputs|seed)$/.test(name) && /^\d+$/.test(value ?? ""));
  if (!known || value === undefined) {
    console.error(USAGE);
    Deno.exit(2);
  }
  given[name] = value;
}
const inputs = Number(given["--inputs"] ?? 100_000);
const seed = Number(given["--seed"] ?? Date.now() % 2 ** 32);
const targets = TARGETS.filter(({ name }) => name.includes(given["--target"] ?? ""));
if (targets.length === 0) {
  console.error(USAGE);
  Deno.exit(2);
}

console.log(`seed ${seed}`);
let failed = 0;
let tried = 0;
const began = performance.now();
for (const target of targets) {
  try {
    const report = fuzz(target, Math.ceil(inputs / targets.length), seed);
    tried += report.inputs;
    console.log(`${target.name}: ${reportLine(report)}`);
  } catch (error) {
    failed++;
    console.error(error);
  }
}
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(`${tried} inputs in ${seconds} s, ${failed} targets failed`);
if (failed > 0) Deno.exitCode = 1;
