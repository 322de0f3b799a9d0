/**
 * What is known of the matrix of releases: what no scheduler can do, and what came of the rows when
 * `scripts/matrix.ts` last had them played.
 *
 * @module
 */

import { type ReleaseName, titleOf } from "./releases.ts";

/** What came of each row by release: `null` is good. */
export type Played = Readonly<Record<string, Readonly<Record<string, string | null>>>>;

/** Where {@linkcode outcomes} are. */
export const OUTCOMES_FILE = new URL("../matrix/outcomes.json", import.meta.url);

/** What came of the rows with either scheduler. */
export function outcomes(): Readonly<Record<"ours" | "reference", Played>> {
  return JSON.parse(Deno.readTextFileSync(OUTCOMES_FILE));
}

/** Rows that clients or nodes of a release cannot do, whatever the scheduler does. */
const CANNOT: readonly {
  readonly row: string;
  readonly applies: (release: ReleaseName) => boolean;
  readonly reason: string;
}[] = [
  {
    row: "set_node_cpus",
    applies: ({ dispy }) => dispy === "4.10.6",
    reason: "its client refuses the call",
  },
  {
    row: "restart of the scheduler",
    applies: ({ dispy }) => dispy === "4.10.0",
    reason: "its node fails to send again what its scheduler was not there for",
  },
];

/** Why clients or nodes of a release cannot do a row with any scheduler, if that is so. */
export function cannot(release: ReleaseName, row: string): string | undefined {
  return CANNOT.find((entry) => entry.row === row && entry.applies(release))?.reason;
}

/** Whether a release's own scheduler is known to fail in a row. */
export function originalFails(release: ReleaseName, row: string): boolean {
  return (outcomes().reference[titleOf(release)]?.[row] ?? null) !== null;
}
