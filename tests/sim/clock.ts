/**
 * Simulated time: what is to happen, in order.
 *
 * @module
 */

interface Entry {
  readonly atMs: number;
  /** Entries of the same time happen in the order in which they were made. */
  readonly seq: number;
  readonly action: () => void;
}

/** A clock that jumps from one event to the next. */
export class Clock {
  nowMs = 0;
  /** A binary heap: no entry is before its parent, at half its index. */
  readonly #heap: Entry[] = [];
  #nextSeq = 0;

  /** Has `action` happen `delayMs` from now. */
  after(delayMs: number, action: () => void): void {
    const entry = { atMs: this.nowMs + delayMs, seq: this.#nextSeq++, action };
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  /** Lets things happen until `endMs`, or until `isOver` says so. */
  run(endMs: number, isOver: () => boolean = () => false): void {
    while (!isOver()) {
      const entry = this.#heap[0];
      if (entry === undefined || entry.atMs > endMs) {
        this.nowMs = endMs;
        return;
      }
      this.#removeFirst();
      this.nowMs = entry.atMs;
      entry.action();
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.seq < b.seq);
}
