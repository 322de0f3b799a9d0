/**
 * Finds the least loaded of many nodes without looking at all of them.
 *
 * Entries are kept in buckets, one for each load that occurs. Loads are fractions
 * busy / CPUs, so there are few of them however many nodes there are (65 for any number of
 * 64-CPU nodes): reading the first entry is O(1), moving one is O(log of the number of
 * different loads). Within a bucket the order is that of arrival, so equally loaded nodes
 * take turns.
 *
 * @module
 */

import { type Linked, LinkedList } from "./linked_list.ts";

/** What an entry of a {@linkcode LoadIndex} carries. An entry is in one index at most. */
export interface Loaded<T> extends Linked<T> {
  /** The load under which the index holds the entry. Owned by the index. */
  indexedLoad: number;
}

/** See the module's description. */
export class LoadIndex<T extends Loaded<T>> {
  readonly #buckets = new Map<number, LinkedList<T>>();
  /** The loads that have a bucket with entries, ascending. */
  readonly #loads: number[] = [];
  #size = 0;

  /** Number of entries. */
  get size(): number {
    return this.#size;
  }

  /** The entry that has had the lowest load for longest, or `null` where there is none. */
  first(): T | null {
    const lowest = this.#loads[0];
    return lowest === undefined ? null : this.#buckets.get(lowest)!.first;
  }

  /** Whether `entry` is in the index. */
  has(entry: T): boolean {
    return entry.list !== null && this.#buckets.get(entry.indexedLoad)?.has(entry) === true;
  }

  /** Puts `entry` under `load`, at the end of its bucket unless it is there already. */
  set(entry: T, load: number): void {
    if (this.has(entry)) {
      if (entry.indexedLoad === load) return;
      this.delete(entry);
    }
    let bucket = this.#buckets.get(load);
    if (bucket === undefined) {
      bucket = new LinkedList<T>();
      this.#buckets.set(load, bucket);
      this.#loads.splice(this.#position(load), 0, load);
    }
    entry.indexedLoad = load;
    bucket.push(entry);
    this.#size++;
  }

  /** Takes `entry` out; does nothing where it is not in the index. */
  delete(entry: T): void {
    if (!this.has(entry)) return;
    const bucket = this.#buckets.get(entry.indexedLoad)!;
    bucket.remove(entry);
    this.#size--;
    if (bucket.size === 0) {
      this.#buckets.delete(entry.indexedLoad);
      this.#loads.splice(this.#position(entry.indexedLoad), 1);
    }
  }

  /** Index in `#loads` of the first load not below `load`. */
  #position(load: number): number {
    let low = 0;
    let high = this.#loads.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#loads[middle]! < load) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
