/**
 * Records as MessagePack. Several are written for each job, so they are written here, straight into
 * one buffer; they are read by the library, which has no types: this gives it some.
 *
 * @module
 */

import { decode } from "@std/msgpack/decode.js";

/** What a record is made of. */
export type Packable =
  | number
  | string
  | boolean
  | null
  | Uint8Array
  | readonly Packable[]
  | { readonly [key: string]: Packable };

const FIRST_BYTES = 1024;

/** A buffer that has become larger than this is not kept for the next record. */
const KEPT_BYTES = 64 * 1024;

const encoder = new TextEncoder();

let buffer = new Uint8Array(FIRST_BYTES);
let view = new DataView(buffer.buffer);
let at = 0;

/** Writes a record down. */
export function pack(value: Packable): Uint8Array {
  at = 0;
  write(value);
  const packed = buffer.slice(0, at);
  if (buffer.length > KEPT_BYTES) replaceBuffer(FIRST_BYTES);
  return packed;
}

/**
 * Reads a record. What it is made of is up to the caller to know: only this program writes here.
 *
 * @throws where `bytes` are not MessagePack
 */
export function unpack<T>(bytes: Uint8Array): T {
  return decode(bytes) as T;
}

function write(value: Packable): void {
  if (typeof value === "number") return writeNumber(value);
  if (typeof value === "string") return writeString(value);
  if (value === null) return writeByte(0xc0);
  if (typeof value === "boolean") return writeByte(value ? 0xc3 : 0xc2);
  if (value instanceof Uint8Array) return writeBytes(value);
  if (Array.isArray(value)) {
    writeHead(value.length, 15, 0x90, 0xdd);
    for (const item of value) write(item);
    return;
  }
  const entries = Object.entries(value);
  writeHead(entries.length, 15, 0x80, 0xdf);
  for (const [key, item] of entries) {
    writeString(key);
    write(item);
  }
}

function writeNumber(value: number): void {
  reserve(9);
  if (Number.isInteger(value) && value >= -32 && value < 2 ** 32 && !Object.is(value, -0)) {
    if (value < 0x80) {
      view.setInt8(at++, value);
    } else {
      buffer[at] = 0xce;
      view.setUint32(at + 1, value);
      at += 5;
    }
    return;
  }
  // Integers up to 2^53, too, are exactly what they are as a floating-point number.
  buffer[at] = 0xcb;
  view.setFloat64(at + 1, value);
  at += 9;
}

function writeString(text: string): void {
  const most = text.length * 3;
  reserve(most + 5);
  const headBytes = most < 32 ? 1 : 5;
  const { written } = encoder.encodeInto(text, buffer.subarray(at + headBytes));
  if (headBytes === 1) {
    buffer[at] = 0xa0 | written;
  } else {
    buffer[at] = 0xdb;
    view.setUint32(at + 1, written);
  }
  at += headBytes + written;
}

function writeBytes(bytes: Uint8Array): void {
  reserve(bytes.length + 5);
  buffer[at] = 0xc6;
  view.setUint32(at + 1, bytes.length);
  buffer.set(bytes, at + 5);
  at += 5 + bytes.length;
}

/** Writes how long a list or map is: in one byte up to `small`. */
function writeHead(length: number, small: number, short: number, long: number): void {
  if (length <= small) return writeByte(short | length);
  reserve(5);
  buffer[at] = long;
  view.setUint32(at + 1, length);
  at += 5;
}

function writeByte(byte: number): void {
  reserve(1);
  buffer[at++] = byte;
}

/** Makes room for so many bytes. */
function reserve(bytes: number): void {
  if (at + bytes <= buffer.length) return;
  const before = buffer;
  replaceBuffer(Math.max(2 * before.length, at + bytes));
  buffer.set(before.subarray(0, at));
}

function replaceBuffer(sizeBytes: number): void {
  buffer = new Uint8Array(sizeBytes);
  view = new DataView(buffer.buffer);
}
