/**
 * Writes the tables of options into the README, from the tables that the program itself uses.
 * `--check` only tells whether they are up to date.
 *
 * @module
 */

import { optionsMarkdown } from "../src/cli/help.ts";
import { NODE_OPTIONS } from "../src/cli/node_options.ts";
import { type AnyTable, OPTIONS } from "../src/cli/options.ts";
import { SUBMIT_OPTIONS } from "../src/cli/submit_options.ts";

const README = new URL("../README.md", import.meta.url);

/** What stands between which marks. */
const TABLES: readonly (readonly [mark: string, table: AnyTable])[] = [
  ["options", OPTIONS],
  ["node options", NODE_OPTIONS],
  ["submit options", SUBMIT_OPTIONS],
];

/** The README with the current tables of options in their places. */
export function withOptions(readme: string): string {
  return TABLES.reduce((text, [mark, table]) => withTable(text, mark, table), readme);
}

function withTable(readme: string, mark: string, table: AnyTable): string {
  const first = `<!-- ${mark}:begin (written by scripts/readme_options.ts) -->`;
  const begin = readme.indexOf(first);
  const end = readme.indexOf(`<!-- ${mark}:end -->`);
  if (begin < 0 || end < begin) throw new Error(`README.md has lost its marks for the ${mark}`);
  const lines = optionsMarkdown(table).trim();
  return readme.slice(0, begin + first.length) + "\n\n" + lines + "\n\n" + readme.slice(end);
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
