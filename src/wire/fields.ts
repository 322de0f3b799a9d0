/**
 * Checked readers for the entries of dicts that peers send: of the right type, and within the
 * bounds of `field_limits.ts`. Errors name the message and the field, never the value's content.
 *
 * Python's `None` and an absent entry are one thing for the `optional…` readers: `null`.
 *
 * @module
 */

import {
  bytesOfText,
  isAscii,
  PyByteArray,
  PyDict,
  PySet,
  PyTuple,
  textOfBytes,
} from "../pickle/mod.ts";
import type { PyValue } from "../pickle/mod.ts";
import { WireError } from "./errors.ts";
import {
  type BytesLimit,
  type FieldOf,
  type IntLimit,
  type LimitedName,
  limitOf,
  type ListLimit,
  type NumberLimit,
  type TextLimit,
  type TextsLimit,
} from "./field_limits.ts";

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
export function requireInt<Name extends LimitedName>(
  dict: PyDict,
  field: FieldOf<Name, "int">,
  what: Name,
): number {
  return intWithin(dict.get(field), field, what);
}

/** `value` as an `int` within the bounds of a field. */
function intWithin(value: PyValue | undefined, field: string, what: string): number {
  const int = asSafeInt(value);
  if (int === undefined) throw badField(what, field, "an integer of at most 53 bits");
  const limit = limitOf<IntLimit>(what, field);
  if (limit !== undefined && (int < limit.min || int > limit.max)) {
    throw badField(what, field, `a number from ${limit.min} to ${limit.max}`);
  }
  return int;
}

/** An `int` of at most 53 bits, or `null`. */
export function optionalInt<Name extends LimitedName>(
  dict: PyDict,
  field: FieldOf<Name, "int">,
  what: Name,
): number | null {
  return isAbsent(dict.get(field)) ? null : requireInt(dict, field, what);
}

/** A TCP or UDP port: an `int` from 0 to 65535, or from 1 where we are to connect to it. */
export function requirePort<Name extends LimitedName>(
  dict: PyDict,
  field: FieldOf<Name, "int">,
  what: Name,
): number {
  return requireInt(dict, field, what);
}

/** A TCP or UDP port, or `null`. */
export function optionalPort<Name extends LimitedName>(
  dict: PyDict,
  field: FieldOf<Name, "int">,
  what: Name,
): number | null {
  return optionalInt(dict, field, what);
}

/** A `float` or an `int`, for times and measurements. */
export function requireNumber<Name extends LimitedName>(
  dict: PyDict,
  field: FieldOf<Name, "number">,
  what: Name,
): number {
  const value = dict.get(field);
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw badField(what, field, "a number");
  }
  return numberWithin(Number(value), field, what);
}

/** `value` within the bounds of a field, where it is out of them and may be. */
export function numberWithin(value: number, field: string, what: string): number {
  const limit = limitOf<NumberLimit>(what, field);
  if (limit === undefined) return value;
  const { min, max, isClamped } = limit;
  if (value >= min && value <= max) return value;
  if (!isClamped) throw badField(what, field, `a number from ${min} to ${max}`);
  return Math.min(max, Math.max(min, Number.isNaN(value) ? 0 : value));
}

/** A `float`, an `int`, or `null`. */
export function optionalNumber<Name extends LimitedName>(
  dict: PyDict,
  field: FieldOf<Name, "number">,
  what: Name,
): number | null {
  return isAbsent(dict.get(field)) ? null : requireNumber(dict, field, what);
}

/**
 * `value` as a `str` of at most `maxChars` characters. That of Python 2 is bytes where it is not
 * ASCII: names of files and the source of programs are UTF-8.
 */
