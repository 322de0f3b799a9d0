/**
 * Python pickles: reading (protocols 0 to 5) and writing (protocols 2 to 4) without Python, and
 * without ever importing, looking up or calling anything that a pickle names.
 *
 * @example
 * ```ts
 * import { dumps, loads, PyDict } from "./mod.ts";
 *
 * const reply = loads(dumps(PyDict.from({ uid: 7n, result: null })));
 * if (reply instanceof PyDict) console.log(reply.get("uid")); // 7n
 * ```
 *
 * @module
 */

import type { Python2Text } from "./earlier_writer.ts";
import { DEFAULT_LIMITS, type PickleLimits } from "./limits.ts";
import { readPickle } from "./reader.ts";
import type { PyValue } from "./values.ts";
import { guard, joined, writePickle } from "./write.ts";
import { WRITTEN_PROTOCOL } from "./writer.ts";

export { bytesOfText, textOfBytes } from "./byte_text.ts";
export type { Python2Text } from "./earlier_writer.ts";
export { PickleError } from "./error.ts";
export { DEFAULT_LIMITS, MAX_DEPTH, type PickleLimits, REWRITE_LIMITS } from "./limits.ts";
export { MAX_INT_BYTES, MAX_INT_DIGITS } from "./integers.ts";
export { isAscii } from "./text.ts";
export { StateSetterStep } from "./reduce.ts";
export { HIGHEST_PROTOCOL } from "./reader.ts";
export { isForeign, readableBy } from "./rewrite.ts";
export { protocolReadByWriter, PYTHON2_PROTOCOL, PYTHON3_PROTOCOL } from "./scan.ts";
export { WRITTEN_PROTOCOL } from "./writer.ts";
export * from "./values.ts";

/**
 * Reads the pickle at the start of `bytes`; what follows its end is ignored, as Python does.
 *
 * The `bytes` and `bytearray` values in the result are views into `bytes`, not copies: they
 * keep all of it in memory, and it must not be changed while they are in use.
 *
 * @param limits Where they differ from {@linkcode DEFAULT_LIMITS}.
 * @throws {PickleError} If the pickle is malformed, cut short, goes past a limit, or uses
 * persistent ids, extension codes or out-of-band buffers. Nothing else is ever thrown.
 */
export function loads(bytes: Uint8Array, limits: Partial<PickleLimits> = {}): PyValue {
  return guard(() => readPickle(bytes, { ...DEFAULT_LIMITS, ...limits }));
}

/**
 * The pickle of `value`.
 *
 * @param protocol Highest that its reader reads; nothing beyond {@linkcode WRITTEN_PROTOCOL} is used.
 * Protocol 2 is for Python 2, which has `str` for bytes and for text that is ASCII. A pickle
 * without bytes can be read by Python 3, too.
 * @param text What Python 2 gets for other text.
 * @throws {PickleError} If values are nested more than {@linkcode MAX_DEPTH} levels deep, an
 * int has more than {@linkcode MAX_INT_BYTES} bytes, something is not a {@linkcode PyValue}, or
 * cannot be said in that protocol.
 */
export function dumps(
  value: PyValue,
  protocol: number = WRITTEN_PROTOCOL,
  text: Python2Text = "unicode",
): Uint8Array {
  return guard(() => joined(writePickle(value, protocol, text)));
}

/**
 * The pickle of `value` as {@linkcode dumps} makes it, in pieces to be sent one after the
 * other. Payloads of 4 KiB and more are pieces of their own, uncopied: they must not be
 * changed before the pieces have been sent.
 *
 * @throws {PickleError} As {@linkcode dumps} does.
 */
export function dumpChunks(
  value: PyValue,
  protocol: number = WRITTEN_PROTOCOL,
  text: Python2Text = "unicode",
): Uint8Array[] {
  return guard(() => writePickle(value, protocol, text));
}
