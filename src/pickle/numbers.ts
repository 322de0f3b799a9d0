/**
 * Numbers as protocol 0 writes them: a line of text.
 *
 * @module
 */

import { PickleError } from "./error.ts";
import { MAX_INT_DIGITS } from "./integers.ts";

/** `INT`: an int, or one of the two bools. `offset` is where the opcode is, for errors. */
export function parseInteger(line: string, offset: number): bigint | boolean {
  if (line === "00") return false;
  if (line === "01") return true;
  if (!/^[+-]?[0-9]+$/.test(line)) throw new PickleError("an int is not decimal", offset);
  if (line.length > MAX_INT_DIGITS) {
    throw new PickleError(`an int has more than ${MAX_INT_DIGITS} digits`, offset);
  }
  return line.startsWith("-") ? -BigInt(line.slice(1)) : BigInt(line.replace("+", ""));
}

/** `LONG`: an int, as Python 2 writes it with an `L` at the end. */
export function parseLong(line: string, offset: number): bigint {
  const value = parseInteger(line.endsWith("L") ? line.slice(0, -1) : line, offset);
  return typeof value === "bigint" ? value : BigInt(value);
}

/** `FLOAT`: Python's `repr`, including `inf` and `nan`. */
export function parseFloat64(line: string, offset: number): number {
  if (/^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(line)) return Number(line);
  switch (line) {
    case "inf":
    case "+inf":
      return Infinity;
    case "-inf":
      return -Infinity;
    case "nan":
    case "+nan":
    case "-nan":
      return NaN;
  }
  throw new PickleError("a float is not a number", offset);
}

/** `GET`, `PUT`: an index of the memo. */
export function parseIndex(line: string, offset: number): number {
  const index = /^[0-9]{1,10}$/.test(line) ? Number(line) : Infinity;
  if (index > 0xffffffff) throw new PickleError("a memo index is not a number below 2^32", offset);
  return index;
}
