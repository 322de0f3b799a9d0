/**
 * The pickle machine: carries out the opcodes of protocols 0 to 5 on inert values.
 *
 * One loop over one switch with local variables, because the scheduler reads several small
 * pickles a job. The cases use the opcodes' numbers, which the engine turns into a jump
 * table; names and meaning are those of Python's `pickletools`.
 *
 * @module
 */

import { checkDepth } from "./depth.ts";
import { drop, dropResult } from "./drop.ts";
import { notAnOpcode, PickleError } from "./error.ts";
import { addItems, append, setItems, wrongTarget } from "./fill.ts";
import { PickleInput } from "./input.ts";
import { MAX_REPEATED_BYTES, type PickleLimits } from "./limits.ts";
import { Memo } from "./memo.ts";
import { parseFloat64, parseIndex, parseInteger, parseLong } from "./numbers.ts";
import { fromPython2Name } from "./python2_names.ts";
import { distinct, reduce } from "./reduce.ts";
import { decodeByteString, decodeRawUnicodeEscape, decodeStringLiteral } from "./text.ts";
import {
  PyByteArray,
  PyDict,
  PyFrozenSet,
  PyGlobal,
  PyObject,
  PySet,
  PyTuple,
  type PyValue,
} from "./values.ts";

/** The ints of one byte, which are most of those in messages. */
const SMALL_INTS = Array.from({ length: 256 }, (_, number) => BigInt(number));

/** Strings up to this length can be repeated by reference without counting as size. */
const FREE_REPEAT_CHARS = 16383;

/** The highest protocol that is read. */
export const HIGHEST_PROTOCOL = 5;

/** Opcodes that CPython writes only for picklers with hooks which dispy does not have. */
const UNSUPPORTED: ReadonlyMap<number, string> = new Map([
  [0x50, "persistent ids (PERSID)"],
  [0x51, "persistent ids (BINPERSID)"],
  [0x82, "extension codes (EXT1)"],
  [0x83, "extension codes (EXT2)"],
  [0x84, "extension codes (EXT4)"],
  [0x97, "out-of-band buffers (NEXT_BUFFER)"],
  [0x98, "out-of-band buffers (READONLY_BUFFER)"],
]);

/**
 * The value that the pickle at the start of `bytes` describes.
 *
 * @throws {PickleError} If it is malformed, cut short or beyond the limits.
 */
