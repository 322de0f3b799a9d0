/**
 * Python's equality of dict keys and set items in terms of a JavaScript `Map`.
 *
 * @module
 */

/** Above this, integers are told apart by their digits: see {@linkcode equalityKey}. */
const MAX_EXACT = Number.MAX_SAFE_INTEGER;

/** Bytes up to this size are compared by content, larger ones by identity. */
const MAX_COMPARED_BYTES = 1024;

/**
 * What a `Map` or `Set` can compare in place of `value` so that values equal in Python are one
 * key: `1`, `1.0` and `True` are, `"1"` and `b"1"` are not, and no NaN equals another. Values
 * of all types but `str`, `bytes`, `int`, `bool`, `float` and `None` stand for themselves.
 *
 * Integers too large for a double become text because engines hash a bigint by its lowest
 * digits only, which lets a sender make all of them collide. Large `bytes` stand for themselves
 * because a pickle can use the same megabyte as a key again and again at two bytes a time.
 */
export function equalityKey(value: unknown): unknown {
  switch (typeof value) {
    case "string":
      return value.charCodeAt(0) === 0 ? "\0s" + value : value;
    case "boolean":
      return value ? 1 : 0;
    case "bigint": {
      const number = Number(value);
      if (number >= -MAX_EXACT && number <= MAX_EXACT) return number;
      return "\0i" + value.toString(16);
    }
    case "number":
      if (Number.isInteger(value)) return equalityKey(BigInt(value));
      return Number.isNaN(value) ? Symbol("nan") : value;
    default:
      return value instanceof Uint8Array && value.length <= MAX_COMPARED_BYTES
        ? "\0b" + latin1(value)
        : value;
  }
}

/** The string whose characters are the bytes. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += 4096) {
    text += String.fromCharCode(...bytes.subarray(start, start + 4096));
  }
  return text;
}
