/**
 * Pickles of one Python for another.
 *
 * @module
 */

import { REWRITE_LIMITS } from "./limits.ts";
import { readPickle } from "./reader.ts";
import {
  hasByteStrings,
  protocolOf,
  PYTHON2_PROTOCOL,
  PYTHON3_PROTOCOL,
  toProtocol4,
} from "./scan.ts";
import { guard, joined, writePickle } from "./write.ts";

/** Whether {@linkcode readableBy} has to look into a pickle, and may write it anew. */
export function isForeign(protocol: number, pickle: Uint8Array): boolean {
  const actual = protocolOf(pickle);
  // Without a protocol's number, it is none that dispy has written.
  return actual > protocol ||
    actual >= PYTHON2_PROTOCOL && actual < PYTHON3_PROTOCOL && protocol >= PYTHON3_PROTOCOL;
}

/**
 * The pickle as it is where a Python that reads `protocol` reads it; else written anew, so that it
 * does. What is shared or cyclic in it stays so.
 *
 * Python 3 gets for a `str` of Python 2 what {@linkcode loads} makes of it: text where it is ASCII,
 * bytes elsewhere.
 *
 * @param protocol Highest that its reader reads; 2 is for Python 2 alone.
 * @throws {PickleError} If it cannot be: it is malformed, has more than {@linkcode REWRITE_LIMITS}
 * allows, or something that there is not in that protocol.
 */
export function readableBy(protocol: number, pickle: Uint8Array): Uint8Array {
  if (!isForeign(protocol, pickle)) return pickle;
  const actual = protocolOf(pickle);
  return guard(() => {
    if (actual <= protocol && !hasByteStrings(pickle)) return pickle;
    if (actual === 5 && protocol === 4) return joined(toProtocol4(pickle));
    return joined(writePickle(readPickle(pickle, REWRITE_LIMITS), protocol, "unicode"));
  });
}