export function readPickle(bytes: Uint8Array, limits: PickleLimits): PyValue {
  if (bytes.length > limits.maxBytes) {
    throw new PickleError(
      `a pickle of ${bytes.length} bytes is over the limit of ${limits.maxBytes}`,
    );
  }
  const input = new PickleInput(bytes);
  let protocol = 0;
  let opcodes = 0;
  /** Bytes that the pickle may still repeat by reference. */
  let repeatable = Math.min(limits.maxBytes - bytes.length, MAX_REPEATED_BYTES);

  /** Slots from `sp` on are stale: not clearing them is faster, and they die with this call. */
  const stack: PyValue[] = [];
  let sp = 0;
  /** Everything below belongs to an earlier `MARK`. */
  let floor = 0;
  const floors: number[] = [];
  const memo = new Memo();

  /** For values whose making takes operands off the stack; others go to `stack[sp++]`. */
  function push(value: PyValue): void {
    stack[sp++] = value;
  }

  function need(count: number): void {
    if (sp - floor < count) throw new PickleError("an opcode lacks its operands", input.at);
  }

  /** Ends the topmost `MARK`: its items. */
  function popMark(): PyValue[] {
    const items = stack.slice(floor, sp);
    dropMark();
    return items;
  }

  function dropMark(): void {
    const below = floors.pop();
    if (below === undefined) throw new PickleError("an opcode lacks its MARK", input.at);
    sp = floor;
    floor = below;
  }

  function global(module: string, name: string): PyGlobal {
    return protocol < 3 ? fromPython2Name(module, name) : new PyGlobal(module, name);
  }

  function inst(cls: PyValue | undefined, args: PyValue[]): PyObject {
    return new PyObject({ kind: "inst", cls: callable(cls), args });
  }

  function callable(value: PyValue | undefined): PyGlobal | PyObject {
    if (value instanceof PyGlobal || value instanceof PyObject) return value;
    throw new PickleError("something is called that is neither a class nor a function", input.at);
  }

  function tuple(value: PyValue | undefined): PyTuple {
    if (value instanceof PyTuple) return value;
    throw new PickleError("the arguments of a call are not a tuple", input.at);
  }

  /** A value that is in the pickle once and used again. */
  function repeated(value: PyValue | undefined): PyValue {
    if (value === undefined) {
      throw new PickleError("a reference has no value in the memo", input.at);
    }
    if (typeof value === "string" && value.length > FREE_REPEAT_CHARS) repeatable -= value.length;
    else if (typeof value === "bigint" && BigInt.asIntN(64, value) !== value) {
      repeatable -= value.toString(16).length / 2;
    }
    if (repeatable < 0) throw new PickleError("the pickle unfolds to more than maxBytes", input.at);
    return value;
  }

  while (true) {
    const opcode = input.opcode();
    if (++opcodes > limits.maxElements) {
      throw new PickleError(`the pickle has over ${limits.maxElements} elements`, input.at);
    }
    switch (opcode) {
      case 0x94: // MEMOIZE
        need(1);
        memo.add(stack[sp - 1] as PyValue);
        break;
      case 0x8c: // SHORT_BINUNICODE
        stack[sp++] = input.utf8(input.uint8());
        break;
      case 0x68: // BINGET
        stack[sp++] = repeated(memo.get(input.uint8()));
        break;
      case 0x4b: // BININT1
        stack[sp++] = SMALL_INTS[input.uint8()] as bigint;
        break;
      case 0x28: // MARK
        floors.push(floor);
        floor = sp;
        break;
      case 0x4e: // NONE
        stack[sp++] = null;
        break;
      case 0x88: // NEWTRUE
        stack[sp++] = true;
        break;
      case 0x89: // NEWFALSE
        stack[sp++] = false;
        break;
      case 0x80: // PROTO
        protocol = input.uint8();
        if (protocol > HIGHEST_PROTOCOL) {
          throw new PickleError(`pickle protocol ${protocol} is not known`, input.at);
        }
        break;
      case 0x95: // FRAME
        if (input.uint64() > bytes.length - input.pos) {
          throw new PickleError("the pickle is cut short", input.at);
        }
        break;
      case 0x2e: // STOP
        need(1);
        sp--;
        if (opcodes > limits.maxDepth) checkDepth(stack[sp] as PyValue, limits.maxDepth);
        return stack[sp] as PyValue;

      // Numbers
      case 0x4a: // BININT
        stack[sp++] = BigInt(input.int32());
        break;
      case 0x4d: // BININT2
        stack[sp++] = BigInt(input.uint16());
        break;
      case 0x8a: // LONG1
        stack[sp++] = input.int(input.uint8());
        break;
      case 0x8b: // LONG4
        stack[sp++] = input.int(input.length32());
        break;
      case 0x47: // BINFLOAT
        stack[sp++] = input.float64();
        break;
      case 0x49: // INT
        stack[sp++] = parseInteger(input.line(), input.at);
        break;
      case 0x4c: // LONG
        stack[sp++] = parseLong(input.line(), input.at);
        break;
      case 0x46: // FLOAT
        stack[sp++] = parseFloat64(input.line(), input.at);
        break;

      // Text and bytes
      case 0x58: // BINUNICODE
        stack[sp++] = input.utf8(input.uint32());
        break;
      case 0x8d: // BINUNICODE8
        stack[sp++] = input.utf8(input.uint64());
        break;
      case 0x43: // SHORT_BINBYTES
        stack[sp++] = input.view(input.uint8());
        break;
      case 0x42: // BINBYTES
        stack[sp++] = input.view(input.uint32());
        break;
      case 0x8e: // BINBYTES8
        stack[sp++] = input.view(input.uint64());
        break;
      case 0x96: // BYTEARRAY8
        stack[sp++] = new PyByteArray(input.view(input.uint64()));
        break;
      case 0x56: // UNICODE
        stack[sp++] = decodeRawUnicodeEscape(input.rawLine(), input.at);
        break;
      case 0x53: // STRING
        stack[sp++] = decodeStringLiteral(input.rawLine(), input.at);
        break;
      case 0x55: // SHORT_BINSTRING
        stack[sp++] = decodeByteString(input.view(input.uint8()));
        break;
      case 0x54: // BINSTRING
        stack[sp++] = decodeByteString(input.view(input.length32()));
        break;

      // Tuples
      case 0x29: // EMPTY_TUPLE
        stack[sp++] = new PyTuple([]);
        break;
      case 0x85: // TUPLE1
        need(1);
        stack[sp - 1] = new PyTuple([stack[sp - 1] as PyValue]);
        break;
      case 0x86: // TUPLE2
        need(2);
        sp--;
        stack[sp - 1] = new PyTuple([stack[sp - 1] as PyValue, stack[sp] as PyValue]);
        break;
      case 0x87: // TUPLE3
        need(3);
        sp -= 2;
        stack[sp - 1] = new PyTuple(stack.slice(sp - 1, sp + 2));
        break;
      case 0x74: // TUPLE
        push(new PyTuple(popMark()));
        break;

      // Containers
      case 0x5d: // EMPTY_LIST
        stack[sp++] = [];
        break;
      case 0x6c: // LIST
        push(popMark());
        break;
      case 0x61: // APPEND
        need(2);
        sp--;
        append(stack[sp - 1] as PyValue, [stack[sp] as PyValue], input.at);
        break;
      case 0x65: { // APPENDS
        const items = popMark();
        need(1);
        append(stack[sp - 1] as PyValue, items, input.at);
        break;
      }
      case 0x7d: // EMPTY_DICT
        stack[sp++] = new PyDict();
        break;
      case 0x64: { // DICT
        const dict = new PyDict();
        setItems(dict, popMark(), input.at);
        stack[sp++] = dict;
        break;
      }
      case 0x73: // SETITEM
        need(3);
        sp -= 2;
        setItems(stack[sp - 1] as PyValue, stack.slice(sp, sp + 2), input.at);
        break;
      case 0x75: { // SETITEMS
        const items = popMark();
        need(1);
        setItems(stack[sp - 1] as PyValue, items, input.at);
        break;
      }
      case 0x8f: // EMPTY_SET
        stack[sp++] = new PySet();
        break;
      case 0x90: { // ADDITEMS
        const items = popMark();
        need(1);
        addItems(stack[sp - 1] as PyValue, items, input.at);
        break;
      }
      case 0x91: // FROZENSET
        push(new PyFrozenSet(distinct(popMark())));
        break;

      // Classes, functions and objects
      case 0x63: { // GLOBAL
        const module = input.line();
        stack[sp++] = global(module, input.line());
        break;
      }
      case 0x93: { // STACK_GLOBAL
        need(2);
        sp--;
        const module = stack[sp - 1] as PyValue;
        const name = stack[sp] as PyValue;
        if (typeof module !== "string" || typeof name !== "string") {
          throw new PickleError("the name of a class or function is not a str", input.at);
        }
        stack[sp - 1] = global(module, name);
        break;
      }
      case 0x52: { // REDUCE
        need(2);
        sp--;
        const args = tuple(stack[sp]);
        const result = reduce(callable(stack[sp - 1]), args, protocol < 3);
        if (bytes[input.pos] === 0x30) { // POP
          input.pos++;
          sp--;
          dropResult(result, sp > floor ? stack[sp - 1] : undefined, input, memo);
        } else stack[sp - 1] = result;
        break;
      }
      case 0x81: { // NEWOBJ
        need(2);
        sp--;
        const args = tuple(stack[sp]);
        const cls = callable(stack[sp - 1]);
        stack[sp - 1] = new PyObject({ kind: "newobj", cls, args });
        break;
      }
      case 0x92: { // NEWOBJ_EX
        need(3);
        sp -= 2;
        const kwargs = stack[sp + 1] as PyValue;
        if (!(kwargs instanceof PyDict)) {
          throw new PickleError("the keyword arguments of a call are not a dict", input.at);
        }
        const args = tuple(stack[sp]);
        const cls = callable(stack[sp - 1]);
        stack[sp - 1] = new PyObject({ kind: "newobj_ex", cls, args, kwargs });
        break;
      }
      case 0x69: { // INST
        const module = input.line();
        const cls = global(module, input.line());
        push(inst(cls, popMark()));
        break;
      }
      case 0x6f: { // OBJ
        const [cls, ...args] = popMark();
        stack[sp++] = inst(cls, args);
        break;
      }
      case 0x62: { // BUILD
        need(2);
        sp--;
        const target = stack[sp - 1] as PyValue;
        if (!(target instanceof PyObject)) wrongTarget("a state", target, input.at);
        target.steps.push({ kind: "build", state: stack[sp] as PyValue });
        break;
      }

      // Stack and memo
      case 0x30: // POP
        if (sp > floor) drop(stack[--sp] as PyValue, input, memo);
        else dropMark();
        break;
      case 0x31: // POP_MARK
        dropMark();
        break;
      case 0x32: // DUP
        need(1);
        stack[sp] = repeated(stack[sp - 1]);
        sp++;
        break;
      case 0x6a: // LONG_BINGET
        stack[sp++] = repeated(memo.get(input.uint32()));
        break;
      case 0x67: // GET
        stack[sp++] = repeated(memo.get(parseIndex(input.line(), input.at)));
        break;
      case 0x71: // BINPUT
        need(1);
        memo.put(input.uint8(), stack[sp - 1] as PyValue);
        break;
      case 0x72: // LONG_BINPUT
        need(1);
        memo.put(input.uint32(), stack[sp - 1] as PyValue);
        break;
      case 0x70: // PUT
        need(1);
        memo.put(parseIndex(input.line(), input.at), stack[sp - 1] as PyValue);
        break;

      default: {
        const what = UNSUPPORTED.get(opcode);
        if (what !== undefined) throw new PickleError(`${what} are not supported`, input.at);
        throw notAnOpcode(opcode, input.at);
      }
    }
  }
}
