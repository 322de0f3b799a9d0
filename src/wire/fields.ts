/**
 * Checked readers for the entries of dicts that peers send. Errors name the message and the
 * field, never the value's content.
 *
 * Python's `None` and an absent entry are one thing for the `optional…` readers: `null`.
 *
 * @module
 */

import { PyByteArray, PyDict, PyTuple } from "../pickle/mod.ts";
import type { PyValue } from "../pickle/mod.ts";
import { WireError } from "./errors.ts";

/** The error for a field that is not what it should be. */
export function badField(what: string, field: string, expected: string): WireError {
  return new WireError("malformed", `${what}: field "${field}" must be ${expected}`);
}

/** `value` as a dict. */
export function requireDict(value: PyValue, what: string): PyDict {
  if (value instanceof PyDict) return value;
  throw new WireError("malformed", `${what}: must be a dict`);
}

/** `value` as an integer that a JavaScript number holds exactly, else `undefined`. */
export function asSafeInt(value: PyValue | undefined): number | undefined {
  if (typeof value !== "bigint") return undefined;
  const int = Number(value);
  return Number.isSafeInteger(int) ? int : undefined;
}

function isAbsent(value: PyValue | undefined): value is null | undefined {
  return value === null || value === undefined;
}

/** An `int` of at most 53 bits. */
export function requireInt(dict: PyDict, field: string, what: string): number {
  const int = asSafeInt(dict.get(field));
  if (int === undefined) throw badField(what, field, "an integer of at most 53 bits");
  return int;
}

/** An `int` of at most 53 bits, or `null`. */
export function optionalInt(dict: PyDict, field: string, what: string): number | null {
  return isAbsent(dict.get(field)) ? null : requireInt(dict, field, what);
}

/** A TCP or UDP port: an `int` from 0 to 65535. */
export function requirePort(dict: PyDict, field: string, what: string): number {
  const port = asSafeInt(dict.get(field));
  if (port === undefined || port < 0 || port > 65535) throw badField(what, field, "a port number");
  return port;
}

/** A TCP or UDP port, or `null`. */
export function optionalPort(dict: PyDict, field: string, what: string): number | null {
  return isAbsent(dict.get(field)) ? null : requirePort(dict, field, what);
}

/** A `float` or an `int`, for times and measurements. */
export function requireNumber(dict: PyDict, field: string, what: string): number {
  const value = dict.get(field);
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  throw badField(what, field, "a number");
}

/** A `float`, an `int`, or `null`. */
export function optionalNumber(dict: PyDict, field: string, what: string): number | null {
  return isAbsent(dict.get(field)) ? null : requireNumber(dict, field, what);
}

/** A `str`. */
export function requireString(dict: PyDict, field: string, what: string): string {
  const value = dict.get(field);
  if (typeof value !== "string") throw badField(what, field, "a string");
  return value;
}

/** A `str`, or `null`. */
export function optionalString(dict: PyDict, field: string, what: string): string | null {
  return isAbsent(dict.get(field)) ? null : requireString(dict, field, what);
}

/** A `list` or `tuple` that holds only `str`. */
export function requireStrings(dict: PyDict, field: string, what: string): string[] {
  const items = requireList(dict, field, what);
  for (const item of items) {
    if (typeof item !== "string") throw badField(what, field, "a list of strings");
  }
  return items as string[];
}

/** `bytes` or a `bytearray`; a view, not a copy. */
export function requireBytes(dict: PyDict, field: string, what: string): Uint8Array {
  const value = dict.get(field);
  if (value instanceof Uint8Array) return value;
  if (value instanceof PyByteArray) return value.bytes;
  throw badField(what, field, "bytes");
}

/** `bytes`, a `bytearray`, or `null`. */
export function optionalBytes(dict: PyDict, field: string, what: string): Uint8Array | null {
  return isAbsent(dict.get(field)) ? null : requireBytes(dict, field, what);
}

/** The items of a `list` or `tuple`. */
export function requireList(dict: PyDict, field: string, what: string): PyValue[] {
  const value = dict.get(field);
  if (Array.isArray(value)) return value;
  if (value instanceof PyTuple) return value.items;
  throw badField(what, field, "a list");
}

/** What Python takes for true or false among `bool`, `int` and `None`; `absent` without entry. */
export function optionalFlag(
  dict: PyDict,
  field: string,
  what: string,
  absent: boolean = false,
): boolean {
  const value = dict.get(field);
  if (value === undefined) return absent;
  if (typeof value === "boolean") return value;
  if (value === null) return false;
  if (typeof value === "bigint") return value !== 0n;
  throw badField(what, field, "true or false");
}

/** An entry of any type; only its absence is an error. */
export function requireValue(dict: PyDict, field: string, what: string): PyValue {
  const value = dict.get(field);
  if (value === undefined) throw badField(what, field, "present");
  return value;
}

/** `value` as Python's `int`. */
export function toInt(value: number): bigint {
  return BigInt(value);
}

/** `value` as Python's `int`, or `None`. */
export function toOptionalInt(value: number | null): bigint | null {
  return value === null ? null : BigInt(value);
}
