/**
 * Which files of a computation are still needed.
 *
 * A file comes for the computation, for a job, or because the client just sends it; nothing in
 * its message says which. So each arrival counts as one use, each job that names the file gives up
 * one when it ends, and what has no use left is removed: as many jobs as have brought the file may
 * end before it goes, and what came for the computation stays until that is closed.
 *
 * @module
 */

/** See the module's description. */
export class FileUses {
  readonly #uses = new Map<string, number>();
  /** By file: what was begun with it last. */
  readonly #turns = new Map<string, Promise<unknown>>();

  /** All files that have come and are needed. */
  get paths(): string[] {
    return [...this.#uses.keys()];
  }

  /**
   * Runs `task` once all that was begun with the file before is over. A file that is found there, and
   * counted, must not be one that is just being removed, as its last use has ended.
   */
  async inTurn<Result>(path: string, task: () => Promise<Result>): Promise<Result> {
    const before = this.#turns.get(path) ?? Promise.resolve();
    const turn = before.then(task, task);
    this.#turns.set(path, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(path) === turn) this.#turns.delete(path);
    }
  }

  /** A file has come. */
  arrived(path: string): void {
    this.#uses.set(path, (this.#uses.get(path) ?? 0) + 1);
  }

  /**
   * A file was asked about and is there. One that was there before any was sent was not made by us,
   * and is never ours to remove.
   */
  found(path: string): void {
    this.#uses.set(path, (this.#uses.get(path) ?? 1) + 1);
  }

  /** A job that has named the file needs it no more; whether it is to be removed. */
  released(path: string): boolean {
    const uses = this.#uses.get(path);
    if (uses === undefined) return false;
    if (uses > 1) {
      this.#uses.set(path, uses - 1);
      return false;
    }
    return this.#uses.delete(path);
  }
}
