/**
 * The bytes of a pickle in the making.
 *
 * @module
 */

/** Payloads from this size on stay where they are and become pieces of their own. */
const MIN_PIECE_BYTES = 4096;

/** Size of the buffer that all pickles share, which holds all but the largest of them. */
const SHARED_BUFFER_BYTES = 1 << 16;

/** Text up to this size is written by the loop below rather than by the encoder. */
const SHORT_TEXT_CHARS = 64;

let sharedBuffer: Uint8Array<ArrayBuffer> | undefined;

const floatBytes = new Uint8Array(8);
const floatView = new DataView(floatBytes.buffer);

/** Collects opcodes with their operands; payloads are not copied if they are large. */
export class OutputBuffer {
  readonly #pieces: Uint8Array[] = [];
  /** Taken from `sharedBuffer` while this pickle is written, so never used by two. */
  #buffer = sharedBuffer ?? new Uint8Array(SHARED_BUFFER_BYTES);
  #size = 0;

  constructor() {
    sharedBuffer = undefined;
  }

  /** All bytes so far, in pieces; this buffer must not be used after. */
  finish(): Uint8Array[] {
    this.#endPiece();
    if (this.#buffer.length === SHARED_BUFFER_BYTES) sharedBuffer = this.#buffer;
    return this.#pieces;
  }

  byte(byte: number): void {
    if (this.#size === this.#buffer.length) this.#grow(1);
    this.#buffer[this.#size++] = byte;
  }

  byte2(first: number, second: number): void {
    if (this.#size + 2 > this.#buffer.length) this.#grow(2);
    this.#buffer[this.#size++] = first;
    this.#buffer[this.#size++] = second;
  }

  /** `opcode` with a little-endian operand of two bytes. */
  uint16(opcode: number, operand: number): void {
    this.byte2(opcode, operand);
    this.byte(operand >> 8);
  }

  /** `opcode` with a little-endian operand of four bytes; negative ones as two's complement. */
  uint32(opcode: number, operand: number): void {
    this.uint16(opcode, operand);
    this.byte2(operand >> 16, operand >> 24);
  }

  /** `opcode` with a little-endian operand of eight bytes. */
  uint64(opcode: number, operand: number): void {
    this.uint32(opcode, operand);
    const high = Math.floor(operand / 0x100000000);
    this.byte2(high, high >> 8);
    this.byte2(high >> 16, high >> 24);
  }

  /** `opcode`, the length and the shortest two's complement form of a safe integer. */
  smallInt(opcode: number, operand: number): void {
    this.byte2(opcode, 0);
    const start = this.#size;
    let rest = operand;
    for (; rest < -128 || rest >= 128; rest = Math.floor(rest / 256)) this.byte(rest);
    this.byte(rest);
    this.#buffer[start - 1] = this.#size - start;
  }

  /** `opcode` with a big-endian double. */
  float64(opcode: number, operand: number): void {
    floatView.setFloat64(0, operand);
    this.byte(opcode);
    this.bytes(floatBytes);
  }

  /** A payload. */
  bytes(bytes: Uint8Array): void {
    if (bytes.length >= MIN_PIECE_BYTES) {
      this.#endPiece();
      this.#pieces.push(bytes);
      return;
    }
    if (this.#size + bytes.length > this.#buffer.length) this.#grow(bytes.length);
    this.#buffer.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  /** `opcode`, the length and the text, if it is short and ASCII; else writes nothing. */
  shortAscii(opcode: number, text: string): boolean {
    const length = text.length;
    if (length > SHORT_TEXT_CHARS) return false;
    if (this.#size + length + 2 > this.#buffer.length) this.#grow(length + 2);
    const buffer = this.#buffer;
    const start = this.#size + 2;
    for (let at = 0; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code >= 0x80) return false;
      buffer[start + at] = code;
    }
    buffer[start - 2] = opcode;
    buffer[start - 1] = length;
    this.#size = start + length;
    return true;
  }

  #endPiece(): void {
    if (this.#size > 0) this.#pieces.push(this.#buffer.slice(0, this.#size));
    this.#size = 0;
  }

  #grow(count: number): void {
    const larger = new Uint8Array(Math.max(this.#buffer.length * 2, this.#size + count));
    larger.set(this.#buffer.subarray(0, this.#size));
    this.#buffer = larger;
  }
}
