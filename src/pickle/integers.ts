/**
 * Python ints as two's complement bytes, least significant first, and as decimal text.
 *
 * All conversions of large numbers go through hexadecimal, which takes linear time.
 *
 * @module
 */

/**
 * Size of the largest int that is read or written, in bytes (2^23 bits). Python's pickles go
 * up to 2 GiB, but nothing useful is that large and arithmetic on it would stall the program.
 */
export const MAX_INT_BYTES = 1 << 20;

/** Digits of the longest int that is read from decimal text (protocols 0 and 1). */
export const MAX_INT_DIGITS = 1 << 20;

/** The int in `bytes[start, end)`; no bytes at all mean 0. */
export function decodeInt(bytes: Uint8Array, start: number, end: number): bigint {
  const size = end - start;
  if (size <= 6) {
    if (size === 0) return 0n;
    let number = (bytes[end - 1] as number) << 24 >> 24;
    for (let at = end - 2; at >= start; at--) number = number * 256 + (bytes[at] as number);
    return BigInt(number);
  }
  const hex = bytes.slice(start, end).reverse().toHex();
  return BigInt.asIntN(size * 8, BigInt("0x" + hex));
}

/** The shortest two's complement form of `value`. */
export function encodeInt(value: bigint): Uint8Array {
  const digits = (value < 0n ? ~value : value).toString(16);
  const bits = digits.length * 4 - Math.clz32(parseInt(digits.charAt(0), 16)) + 28;
  const size = (bits >> 3) + 1;
  const hex = BigInt.asUintN(size * 8, value).toString(16).padStart(size * 2, "0");
  return Uint8Array.fromHex(hex).reverse();
}