function textWithin(
  value: PyValue | undefined,
  field: string,
  what: string,
  { maxChars, isList = false }: { maxChars: number; isList?: boolean },
): string {
  const isBytes = value instanceof Uint8Array;
  const kind = isList ? "a list of strings" : "a string";
  if (!isBytes && typeof value !== "string") throw badField(what, field, kind);
  // Bytes are looked at first: text of so many bytes is too long in any case.
  const text = isBytes && value.length <= maxChars * MAX_CHAR_BYTES ? textOfBytes(value) : value;
  if (typeof text === "string" && text.length <= maxChars) return text;
  throw badField(what, field, `${kind} of at most ${maxChars} characters`);
}

/** Of what counts as one character in JavaScript, in UTF-8. */
const MAX_CHAR_BYTES = 3;

/** A `str`. */
export function requireString<Name extends LimitedName>(
  dict: PyDict,
  field: FieldOf<Name, "text">,
  what: Name,
): string {
  const maxChars = limitOf<TextLimit>(what, field)?.maxChars ?? Infinity;
  return textWithin(dict.get(field), field, what, { maxChars });
}

/** A `str`, or `null`. */
export function optionalString<Name extends LimitedName>(
  dict: PyDict,
  field: FieldOf<Name, "text">,
  what: Name,
): string | null {
  return isAbsent(dict.get(field)) ? null : requireString(dict, field, what);
}

/** A `list` or `tuple` that holds only `str`. */
export function requireStrings<Name extends LimitedName>(
  dict: PyDict,
  field: FieldOf<Name, "texts">,
  what: Name,
): string[] {
  const { maxItems, maxChars = Infinity } = limitOf<TextsLimit>(what, field) ?? {};
  return itemsOf(dict.get(field), field, what, maxItems)
    .map((item) => textWithin(item, field, what, { maxChars, isList: true }));
}

/** `bytes` or a `bytearray`; a view, not a copy. With Python 2, also a `str` that is ASCII. */
export function requireBytes<Name extends LimitedName>(
  dict: PyDict,
  field: FieldOf<Name, "bytes">,
  what: Name,
): Uint8Array {
  const value = dict.get(field);
  const bytes = value instanceof PyByteArray
    ? value.bytes
    : typeof value === "string" && isAscii(value)
    ? bytesOfText(value)
    : value;
  if (!(bytes instanceof Uint8Array)) throw badField(what, field, "bytes");
  const limit = limitOf<BytesLimit>(what, field);
  if (limit !== undefined && bytes.length > limit.maxBytes) {
    throw badField(what, field, `at most ${limit.maxBytes} bytes`);
  }
  return bytes;
}

/** `bytes`, a `bytearray`, or `null`. */
export function optionalBytes<Name extends LimitedName>(
  dict: PyDict,
  field: FieldOf<Name, "bytes">,
  what: Name,
): Uint8Array | null {
  return isAbsent(dict.get(field)) ? null : requireBytes(dict, field, what);
}

/** The items of a `list`, `tuple` or `set`. */
export function requireList<Name extends LimitedName>(
  dict: PyDict,
  field: FieldOf<Name, "list">,
  what: Name,
): PyValue[] {
  return itemsOf(dict.get(field), field, what, limitOf<ListLimit>(what, field)?.maxItems);
}

/** `value` as the items of a `list`, `tuple` or `set`, of which there are at most `maxItems`. */
function itemsOf(
  value: PyValue | undefined,
  field: string,
  what: string,
  maxItems: number = Infinity,
): PyValue[] {
  const items = value instanceof PyTuple || value instanceof PySet ? value.items : value;
  if (!Array.isArray(items)) throw badField(what, field, "a list");
  if (items.length > maxItems) throw badField(what, field, `a list of at most ${maxItems}`);
  return items;
}

/** What Python takes for true or false among `bool`, `int` and `None`; `absent` without entry. */
export function optionalFlag<Name extends LimitedName>(
  dict: PyDict,
  field: FieldOf<Name, "flag">,
  what: Name,
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
export function requireValue<Name extends LimitedName>(
  dict: PyDict,
  field: FieldOf<Name, "object">,
  what: Name,
): PyValue {
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
