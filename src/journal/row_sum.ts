/**
 * Checksums of rows. They tell of a single bit that has changed which one it is, so that it can be
 * changed back.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import { DamagedRowError, type Key, type Table } from "./database.ts";

const log = getLogger("journal");

const warnings = new RepeatLimiter(log, { intervalMs: 60_000, maxPerInterval: 10 });

/** A checksum; `null` = it was written by a version that had none. */
export type Sum = number | null;

/** Tells also of bytes that have come under another key. */
export function sumOf(key: Key, bytes: Uint8Array): number {
  return crc32(bytes, typeof key === "number" ? key % 2 ** 32 : crc32(key));
}

/**
 * What was written under a key, from what there is.
 *
 * @throws {DamagedRowError} where more than a bit has changed
 */
export function checked(table: Table, key: Key, bytes: Uint8Array, sum: Sum): Uint8Array {
  if (sum === null) return bytes;
  const difference = (sum ^ sumOf(key, bytes)) >>> 0;
  if (difference === 0) return bytes;
  const mended = withoutChangedBit(bytes, difference);
  if (mended === null) throw new DamagedRowError(`row ${key} of ${table} is damaged`);
  warnings.warning("mended", "a row of the journal was damaged, and has been mended", {
    table,
    key,
    hint: "the disk or the memory of this machine may be failing",
  });
  return mended;
}

/** Of CRC-32, as zlib has it: what a byte makes of the checksum of nothing. */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? sum >>> 1 ^ 0xedb88320 : sum >>> 1;
  return sum;
});

/** A changed bit of a number that is the key looks like one of so many first bytes. */
const KEY_BYTES = 4;

/**
 * Changes the one bit back that makes such a difference to the checksum; `null` where it is none.
 * No two single bits, also of the checksum itself, make the same difference.
 */
function withoutChangedBit(bytes: Uint8Array, difference: number): Uint8Array | null {
  if ((difference & (difference - 1)) === 0) return bytes;
  // What each bit of a byte makes of the checksum, the more bytes follow.
  const effects = Int32Array.from({ length: 8 }, (_, bit) => TABLE[1 << bit]!);
  for (let at = bytes.length - 1; at >= KEY_BYTES; at--) {
    for (let bit = 0; bit < 8; bit++) {
      const effect = effects[bit]!;
      if (effect >>> 0 === difference) {
        const mended = bytes.slice();
        mended[at]! ^= 1 << bit;
        return mended;
      }
      effects[bit] = TABLE[effect & 0xff]! ^ effect >>> 8;
    }
  }
  return null;
}
