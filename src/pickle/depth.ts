/**
 * How deep values are nested.
 *
 * @module
 */

import { PickleError } from "./error.ts";
import { partsOf } from "./parts.ts";
import type { PyValue } from "./values.ts";

/**
 * Refuses a value that is nested more than `maxDepth` levels deep. A value that is shared, or
 * contains itself, counts where the writer meets it first.
 *
 * @throws {PickleError}
 */
export function checkDepth(value: PyValue, maxDepth: number): void {
  const seen = new Set<PyValue>();
  // The parts yet to be looked at, for each level above the current value.
  const levels: Iterator<PyValue>[] = [[value][Symbol.iterator]()];
  while (levels.length > 0) {
    const { done, value: part } = (levels.at(-1) as Iterator<PyValue>).next();
    if (done) {
      levels.pop();
      continue;
    }
    if (typeof part !== "object" || part === null) continue;
    if (part instanceof Uint8Array || seen.has(part)) continue;
    seen.add(part);
    if (levels.length > maxDepth) {
      throw new PickleError(`values are nested more than ${maxDepth} levels deep`);
    }
    levels.push(partsOf(part)[Symbol.iterator]());
  }
}
