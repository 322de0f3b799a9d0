/**
 * Limits how many things happen at the same time.
 *
 * @module
 */

/** At most so many tasks at a time; the others wait in the order in which they came. */
export class Lanes {
  readonly #waiting: (() => void)[] = [];
  #head = 0;
  #busy = 0;

  constructor(private readonly count: number) {}

  /** Runs `task` once there is a lane for it. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#busy < this.count) this.#busy++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      this.#next();
    }
  }

  /** Hands the lane over to the first that waits, or frees it. */
  #next(): void {
    const resolve = this.#waiting[this.#head];
    if (resolve === undefined) {
      this.#busy--;
      return;
    }
    this.#head++;
    // The part of the array that was served is dropped in large steps, so that each is cheap.
    if (this.#head === 1024 || this.#head === this.#waiting.length) {
      this.#waiting.splice(0, this.#head);
      this.#head = 0;
    }
    resolve();
  }
}
