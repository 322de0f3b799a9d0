/**
 * The program that runs command lines at nodes.
 *
 * @module
 */

import { shellQuoted } from "../../cli/line_template.ts";
import RUN_LINE from "./run_line.sh" with { type: "text" };

/** Stands in the script for the files that all lines share. */
const NO_SHARED_FILES = "link_shared() { :; }";

/**
 * The text of the program.
 *
 * @param shared Places of the files that all command lines share, below the program's folder.
 */
export function lineProgram(shared: readonly string[]): string {
  if (shared.length === 0) return RUN_LINE;
  const links = shared.map((place) => `  link ${shellQuoted(place)}\n`).join("");
  return RUN_LINE.replace(NO_SHARED_FILES, () => `link_shared() {\n${links}}`);
}

/**
 * The folder of one attempt at a line, below the program's folder: new for each, as what a first
 * one has left behind may still be there.
 */
export function lineFolder(number: number, attempt: number): string {
  return attempt === 1 ? `line-${number}` : `line-${number}-${attempt}`;
}
