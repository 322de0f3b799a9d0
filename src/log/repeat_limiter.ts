import type { Logger, LogLevel, LogProperties } from "./log.ts";

/** How {@linkcode RepeatLimiter} limits. */
export interface RepeatLimiterOptions {
  /** The same thing is said at most once in this time. */
  readonly intervalMs: number;
  /** How many different keys are remembered; the longest silent one is forgotten first. */
  readonly maxKeys?: number;
  /** How many lines are written in this time with all keys together; no limit when absent. */
  readonly maxPerInterval?: number;
  /** The time in milliseconds; only differences count. */
  readonly nowMs?: () => number;
}

interface Said {
  readonly atMs: number;
  suppressed: number;
}

/**
 * Says a thing at most once per key and interval, so that a peer which fails every second does not
 * fill the disk. The next line that is written tells how many were suppressed before it.
 *
 * @example
 * ```ts ignore
 * const repeats = new RepeatLimiter(getLogger("server"), { intervalMs: 60_000 });
 * repeats.warning(`bad auth ${address}`, "node refused: wrong node secret", { node: address });
 * // … node refused: wrong node secret node=10.0.0.9 suppressed=59
 * ```
 */
export class RepeatLimiter {
  readonly #log: Logger;
  readonly #intervalMs: number;
  readonly #maxKeys: number;
  readonly #maxPerInterval: number;
  readonly #nowMs: () => number;
  /** In the order in which the keys were last said. */
  readonly #said = new Map<string, Said>();
  /** Since when lines count towards their common limit. */
  #sinceMs = -Infinity;
  #lines = 0;
  /** How many were not written as there were too many with other keys. */
  #beyond = 0;

  /**
   * @param log Where the lines go.
   * @param options Interval, limit of keys, clock.
   */
  constructor(log: Logger, options: RepeatLimiterOptions) {
    this.#log = log;
    this.#intervalMs = options.intervalMs;
    this.#maxKeys = options.maxKeys ?? 1000;
    this.#maxPerInterval = options.maxPerInterval ?? Infinity;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** Writes an info line unless one with this key was written within the interval. */
  info(key: string, message: string, properties: LogProperties = {}): void {
    this.#say("info", key, message, properties);
  }

  /** Writes a warning unless one with this key was written within the interval. */
  warning(key: string, message: string, properties: LogProperties = {}): void {
    this.#say("warning", key, message, properties);
  }

  /** Writes an error unless one with this key was written within the interval. */
  error(key: string, message: string, properties: LogProperties = {}): void {
    this.#say("error", key, message, properties);
  }

  #say(
    level: Exclude<LogLevel, "debug">,
    key: string,
    message: string,
    properties: LogProperties,
  ): void {
    const nowMs = this.#nowMs();
    const before = this.#said.get(key);
    if (before !== undefined && nowMs - before.atMs < this.#intervalMs) {
      before.suppressed++;
      return;
    }
    if (nowMs - this.#sinceMs >= this.#intervalMs) {
      this.#sinceMs = nowMs;
      this.#lines = 0;
    }
    if (++this.#lines > this.#maxPerInterval) {
      this.#beyond++;
      return;
    }
    this.#said.delete(key);
    this.#said.set(key, { atMs: nowMs, suppressed: 0 });
    if (this.#said.size > this.#maxKeys) {
      for (const oldest of this.#said.keys()) {
        this.#said.delete(oldest);
        break;
      }
    }
    const suppressed = (before?.suppressed ?? 0) + this.#beyond;
    this.#beyond = 0;
    this.#log[level](message, suppressed > 0 ? { ...properties, suppressed } : properties);
  }
}
