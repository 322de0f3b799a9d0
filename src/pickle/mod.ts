/**
 * Python pickles: reading (protocols 0 to 5) and writing (protocol 4) without Python, and
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

import { PickleError } from "./error.ts";
import { DEFAULT_LIMITS, type PickleLimits } from "./limits.ts";
import { readPickle } from "./reader.ts";
import type { PyValue } from "./values.ts";
import { PickleWriter } from "./writer.ts";

export { PickleError } from "./error.ts";
export { DEFAULT_LIMITS, MAX_DEPTH, type PickleLimits } from "./limits.ts";
export { MAX_INT_BYTES, MAX_INT_DIGITS } from "./integers.ts";
export { StateSetterStep } from "./reduce.ts";
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
 * The pickle of `value`, protocol 4: Python 3.4 and newer read it.
 *
 * @throws {PickleError} If values are nested more than {@linkcode MAX_DEPTH} levels deep, an
 * int has more than {@linkcode MAX_INT_BYTES} bytes, or something is not a {@linkcode PyValue}.
 */
export function dumps(value: PyValue): Uint8Array {
  const chunks = dumpChunks(value);
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  return guard(() => {
    const bytes = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
    let size = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, size);
      size += chunk.length;
    }
    return bytes;
  });
}

/**
 * The pickle of `value` as {@linkcode dumps} makes it, in pieces to be sent one after the
 * other. Payloads of 4 KiB and more are pieces of their own, uncopied: they must not be
 * changed before the pieces have been sent.
 *
 * @throws {PickleError} As {@linkcode dumps} does.
 */
export function dumpChunks(value: PyValue): Uint8Array[] {
  return guard(() => new PickleWriter().write(value));
}

/** Turns what the engine throws where a string, array or stack gets too large into ours. */
function guard<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof RangeError) {
      throw new PickleError("a value is too large or too deep for the memory at hand");
    }
    throw error;
  }
}
