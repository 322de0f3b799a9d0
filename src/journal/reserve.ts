/**
 * Room on the disk that is set aside, in a file of no other use. It is given up when the disk is
 * full: then the journal can still take down what becomes of the jobs that it has.
 *
 * @module
 */

import { messageOf } from "../log/error_message.ts";

/** It is written in pieces of so many bytes; no more than that may be asked for at random at once. */
const PIECE_BYTES = 64 * 1024;

/** See the module's description. */
export class Reserve {
  #sizeBytes: number;
  #isWhole = false;
  /** Why it could not be set aside when that was last tried, or `null`. */
  #problem: string | null = null;

  /** @param sizeBytes How much is to be set aside. */
  constructor(private readonly path: string, sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
  }

  /** Why it is not there at present, or `null`. */
  get shortage(): string | null {
    if (this.#isWhole) return null;
    const folder = this.path.replace(/\/[^/]*$/, "");
    return `the disk with ${folder} is nearly full; ${this.#sizeBytes >> 20} MiB must be free ` +
      `there, or --dest_path_prefix name a folder elsewhere` +
      (this.#problem === null ? "" : ` (${this.#problem})`);
  }

  /** Sets it aside, where it is not; whether that could be done, {@linkcode shortage} tells. */
  fill(): void {
    if (this.#isWhole) return;
    try {
      this.#extend();
      this.#isWhole = true;
      this.#problem = null;
    } catch (error) {
      this.release();
      this.#problem = messageOf(error);
    }
  }

  /**
   * Sets more aside, for good, where it is there and smaller than that.
   *
   * @throws where there is no room for it; what was set aside already is left
   */
  grow(sizeBytes: number): void {
    const before = this.#sizeBytes;
    if (!this.#isWhole || sizeBytes <= before) return;
    this.#sizeBytes = sizeBytes;
    try {
      this.#extend();
    } catch (error) {
      this.#sizeBytes = before;
      Deno.truncateSync(this.path, before);
      throw error;
    }
  }

  /** Gives it up, if it is there. */
  release(): void {
    this.#isWhole = false;
    try {
      Deno.removeSync(this.path);
    } catch (error) {
      // Not thrown: whoever needs the room sees that it is not there.
      if (!(error instanceof Deno.errors.NotFound)) this.#problem = messageOf(error);
    }
  }

  /** Makes the file as large as it should be. */
  #extend(): void {
    using file = Deno.openSync(this.path, { append: true, create: true, mode: 0o600 });
    let { size } = file.statSync();
    if (size > this.#sizeBytes) file.truncateSync(this.#sizeBytes);
    const piece = new Uint8Array(PIECE_BYTES);
    while (size < this.#sizeBytes) {
      // Zeros, and all else that can be made smaller, may take no room at all.
      crypto.getRandomValues(piece);
      size += file.writeSync(piece.subarray(0, this.#sizeBytes - size));
    }
  }
}
