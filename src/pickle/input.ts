/**
 * The bytes of a pickle being read.
 *
 * @module
 */

import { PickleError } from "./error.ts";
import { decodeInt, MAX_INT_BYTES } from "./integers.ts";
import { decodeUtf8 } from "./text.ts";

const floatBytes = new Uint8Array(8);
const floatView = new DataView(floatBytes.buffer);

/**
 * Reads opcodes and their operands one after the other. Every length is checked against the
 * bytes that are there before anything is made of that length. All methods throw
 * {@linkcode PickleError} where the pickle is cut short.
 */
export class PickleInput {
  /** Where the next operand or opcode starts. */
  pos = 0;
  /** Where the current opcode starts, for errors. */
  at = 0;
  readonly end: number;

  constructor(readonly bytes: Uint8Array) {
    this.end = bytes.length;
  }

  /** The next opcode. */
  opcode(): number {
    if (this.pos >= this.end) {
      throw new PickleError("the pickle is cut short: it has no STOP", this.end);
    }
    this.at = this.pos;
    return this.bytes[this.pos++] as number;
  }

  /** Moves on by `size` bytes; returns where they start. */
  take(size: number): number {
    const start = this.pos;
    if (size > this.end - start) throw new PickleError("the pickle is cut short", this.at);
    this.pos = start + size;
    return start;
  }

  uint8(): number {
    return this.bytes[this.take(1)] as number;
  }

  uint16(): number {
    const start = this.take(2);
    return (this.bytes[start] as number) | (this.bytes[start + 1] as number) << 8;
  }

  int32(): number {
    const { bytes } = this;
    const start = this.take(4);
    return (bytes[start] as number) | (bytes[start + 1] as number) << 8 |
      (bytes[start + 2] as number) << 16 | (bytes[start + 3] as number) << 24;
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  /** Exact as far as lengths of anything that can be in memory go. */
  uint64(): number {
    const low = this.uint32();
    return low + this.uint32() * 0x100000000;
  }

  /** A length that older opcodes keep in a signed field. */
  length32(): number {
    const size = this.int32();
    if (size < 0) throw new PickleError("a length is negative", this.at);
    return size;
  }

  float64(): number {
    floatBytes.set(this.view(8));
    return floatView.getFloat64(0);
  }

  /** An int of `size` bytes. */
  int(size: number): bigint {
    if (size > MAX_INT_BYTES) {
      throw new PickleError(`an int has over ${MAX_INT_BYTES} bytes`, this.at);
    }
    const start = this.take(size);
    return decodeInt(this.bytes, start, start + size);
  }

  /** A string of `size` bytes. */
  utf8(size: number): string {
    const start = this.take(size);
    return decodeUtf8(this.bytes, start, start + size);
  }

  /** The next `size` bytes, not copied. */
  view(size: number): Uint8Array {
    const start = this.take(size);
    return this.bytes.subarray(start, start + size);
  }

  /** The rest of the line, not copied, without its newline. */
  rawLine(): Uint8Array {
    const newline = this.bytes.indexOf(0x0a, this.pos);
    if (newline < 0) throw new PickleError("the pickle is cut short in a line of text", this.at);
    const line = this.bytes.subarray(this.pos, newline);
    this.pos = newline + 1;
    return line;
  }

  /** The rest of the line as text. */
  line(): string {
    const line = this.rawLine();
    return decodeUtf8(line, 0, line.length);
  }
}
