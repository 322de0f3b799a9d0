/**
 * Records as MessagePack. The library has no types; this gives it some.
 *
 * @module
 */

import { decode } from "@std/msgpack/decode.js";
import { encode } from "@std/msgpack/encode.js";

/** What a record is made of. */
export type Packable =
  | number
  | string
  | boolean
  | null
  | Uint8Array
  | readonly Packable[]
  | { readonly [key: string]: Packable };

/** Writes a record down. */
export function pack(value: Packable): Uint8Array {
  return encode(value);
}

/**
 * Reads a record. What it is made of is up to the caller to know: only this program writes here.
 *
 * @throws where `bytes` are not MessagePack
 */
export function unpack<T>(bytes: Uint8Array): T {
  return decode(bytes) as T;
}
