/**
 * The 40 bytes that open a request to a node or to the scheduler's client port.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { timingSafeEqual } from "@std/crypto/timing_safe_equal.js";

/** Length of an auth code, of a sign, and of what stands in for an auth code in greetings. */
export const AUTH_LENGTH_BYTES = 40;

/** Opens greetings whose sender cannot know the receiver's sign yet. */
export const FILLER_AUTH: Uint8Array = new Uint8Array(AUTH_LENGTH_BYTES).fill(0x78);

/** Random bytes that go into a sign: as many as a SHA-1 digest has. */
export const SIGN_RANDOM_BYTES = 20;

const ENCODER = new TextEncoder();

/**
 * The auth code for a peer: the lower-case hex SHA-1 of `secret + sign`, as 40 ASCII bytes.
 *
 * @param secret The secret that both sides were configured with, "" without one.
 * @param sign The receiver's sign.
 */
export function authCode(secret: string, sign: string): Uint8Array {
  return ENCODER.encode(createHash("sha1").update(secret + sign, "utf8").digest("hex"));
}

/** Whether two auth codes are equal, in a time that does not tell where they differ. */
export function authMatches(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

/**
 * A sign, or a computation's auth: 40 hex digits.
 *
 * @param randomBytes {@linkcode SIGN_RANDOM_BYTES} bytes from a cryptographic source.
 */
export function newSign(randomBytes: Uint8Array): string {
  if (randomBytes.length !== SIGN_RANDOM_BYTES) {
    throw new RangeError(`a sign takes ${SIGN_RANDOM_BYTES} random bytes`);
  }
  let sign = "";
  for (const byte of randomBytes) sign += byte.toString(16).padStart(2, "0");
  return sign;
}
