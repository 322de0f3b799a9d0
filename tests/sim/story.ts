/**
 * What has happened, to be read when something went wrong.
 *
 * @module
 */

/** The story ends here: something does not hold. */
export class Broken extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join("; "));
    this.name = "Broken";
  }
}

/** Keeps the last lines of what is told, or nothing at all, which is faster. */
export class Story {
  readonly #lines: string[] = [];

  constructor(readonly isTold: boolean, readonly linesKept: number) {}

  /** Notes what happens at `nowMs`. `line` is not made where nobody listens. */
  tell(nowMs: number, line: () => string): void {
    if (!this.isTold) return;
    this.#lines.push(`${(nowMs / 1000).toFixed(3).padStart(9)} s  ${line()}`);
    if (this.#lines.length > 2 * this.linesKept) this.#lines.splice(0, this.linesKept);
  }

  /** The last lines, oldest first. */
  get lines(): string[] {
    return this.#lines.slice(-this.linesKept);
  }
}
