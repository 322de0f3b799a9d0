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
  // One list of children and one position in it for each level above the current value.
  const lists: (readonly PyValue[])[] = [[value]];
  const positions: number[] = [0];
  while (lists.length > 0) {
    const top = lists.length - 1;
    const list = lists[top] as readonly PyValue[];
    const position = positions[top] as number;
    if (position === list.length) {
      lists.pop();
      positions.pop();
      continue;
    }
    positions[top] = position + 1;
    const item = list[position] as PyValue;
    if (typeof item !== "object" || item === null) continue;
    if (item instanceof Uint8Array || seen.has(item)) continue;
    seen.add(item);
    if (top === maxDepth) {
      throw new PickleError(`values are nested more than ${maxDepth} levels deep`);
    }
    lists.push(partsOf(item));
    positions.push(0);
  }
}
