/**
 * What a job prints, up to a limit.
 *
 * @module
 */

import { concat } from "@std/bytes/concat.js";

/** Keeps the beginning of a stream of output, and counts the rest. */
export class KeptOutput {
  readonly #name: "stdout" | "stderr";
  readonly #limitBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #keptBytes = 0;
  #droppedBytes = 0;

  /** @param name Names it in the line that tells of dropped output. */
  constructor(name: "stdout" | "stderr", limitBytes: number) {
    this.#name = name;
    this.#limitBytes = limitBytes;
  }

  /** Takes what has come. */
  push(chunk: Uint8Array): void {
    const kept = chunk.subarray(0, this.#limitBytes - this.#keptBytes);
    if (kept.length > 0) this.#chunks.push(kept);
    this.#keptBytes += kept.length;
    this.#droppedBytes += chunk.length - kept.length;
  }

  /**
   * What was kept, as text: bytes that are not UTF-8 become U+FFFD. A last line says how much was
   * dropped, if anything was.
   *
   * @param droppedBytes What was dropped before it came here.
   */
  text(droppedBytes: number = 0): string {
    return new TextDecoder().decode(concat(this.#chunks)) + this.#lastLine(droppedBytes);
  }

  /** What was kept, as it is. A last line says how much was dropped, if anything was. */
  bytes(): Uint8Array {
    return concat([...this.#chunks, new TextEncoder().encode(this.#lastLine(0))]);
  }

  #lastLine(droppedBytes: number): string {
    const dropped = this.#droppedBytes + droppedBytes;
    if (dropped === 0) return "";
    return `\n[${dropped} more bytes of ${this.#name} were dropped: ` +
      `the node keeps ${this.#limitBytes}]\n`;
  }
}
