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
  /** What was kept, and room for more behind it. */
  #buffer = new Uint8Array(0);
  #keptBytes = 0;
  #droppedBytes = 0;

  /** @param name Names it in the line that tells of dropped output. */
  constructor(name: "stdout" | "stderr", limitBytes: number) {
    this.#name = name;
    this.#limitBytes = limitBytes;
  }

  /** Takes what has come; a copy of it, as a line may be the only one in a large buffer. */
  push(chunk: Uint8Array): void {
    const kept = chunk.subarray(0, this.#limitBytes - this.#keptBytes);
    this.#makeRoom(kept.length);
    this.#buffer.set(kept, this.#keptBytes);
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
    return new TextDecoder().decode(this.#kept) + this.#lastLine(droppedBytes);
  }

  /** What was kept, as it is. A last line says how much was dropped, if anything was. */
  bytes(): Uint8Array {
    return concat([this.#kept, new TextEncoder().encode(this.#lastLine(0))]);
  }

  get #kept(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#keptBytes);
  }

  #makeRoom(bytes: number): void {
    const neededBytes = this.#keptBytes + bytes;
    if (neededBytes <= this.#buffer.length) return;
    const roomier = Math.min(2 * neededBytes, this.#limitBytes);
    const buffer = new Uint8Array(roomier);
    buffer.set(this.#kept);
    this.#buffer = buffer;
  }

  #lastLine(droppedBytes: number): string {
    const dropped = this.#droppedBytes + droppedBytes;
    if (dropped === 0) return "";
    return `\n[${dropped} more bytes of ${this.#name} were dropped: ` +
      `the node keeps ${this.#limitBytes}]\n`;
  }
}
