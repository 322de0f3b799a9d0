/**
 * The table in which a pickle keeps the values it will refer to again.
 *
 * @module
 */

import type { PyValue } from "./values.ts";

/** Indexes that may be skipped at a time before an entry moves out of the array. */
const MAX_GAP = 16;

/**
 * Values by index. Picklers number from 0 without gaps, so an array it is; an index far past
 * its end (they go up to 2^32 - 1) goes into a map and allocates nothing in between.
 */
export class Memo {
  readonly #dense: (PyValue | undefined)[] = [];
  #holes = 0;
  #sparse: Map<number, PyValue> | undefined;

  /** The value stored under `index`, if any. */
  get(index: number): PyValue | undefined {
    const value = this.#dense[index];
    return value === undefined ? this.#sparse?.get(index) : value;
  }

  /** Stores `value` under the number of entries so far, as `MEMOIZE` does. */
  add(value: PyValue): void {
    if (this.#holes === 0 && this.#sparse === undefined) this.#dense.push(value);
    else this.put(this.#dense.length - this.#holes + (this.#sparse?.size ?? 0), value);
  }

  /** Stores `value` under `index`, in place of what was there. */
  put(index: number, value: PyValue): void {
    const dense = this.#dense;
    if (index > dense.length + MAX_GAP) {
      (this.#sparse ??= new Map()).set(index, value);
      return;
    }
    this.#sparse?.delete(index);
    if (index < dense.length) {
      if (dense[index] === undefined) this.#holes--;
      dense[index] = value;
      return;
    }
    for (; dense.length < index; this.#holes++) dense.push(undefined);
    dense.push(value);
  }
}
