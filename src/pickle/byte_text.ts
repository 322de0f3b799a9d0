/**
 * Python 2's `str`, which is bytes, where text is meant: UTF-8, as Python keeps file names. Bytes
 * that are no UTF-8 become lone surrogates (Python's `surrogateescape`), so that going there and
 * back loses nothing.
 *
 * @module
 */

import { encodeUtf8 } from "./text.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes 0x80 to 0xff that are no UTF-8 become U+DC80 to U+DCFF. */
const ESCAPES = 0xdc00;

/** The text that `bytes` are in UTF-8. */
export function textOfBytes(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return escaped(bytes);
  }
}

function escaped(bytes: Uint8Array): string {
  const parts: string[] = [];
  let done = 0;
  for (let at = 0; at < bytes.length;) {
    const length = charLength(bytes, at);
    if (length > 0) at += length;
    else {
      const byte = bytes[at] as number;
      parts.push(strict.decode(bytes.subarray(done, at)), String.fromCharCode(ESCAPES + byte));
      done = ++at;
    }
  }
  parts.push(strict.decode(bytes.subarray(done)));
  return parts.join("");
}

/** How many bytes the character at `at` takes; 0 where there is none. */
function charLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  // Longer forms than needed, surrogates and what is beyond Unicode show in the second byte.
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  for (let i = 1; i < length; i++) {
    const byte = bytes[at + i] ?? 0;
    const isPart = i === 1 ? byte >= least && byte <= most : (byte & 0xc0) === 0x80;
    if (!isPart) return 0;
  }
  return length;
}

/** The bytes that {@linkcode textOfBytes} reads as `text`. */
export function bytesOfText(text: string): Uint8Array {
  if (!/[\udc80-\udcff]/.test(text) || text.isWellFormed()) return encodeUtf8(text);
  const parts: Uint8Array[] = [];
  let done = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if ((code & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) at++;
    else if (code >= ESCAPES + 0x80 && code <= ESCAPES + 0xff) {
      parts.push(encodeUtf8(text.slice(done, at)), Uint8Array.of(code - ESCAPES));
      done = at + 1;
    }
  }
  parts.push(encodeUtf8(text.slice(done)));
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let size = 0;
  for (const part of parts) {
    bytes.set(part, size);
    size += part.length;
  }
  return bytes;
}
