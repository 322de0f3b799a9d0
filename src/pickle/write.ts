/**
 * The pickle of a value in the protocol that its reader wants.
 *
 * @module
 */

import { EarlierPickleWriter, type Python2Text } from "./earlier_writer.ts";
import { PickleError } from "./error.ts";
import { HIGHEST_PROTOCOL } from "./reader.ts";
import { PYTHON3_PROTOCOL } from "./scan.ts";
import type { PyValue } from "./values.ts";
import { PickleWriter, WRITTEN_PROTOCOL } from "./writer.ts";

/**
 * The pickle of `value` in pieces. For who reads protocol 5 it says that it is of that, though it has
 * no more than protocol 4 in it: our own programs learn from it what their peer reads.
 */
export function writePickle(value: PyValue, protocol: number, text: Python2Text): Uint8Array[] {
  const writer = protocol >= WRITTEN_PROTOCOL
    ? new PickleWriter(Math.min(protocol, HIGHEST_PROTOCOL))
    : new EarlierPickleWriter(protocol >= PYTHON3_PROTOCOL ? 3 : 2, text);
  return writer.write(value);
}

/** The pieces as one. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  const bytes = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let size = 0;
  for (const piece of pieces) {
    bytes.set(piece, size);
    size += piece.length;
  }
  return bytes;
}

/** Turns what the engine throws where a string, array or stack gets too large into ours. */
export function guard<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof RangeError) {
      throw new PickleError("a value is too large or too deep for the memory at hand");
    }
    throw error;
  }
}
