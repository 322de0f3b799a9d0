/**
 * Writes the table of options into the README, from the table that the program itself uses.
 * `--check` only tells whether it is up to date.
 *
 * @module
 */

import { optionsMarkdown } from "../src/cli/help.ts";
import { OPTIONS } from "../src/cli/options.ts";

const README = new URL("../README.md", import.meta.url);
const BEGIN = "<!-- options:begin (written by scripts/readme_options.ts) -->";
const END = "<!-- options:end -->";

/** The README with the current table of options in its place. */
export function withOptions(readme: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error("README.md has lost its marks for the options");
  const table = optionsMarkdown(OPTIONS).trim();
  return readme.slice(0, begin + BEGIN.length) + "\n\n" + table + "\n\n" + readme.slice(end);
}

if (import.meta.main) {
  const readme = await Deno.readTextFile(README);
  const current = withOptions(readme);
  if (!Deno.args.includes("--check")) await Deno.writeTextFile(README, current);
  else if (current !== readme) {
    console.error("README.md: the options are out of date; run scripts/readme_options.ts");
    Deno.exit(1);
  }
}
