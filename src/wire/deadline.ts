/**
 * Cheap time limits. A short connection has several operations and hardly ever a late one, so
 * one coarse timer sweeps over all that are under way, in place of a timer for each.
 *
 * @module
 */

/** Something that can take too long. */
export interface DeadlineTarget {
  /** Called once when the time is up; the target is not armed any more by then. */
  onDeadline(): void;
}

/** Milliseconds between sweeps where nothing else is asked for. */
const DEFAULT_SWEEP_MS = 200;

/**
 * Time limits for any number of targets.
 *
 * Time is counted in sweeps: a limit is never cut short, and runs up to two sweeps over. When our
 * own process stalls, sweeps come late or not at all, so peers do not pay for it.
 *
 * The timer runs only while targets are armed and does not keep the process alive.
 */
export class Deadlines {
  readonly #sweepMs: number;
  readonly #sweepOfTarget = new Map<DeadlineTarget, number>();
  #sweep = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param sweepMs Milliseconds between sweeps. */
  constructor(sweepMs: number = DEFAULT_SWEEP_MS) {
    this.#sweepMs = sweepMs;
  }

  /** Gives `target` `timeoutMs` from now on, whatever it had before. */
  arm(target: DeadlineTarget, timeoutMs: number): void {
    // The sweep under way may end at once, hence one more.
    this.#sweepOfTarget.set(target, this.#sweep + Math.ceil(timeoutMs / this.#sweepMs) + 1);
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.#onSweep(), this.#sweepMs);
      Deno.unrefTimer(this.#timer);
    }
  }

  /** Takes the time limit off `target`, if it has one. */
  disarm(target: DeadlineTarget): void {
    this.#sweepOfTarget.delete(target);
  }

  /** Number of targets that are armed. */
  get size(): number {
    return this.#sweepOfTarget.size;
  }

  /** The time of all targets is up at once. */
  expire(): void {
    for (const target of [...this.#sweepOfTarget.keys()]) {
      if (this.#sweepOfTarget.delete(target)) target.onDeadline();
    }
  }

  /** Takes all time limits off and stops the timer. */
  stop(): void {
    this.#sweepOfTarget.clear();
    this.#stopTimer();
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #onSweep(): void {
    if (this.#sweepOfTarget.size === 0) {
      this.#stopTimer();
      return;
    }
    this.#sweep++;
    for (const [target, sweep] of this.#sweepOfTarget) {
      if (sweep > this.#sweep) continue;
      this.#sweepOfTarget.delete(target);
      target.onDeadline();
    }
  }
}
