/**
 * Breaks bytes in the ways that find bugs in decoders, from a seed and from nothing else.
 *
 * @module
 */

import type { Prng } from "../sim/prng.ts";

/**
 * A broken copy of `bytes`.
 *
 * @param pool Others of its kind, from which pieces come.
 */
export function mutate(
  bytes: Uint8Array,
  pool: readonly Uint8Array[],
  prng: Prng,
): Uint8Array {
  const at = prng.int(0, bytes.length);
  const copy = bytes.slice();
  switch (prng.int(0, 8)) {
    case 0: // a bit flips
      if (at < copy.length) copy[at]! ^= 1 << prng.int(0, 7);
      return copy;
    case 1: // an opcode becomes another
      copy[at] = prng.pick(OPCODES);
      return copy;
    case 2: // a byte becomes another
      copy[at] = prng.int(0, 255);
      return copy;
    case 3: // the end is missing
      return copy.subarray(0, at);
    case 4: // a length field becomes huge, negative or otherwise wrong
      copy.set(prng.pick(LENGTHS).subarray(0, copy.length - at), at);
      return copy;
    case 5: { // the rest comes from another
      const other = prng.pick(pool);
      return concat(copy.subarray(0, at), other.subarray(prng.int(0, other.length)));
    }
    case 6: { // a piece of another is put in
      const other = prng.pick(pool);
      const from = prng.int(0, other.length);
      const piece = other.subarray(from, from + prng.int(1, 20));
      return concat(copy.subarray(0, at), piece, copy.subarray(at));
    }
    case 7: // a piece is there twice
      return concat(copy.subarray(0, at), copy.subarray(Math.max(0, at - prng.int(1, 20))));
    default: // a piece is missing
      return concat(copy.subarray(0, at), copy.subarray(at + prng.int(1, 10)));
  }
}

/** One of `pool`, broken up to three times. */
export function mutant(pool: readonly Uint8Array[], prng: Prng): Uint8Array {
  let bytes = prng.pick(pool);
  for (let times = prng.int(1, 3); times > 0; times--) bytes = mutate(bytes, pool, prng);
  return bytes;
}

/** The opcodes of pickles. */
const OPCODES = [
  ..."(.012FGIJKLMNPQRSTUVXabcdeghijlopqrstu})]BC".split("").map((char) => char.charCodeAt(0)),
  ...Array.from({ length: 0x98 - 0x80 + 1 }, (_, at) => 0x80 + at),
];

const LENGTHS = [
  [0xff],
  [0, 0, 0, 0],
  [0xff, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0x7f],
  [0, 0, 0, 0x80],
  [0, 0, 0, 0x10, 0, 0, 0, 0],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0, 0, 0, 0, 0, 0, 0, 0x80],
].map((bytes) => new Uint8Array(bytes));

function concat(...pieces: Uint8Array[]): Uint8Array {
  return new Uint8Array(pieces.flatMap((piece) => [...piece]));
}
