/**
 * Goes through pickles without making anything of them: it takes next to no memory, whatever their
 * size.
 *
 * @module
 */

import { notAnOpcode, PickleError } from "./error.ts";
import { PickleInput } from "./input.ts";
import { MAX_SCANNED_OPCODES } from "./limits.ts";
import * as op from "./opcodes.ts";
import { OutputBuffer } from "./output.ts";

/** Python 2 writes none that is higher, and reads none. */
export const PYTHON2_PROTOCOL = 2;

/** The lowest that is Python 3's own: every Python 3 reads it. */
export const PYTHON3_PROTOCOL = 3;

/** How Python names `bytearray` in all protocols. */
const BYTEARRAY = new TextEncoder().encode("cbuiltins\nbytearray\n");

/** The protocol that a pickle says it has; 0 where it says none: that is 0 or 1. */
export function protocolOf(pickle: Uint8Array): number {
  return pickle[0] === op.PROTO ? pickle[1] ?? 0 : 0;
}

/**
 * Highest protocol that the Python which wrote this message of dispy's surely reads; 2 is for Python
 * 2 alone. Python 3 can be told to write protocol 2, too: its text is `unicode` then, and that of
 * Python 2 is `str`.
 *
 * @throws {PickleError} If it is cut short or no pickle.
 */
export function protocolReadByWriter(message: Uint8Array): number {
  const protocol = protocolOf(message);
  if (protocol >= PYTHON3_PROTOCOL) return protocol;
  const input = new PickleInput(message);
  while (true) {
    switch (nextOpcode(input)) {
      case op.UNICODE:
      case op.BINUNICODE:
        return PYTHON3_PROTOCOL;
      case op.STRING:
      case op.BINSTRING:
      case op.SHORT_BINSTRING:
      case op.STOP:
        return PYTHON2_PROTOCOL;
    }
  }
}

/**
 * Whether there is a `str` of Python 2 in a pickle that is not ASCII: Python 3 does not read it.
 *
 * @throws {PickleError} If it is cut short, too long, or no pickle.
 */
export function hasByteStrings(pickle: Uint8Array): boolean {
  const input = new PickleInput(pickle);
  for (let count = 0; count < MAX_SCANNED_OPCODES; count++) {
    switch (nextOpcode(input)) {
      case op.SHORT_BINSTRING:
        if (!isAscii(pickle, input.at + 2, input.pos)) return true;
        break;
      case op.BINSTRING:
        if (!isAscii(pickle, input.at + 5, input.pos)) return true;
        break;
      case op.STRING:
        // What is not ASCII may stand behind a backslash.
        if (pickle.subarray(input.at, input.pos).includes(0x5c)) return true;
        if (!isAscii(pickle, input.at, input.pos)) return true;
        break;
      case op.STOP:
        return false;
    }
  }
  throw tooLong();
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((bytes[at] as number) >= 0x80) return false;
  return true;
}

/**
 * A pickle of protocol 5 in protocol 4. These differ in `bytearray` alone, which is a call in
 * protocol 4, and in buffers that are not in the pickle. All else stays as it is.
 *
 * @returns The pickle, in pieces. Long ones are views of `pickle`.
 * @throws {PickleError} If it is cut short, too long, no pickle, or has such buffers.
 */
export function toProtocol4(pickle: Uint8Array): Uint8Array[] {
  const input = new PickleInput(pickle);
  const out = new OutputBuffer();
  out.byte2(op.PROTO, 4);
  let done = 0;
  const copyUpTo = (end: number): void => {
    if (end > done) out.bytes(pickle.subarray(done, end));
    done = input.pos;
  };
  for (let count = 0; count < MAX_SCANNED_OPCODES; count++) {
    switch (nextOpcode(input)) {
      case op.PROTO:
      case op.FRAME:
        // Frames are of use to files only, and would have other lengths.
        copyUpTo(input.at);
        break;
      case op.BYTEARRAY8:
        copyUpTo(input.at);
        out.bytes(BYTEARRAY);
        out.byte(op.BINBYTES8);
        out.bytes(pickle.subarray(input.at + 1, input.pos));
        out.byte2(op.TUPLE1, op.REDUCE);
        break;
      case op.NEXT_BUFFER:
      case op.READONLY_BUFFER:
        throw new PickleError("buffers beside the pickle are not supported", input.at);
      case op.STOP:
        copyUpTo(input.pos);
        return out.finish();
    }
  }
  throw tooLong();
}

function tooLong(): PickleError {
  return new PickleError(`the pickle has over ${MAX_SCANNED_OPCODES} elements`);
}

/** Goes past the next opcode and what belongs to it; `input.at` is where it was. */
function nextOpcode(input: PickleInput): number {
  const opcode = input.opcode();
  switch (opcode) {
    case op.BININT1:
    case op.BINGET:
    case op.BINPUT:
    case op.PROTO:
    case op.EXT1:
      input.take(1);
      break;
    case op.BININT2:
    case op.EXT2:
      input.take(2);
      break;
    case op.BININT:
    case op.LONG_BINGET:
    case op.LONG_BINPUT:
    case op.EXT4:
      input.take(4);
      break;
    case op.BINFLOAT:
    case op.FRAME:
      input.take(8);
      break;
    case op.SHORT_BINSTRING:
    case op.SHORT_BINBYTES:
    case op.SHORT_BINUNICODE:
    case op.LONG1:
      input.take(input.uint8());
      break;
    case op.BINBYTES:
    case op.BINUNICODE:
      input.take(input.uint32());
      break;
    case op.BINSTRING:
    case op.LONG4:
      input.take(input.length32());
      break;
    case op.BINBYTES8:
    case op.BINUNICODE8:
    case op.BYTEARRAY8:
      input.take(input.uint64());
      break;
    case op.INT:
    case op.LONG:
    case op.FLOAT:
    case op.STRING:
    case op.UNICODE:
    case op.PERSID:
    case op.GET:
    case op.PUT:
      input.rawLine();
      break;
    case op.GLOBAL:
    case op.INST:
      input.rawLine();
      input.rawLine();
      break;
    default:
      if (!PLAIN_OPCODES.has(opcode)) throw notAnOpcode(opcode, input.at);
  }
  return opcode;
}

/** Those that stand alone. */
const PLAIN_OPCODES: ReadonlySet<number> = new Set([
  ...new TextEncoder().encode("(.012NRQ)]abdelostu}"),
  ...[op.NEWOBJ, op.TUPLE1, op.TUPLE2, op.TUPLE3, op.NEWTRUE, op.NEWFALSE, op.EMPTY_SET],
  ...[op.ADDITEMS, op.FROZENSET, op.NEWOBJ_EX, op.STACK_GLOBAL, op.MEMOIZE],
  ...[op.NEXT_BUFFER, op.READONLY_BUFFER],
]);
