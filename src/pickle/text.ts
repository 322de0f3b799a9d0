/**
 * Python's text encodings as pickles use them. Python strings may hold lone surrogates, which
 * pickles keep in UTF-8 in the way of CPython's `surrogatepass`: three bytes each.
 *
 * @module
 */

import { latin1 } from "./equality.ts";
import { PickleError } from "./error.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Up to this size the loop below is faster than a call of the decoder. */
const SHORT_TEXT_BYTES = 24;

/**
 * Strings read lately, by a hash of their bytes. Messages repeat the same few dozen attribute
 * and class names; finding them here saves making, and later hashing, new strings.
 */
const recentStrings: string[] = new Array(512).fill("");

/**
 * The string encoded in `bytes[start, end)`.
 *
 * @throws {PickleError} If that is not UTF-8 with `surrogatepass`.
 */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  const size = end - start;
  if (size <= SHORT_TEXT_BYTES) {
    let hash = size;
    let all = 0;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      all |= byte;
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    if (all < 0x80) {
      const slot = (hash ^ hash >>> 15) & 511;
      const recent = recentStrings[slot] as string;
      if (recent.length === size && isAt(recent, bytes, start)) return recent;
      const text = latin1(bytes.subarray(start, end));
      recentStrings[slot] = text;
      return text;
    }
  }
  const encoded = bytes.subarray(start, end);
  try {
    return decoder.decode(encoded);
  } catch (error) {
    if (error instanceof TypeError) return decodeSurrogates(encoded, start);
    throw error;
  }
}

function isAt(text: string, bytes: Uint8Array, start: number): boolean {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) !== bytes[start + at]) return false;
  }
  return true;
}

/** Decodes the stretches between lone surrogates, which alone the decoder refuses. */
function decodeSurrogates(bytes: Uint8Array, offset: number): string {
  const parts: string[] = [];
  let start = 0;
  for (let at = bytes.indexOf(0xed); at >= 0; at = bytes.indexOf(0xed, at + 1)) {
    const second = bytes[at + 1];
    const third = bytes[at + 2];
    if (second === undefined || third === undefined) break;
    if (second < 0xa0 || second > 0xbf || third < 0x80 || third > 0xbf) continue;
    parts.push(decodeWellFormed(bytes.subarray(start, at), offset));
    parts.push(String.fromCharCode(0xd000 | (second & 0x3f) << 6 | third & 0x3f));
    start = at + 3;
  }
  parts.push(decodeWellFormed(bytes.subarray(start), offset));
  return joinSurrogates(parts, offset);
}

function decodeWellFormed(bytes: Uint8Array, offset: number): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new PickleError("a string is not valid UTF-8", offset);
  }
}

/** Joins pieces each of which holds whole characters. */
function joinSurrogates(parts: string[], offset: number): string {
  let previous = 0;
  for (const part of parts) {
    if (part === "") continue;
    if ((previous & 0xfc00) === 0xd800 && (part.charCodeAt(0) & 0xfc00) === 0xdc00) {
      // Python counts these as two characters; in a JavaScript string they would become one.
      throw new PickleError("a string holds two lone surrogates that would make a pair", offset);
    }
    previous = part.charCodeAt(part.length - 1);
  }
  return parts.join("");
}

/** UTF-8 with `surrogatepass`. */
export function encodeUtf8(text: string): Uint8Array {
  if (text.isWellFormed()) return encoder.encode(text);
  const bytes = new Uint8Array(text.length * 3);
  let size = 0;
  for (const char of text) {
    const code = char.codePointAt(0) as number;
    if ((code & 0xfffff800) === 0xd800) {
      bytes[size++] = 0xe0 | code >> 12;
      bytes[size++] = 0x80 | code >> 6 & 0x3f;
      bytes[size++] = 0x80 | code & 0x3f;
    } else {
      size += encoder.encodeInto(char, bytes.subarray(size)).written;
    }
  }
  return bytes.subarray(0, size);
}

/** Whether all of `text` is ASCII. */
export function isAscii(text: string): boolean {
  return !/[\u0080-\uffff]/.test(text);
}

/** Python 2's `str`: text where it is ASCII, as Python 3 reads it, and else the bytes that it is. */
export function decodeByteString(bytes: Uint8Array): string | Uint8Array {
  return bytes.some((byte) => byte >= 0x80) ? bytes : latin1(bytes);
}

/**
 * The string encoded in `bytes` as `UNICODE` has it: Latin-1 with the escapes
 * `\uXXXX` and `\UXXXXXXXX`.
 *
 * @param offset Where the pickle has it, for errors; likewise below.
 * @throws {PickleError} If an escape is cut short or beyond Unicode.
 */
export function decodeRawUnicodeEscape(bytes: Uint8Array, offset: number): string {
  const text = latin1(bytes);
  if (!text.includes("\\")) return text;
  const parts: string[] = [];
  let done = 0;
  for (let at = text.indexOf("\\"); at >= 0; at = text.indexOf("\\", at)) {
    const kind = text.charAt(at + 1);
    if (kind !== "u" && kind !== "U") {
      at += 2;
      continue;
    }
    const next = at + 2 + (kind === "u" ? 4 : 8);
    const digits = text.slice(at + 2, next);
    const code = parseInt(digits, 16);
    if (!/^(?:[0-9a-fA-F]{4}){1,2}$/.test(digits) || digits.length !== next - at - 2) {
      throw new PickleError("a string has a \\u escape that is cut short", offset);
    }
    if (code > 0x10ffff) throw new PickleError("a string has a \\U escape beyond Unicode", offset);
    parts.push(text.slice(done, at), String.fromCodePoint(code));
    at = done = next;
  }
  parts.push(text.slice(done));
  return joinSurrogates(parts, offset);
}

const STRING_ESCAPES: Readonly<Record<string, string>> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/**
 * The `str` that `bytes`, a quoted literal of Python 2 as `STRING` has it, means: see
 * {@linkcode decodeByteString}.
 *
 * @throws {PickleError} If it is not quoted, or has a malformed escape.
 */
export function decodeStringLiteral(bytes: Uint8Array, offset: number): string | Uint8Array {
  const quote = bytes[0];
  if (bytes.length < 2 || quote !== bytes.at(-1) || (quote !== 0x22 && quote !== 0x27)) {
    throw new PickleError("a Python 2 str is not quoted", offset);
  }
  const literal = latin1(bytes.subarray(1, -1));
  const text = literal.replace(
    /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})?|([^]?))/g,
    (escape: string, octal?: string, hex?: string, char?: string) => {
      if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8) & 0xff);
      if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
      if (char === undefined || char === "") {
        throw new PickleError("a Python 2 str has a malformed escape", offset);
      }
      return STRING_ESCAPES[char] ?? escape;
    },
  );
  return decodeByteString(Uint8Array.from(text, (char) => char.charCodeAt(0)));
}
