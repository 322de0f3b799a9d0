/**
 * Answers that several requests have in common. They are bare words or bare pickles: only who
 * asked knows what they are.
 *
 * @module
 */

import { dumps, PyByteArray, PYTHON2_PROTOCOL } from "../pickle/mod.ts";
import type { PickleLimits, PyValue } from "../pickle/mod.ts";
import { quotable, WireError } from "./errors.ts";
import { asSafeInt, toInt } from "./fields.ts";
import { decodePickle, isAck } from "./tags.ts";

/** A request that was done, or a peer's reason why not, fit for a log. */
export type AckAnswer =
  | { readonly kind: "accepted" }
  | { readonly kind: "refused"; readonly reason: string };

const DECODER = new TextDecoder();

/**
 * The protocol of what has no bytes in it: Python 2 and 3 alike read that, so that there is no need
 * to know which is at the other end.
 */
export const ANY_PYTHON = PYTHON2_PROTOCOL;

/** Bare text that a peer sends in place of the usual answer, fit for a log. */
export function decodeReason(message: Uint8Array): string {
  if (message.length === 0) return "connection closed without an answer";
  return quotable(DECODER.decode(message.subarray(0, 1000)));
}

/** Reads the answer to a request that is answered `ACK`, or else text that says why not. */
export function decodeAckAnswer(message: Uint8Array): AckAnswer {
  return isAck(message) ? { kind: "accepted" } : { kind: "refused", reason: decodeReason(message) };
}

/** `int`: a uid, a count, a status. */
export function encodeIntAnswer(value: number): Uint8Array {
  return dumps(toInt(value), ANY_PYTHON);
}

/**
 * Reads an `int` of at most 53 bits.
 *
 * @param what Names the answer in errors.
 * @throws {WireError} `malformed`, or `closed` for an empty message.
 */
export function decodeIntAnswer(message: Uint8Array, what: string): number {
  const int = asSafeInt(decodeAnswer(message, what));
  if (int === undefined) throw new WireError("malformed", `${what}: must be an integer`);
  return int;
}

/** A list of job uids. */
export function encodeUidsAnswer(uids: readonly number[]): Uint8Array {
  return dumps(uids.map(toInt), ANY_PYTHON);
}

/**
 * Reads a list of job uids.
 *
 * @param what Names the answer in errors.
 * @throws {WireError} `malformed`, or `closed` for an empty message.
 */
export function decodeUidsAnswer(message: Uint8Array, what: string): number[] {
  return toUids(decodeAnswer(message, what), what);
}

/** `value` as a list of job uids. */
export function toUids(value: PyValue | undefined, what: string): number[] {
  const uids = Array.isArray(value) ? value.map(asSafeInt) : undefined;
  if (uids === undefined || uids.includes(undefined)) {
    throw new WireError("malformed", `${what}: must be a list of integers`);
  }
  return uids as number[];
}

/**
 * Reads an answer that is a pickle of whatever kind.
 *
 * @param what Names the answer in errors.
 * @param limits Those for trusted peers when absent.
 * @throws {WireError} `malformed`, or `closed` for an empty message: the peer had no answer.
 */
export function decodeAnswer(message: Uint8Array, what: string, limits?: PickleLimits): PyValue {
  if (message.length === 0) {
    throw new WireError("closed", `${what}: connection closed without an answer`);
  }
  return decodePickle(message, what, limits);
}

/** A pickled text that refuses a request: `str`, or `bytes` as dispy itself sends it. */
export function toReason(value: PyValue): string {
  if (typeof value === "string") return quotable(value);
  if (value instanceof Uint8Array) return decodeReason(value);
  if (value instanceof PyByteArray) return decodeReason(value.bytes);
  if (typeof value === "bigint") return `answered ${quotable(value.toString())}`;
  return "gave no reason";
}
