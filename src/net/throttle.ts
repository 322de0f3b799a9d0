/**
 * How often something may happen for each of very many keys, of which only some are remembered.
 *
 * @module
 */

import { type Rate, TokenBucket } from "./token_bucket.ts";

/** See the module's description. */
export class Throttle {
  /** The one that was asked for longest ago comes first. */
  readonly #buckets = new Map<string, TokenBucket>();

  /**
   * @param rate What each key may have.
   * @param maxKeys So many are remembered; one that was forgotten begins anew.
   * @param nowMs The time in milliseconds; only differences count.
   */
  constructor(
    private readonly rate: Rate,
    private readonly maxKeys: number,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Says whether it may happen for `key` now. */
  take(key: string): boolean {
    const nowMs = this.nowMs();
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.rate, nowMs);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= this.maxKeys) break;
      this.#buckets.delete(oldest);
    }
    return bucket.take(nowMs);
  }
}
