/** How often something may happen. */
export interface Rate {
  /** So many times at once. */
  readonly burst: number;
  /** So many times a second in the long run. */
  readonly perSecond: number;
}

/** Says whether something that happens at a limited rate may happen now. */
export class TokenBucket {
  #tokens: number;

  /** @param nowMs The time in milliseconds; only differences count. */
  constructor(private readonly rate: Rate, private nowMs: number) {
    this.#tokens = rate.burst;
  }

  /** Takes a token if there is one. */
  take(nowMs: number): boolean {
    const { burst, perSecond } = this.rate;
    const gained = (nowMs - this.nowMs) / 1000 * perSecond;
    this.#tokens = Math.min(burst, this.#tokens + gained);
    this.nowMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
