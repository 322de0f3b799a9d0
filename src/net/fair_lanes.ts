/**
 * Limits how many things happen at the same time, where peers have any number of them to be done:
 * they take turns, and none has all lanes.
 *
 * @module
 */

import { FairQueue } from "./fair_queue.ts";

/** See the module's description. */
export class FairLanes {
  readonly #waiting = new FairQueue<() => void>();
  readonly #busyOf = new Map<string, number>();
  #busy = 0;

  /**
   * @param count Tasks at a time.
   * @param maxPerOwner Of one peer.
   */
  constructor(private readonly count: number, private readonly maxPerOwner: number) {}

  /** Runs `task` of the peer `owner` once there is a lane for it. */
  async run<T>(owner: string, task: () => Promise<T>): Promise<T> {
    if (this.#waiting.has(owner) || !this.#isFree(owner)) {
      await new Promise<void>((resolve) => this.#waiting.push(owner, resolve));
    } else {
      this.#count(owner, 1);
    }
    try {
      return await task();
    } finally {
      this.#count(owner, -1);
      this.#admit();
    }
  }

  #isFree(owner: string): boolean {
    return this.#busy < this.count && (this.#busyOf.get(owner) ?? 0) < this.maxPerOwner;
  }

  #count(owner: string, change: number): void {
    this.#busy += change;
    const busy = (this.#busyOf.get(owner) ?? 0) + change;
    if (busy === 0) this.#busyOf.delete(owner);
    else this.#busyOf.set(owner, busy);
  }

  /** Lets in the first of those in turn that may have a lane. */
  #admit(): void {
    if (this.#busy >= this.count) return;
    for (const [owner] of this.#waiting.heads()) {
      if (!this.#isFree(owner)) continue;
      this.#count(owner, 1);
      this.#waiting.take(owner)!();
      return;
    }
  }
}
