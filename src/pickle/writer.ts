/**
 * Writes values as pickles of protocol 4, which Python 3.4 and newer read. What earlier Pythons get
 * is in `earlier_writer.ts`.
 *
 * The pickles have no frames: frames spare a Python that loads from a file small reads, and
 * cost nothing to leave out for one that loads from memory, as dispy does.
 *
 * @module
 */

import { PickleError } from "./error.ts";
import { encodeInt, MAX_INT_BYTES } from "./integers.ts";
import { MAX_DEPTH } from "./limits.ts";
import {
  ADDITEMS,
  APPEND,
  APPENDS,
  BINBYTES,
  BINBYTES8,
  BINFLOAT,
  BINGET,
  BININT,
  BININT1,
  BININT2,
  BINUNICODE,
  BINUNICODE8,
  BUILD,
  EMPTY_DICT,
  EMPTY_LIST,
  EMPTY_SET,
  EMPTY_TUPLE,
  FROZENSET,
  LONG1,
  LONG4,
  LONG_BINGET,
  MARK,
  MEMOIZE,
  NEWFALSE,
  NEWOBJ,
  NEWOBJ_EX,
  NEWTRUE,
  NONE,
  OBJ,
  POP,
  POP_MARK,
  PROTO,
  REDUCE,
  SETITEM,
  SETITEMS,
  SHORT_BINBYTES,
  SHORT_BINUNICODE,
  STACK_GLOBAL,
  STOP,
  TUPLE,
  TUPLE1,
  TUPLE2,
} from "./opcodes.ts";
import { OutputBuffer } from "./output.ts";
import { StateSetterStep } from "./reduce.ts";
import { temporariesOf } from "./remade.ts";
import { encodeUtf8 } from "./text.ts";
import {
  PyByteArray,
  type PyConstruction,
  PyDict,
  PyFrozenSet,
  PyGlobal,
  PyObject,
  PySet,
  PyTuple,
  type PyValue,
} from "./values.ts";

/** Highest protocol of which anything is written: protocol 5 offers nothing that is of use here. */
export const WRITTEN_PROTOCOL = 4;

/** `bytearray` has an opcode only since protocol 5; before, it is a call. */
const BYTEARRAY = new PyGlobal("builtins", "bytearray");

/** Strings longer than this are compared rather than hashed: engines hash only so much. */
const MAX_HASHED_CHARS = 16383;

/** How often an object may be begun within itself; each time writes its parts once more. */
const MAX_REMAKES = 100;

/** Long strings that are remembered in case they come again. */
const MAX_LONG_STRINGS = 8;

/**
 * Writes one value.
 *
 * Every value that has identity goes into the memo when it is made, before it is filled, and
 * is fetched from there wherever it comes again. So what is shared stays shared, cycles end,
 * and the pickle is linear in the number of distinct values.
 */
export class PickleWriter {
  /** @param protocol What the pickle says it is: protocol 5 has all that is written here, too. */
  constructor(protected readonly protocol: number = WRITTEN_PROTOCOL) {}

  protected readonly out = new OutputBuffer();
  readonly #memo = new Map<object, number>();
  /** Strings by value: attribute and class names come many times. */
  readonly #strings = new Map<string, number>();
  readonly #longStrings: [text: string, index: number][] = [];
  /** Parts of objects in cycles that are to be written anew with their object. */
  readonly #temporaries = new Set<object>();
  /** Values in the memo that are not temporary. */
  #lasting = 0;
  /** Objects with such parts: how often they were begun, and what `#lasting` was then. */
  readonly #begun = new Map<PyObject, { times: number; lasting: number }>();
  #memoized = 0;
  #depth = 0;

  /**
   * The pickle of `value` in pieces.
   *
   * @throws {PickleError} If there is something in `value` that is not a {@linkcode PyValue},
   * an int is too large, or values are nested too deep.
   */
  write(value: PyValue): Uint8Array[] {
    this.out.byte2(PROTO, this.protocol);
    this.save(value);
    this.out.byte(STOP);
    return this.out.finish();
  }

  /** Writes a value, or where it was written before. */
  protected save(value: PyValue): void {
    switch (typeof value) {
      case "string":
        return this.#string(value);
      case "bigint":
        return this.#int(value);
      case "boolean":
        return this.out.byte(value ? NEWTRUE : NEWFALSE);
      case "number":
        return this.out.float64(BINFLOAT, value);
      case "object": {
        if (value === null) return this.out.byte(NONE);
        const index = this.#memo.get(value);
        if (index !== undefined) return this.#get(index);
        if (++this.#depth > MAX_DEPTH) {
          throw new PickleError(`values are nested more than ${MAX_DEPTH} levels deep`);
        }
        this.#object(value);
        this.#depth--;
        return;
      }
      default:
        throw new PickleError(`a ${typeof value} is not a Python value`);
    }
  }

  #object(value: Exclude<PyValue, string | null>): void {
    if (value instanceof PyDict) this.#dict(value);
    else if (value instanceof PyTuple) this.#tuple(value);
    else if (Array.isArray(value)) this.#list(value);
    else if (value instanceof PyObject) this.#instance(value);
    else if (value instanceof PyGlobal) this.global(value);
    else if (value instanceof Uint8Array) this.#bytes(value);
    else if (value instanceof PyByteArray) this.#byteArray(value);
    else if (value instanceof PySet) this.set(value);
    else if (value instanceof PyFrozenSet) this.frozenSet(value);
    else throw new PickleError("an object of a JavaScript class is not a Python value");
  }

  /** Remembers what was just made, for when it comes again. */
  protected memoize(value: object): void {
    this.put(this.#memoized);
    this.#memo.set(value, this.#memoized++);
    if (!this.#temporaries.has(value)) this.#lasting++;
  }

  /** Has what was just made kept under `index`, which is the number of those so far. */
  protected put(_index: number): void {
    this.out.byte(MEMOIZE);
  }

  #get(index: number): void {
    if (index < 256) this.out.byte2(BINGET, index);
    else this.out.uint32(LONG_BINGET, index);
  }

  /**
   * Whether `value`, whose parts are being written, has been written meanwhile as a part of
   * them. If so what is on Python's stack for it is dropped, and the finished one fetched.
   */
  protected fetchIfDone(value: object, pop: number, times = 1): boolean {
    const index = this.#memo.get(value);
    if (index === undefined) return false;
    while (times-- > 0) this.out.byte(pop);
    this.#get(index);
    return true;
  }

  #int(value: bigint): void {
    const number = Number(value);
    if (number >= -0x80000000 && number <= 0x7fffffff) {
      if (number < 0 || number > 0xffff) this.out.uint32(BININT, number);
      else if (number < 256) this.out.byte2(BININT1, number);
      else this.out.uint16(BININT2, number);
      return;
    }
    if (Number.isSafeInteger(number)) return this.out.smallInt(LONG1, number);
    const bytes = encodeInt(value);
    if (bytes.length > MAX_INT_BYTES) {
      throw new PickleError(`an int has over ${MAX_INT_BYTES} bytes`);
    }
    if (bytes.length < 256) this.out.byte2(LONG1, bytes.length);
    else this.out.uint32(LONG4, bytes.length);
    this.out.bytes(bytes);
  }

  #string(text: string): void {
    const long = text.length > MAX_HASHED_CHARS;
    const index = long
      ? this.#longStrings.find(([other]) => other === text)?.[1]
      : this.#strings.get(text);
    if (index !== undefined) return this.#get(index);
    this.textAlone(text);
    // A reference takes two bytes or more, so there is nothing to gain for a single character.
    if (text.length < 2 || (long && this.#longStrings.length === MAX_LONG_STRINGS)) return;
    this.put(this.#memoized);
    if (long) this.#longStrings.push([text, this.#memoized++]);
    else this.#strings.set(text, this.#memoized++);
  }

  /** Text without a place in the memo. */
  protected textAlone(text: string): void {
    if (this.out.shortAscii(SHORT_BINUNICODE, text)) return;
    const bytes = encodeUtf8(text);
    if (bytes.length < 256) this.out.byte2(SHORT_BINUNICODE, bytes.length);
    else if (bytes.length <= 0xffffffff) this.out.uint32(BINUNICODE, bytes.length);
    else this.out.uint64(BINUNICODE8, bytes.length);
    this.out.bytes(bytes);
  }

  #bytes(bytes: Uint8Array): void {
    this.bytesAlone(bytes);
    this.memoize(bytes);
  }

  /** Bytes without a place in the memo. */
  protected bytesAlone(bytes: Uint8Array): void {
    if (bytes.length < 256) this.out.byte2(SHORT_BINBYTES, bytes.length);
    else if (bytes.length <= 0xffffffff) this.out.uint32(BINBYTES, bytes.length);
    else this.out.uint64(BINBYTES8, bytes.length);
    this.out.bytes(bytes);
  }

  #byteArray(array: PyByteArray): void {
    this.save(BYTEARRAY);
    if (array.bytes.length === 0) this.out.byte(EMPTY_TUPLE);
    else {
      this.bytesAlone(array.bytes);
      this.out.byte(TUPLE1);
    }
    this.out.byte(REDUCE);
    this.memoize(array);
  }

  #list(list: PyValue[]): void {
    this.out.byte(EMPTY_LIST);
    this.memoize(list);
    this.items(list, APPENDS);
  }

  /** Fills what was just made. */
  protected items(items: readonly PyValue[], opcode: number): void {
    if (items.length === 1 && opcode === APPENDS) {
      this.save(items[0] as PyValue);
      this.out.byte(APPEND);
    } else if (items.length > 0) {
      this.out.byte(MARK);
      for (const item of items) this.save(item);
      this.out.byte(opcode);
    }
  }

  #dict(dict: PyDict): void {
    this.out.byte(EMPTY_DICT);
    this.memoize(dict);
    this.#entries(dict, dict.size);
  }

  #entries(entries: Iterable<readonly [PyValue, PyValue]>, size: number): void {
    if (size === 0) return;
    if (size > 1) this.out.byte(MARK);
    for (const [key, value] of entries) {
      this.save(key);
      this.save(value);
    }
    this.out.byte(size > 1 ? SETITEMS : SETITEM);
  }

  protected set(set: PySet): void {
    this.out.byte(EMPTY_SET);
    this.memoize(set);
    this.items(set.items, ADDITEMS);
  }

  protected frozenSet(set: PyFrozenSet): void {
    this.out.byte(MARK);
    for (const item of set.items) {
      this.save(item);
      if (this.fetchIfDone(set, POP_MARK)) return;
    }
    this.out.byte(FROZENSET);
    this.memoize(set);
  }

  #tuple(tuple: PyTuple): void {
    const size = tuple.items.length;
    if (size === 0) return this.out.byte(EMPTY_TUPLE);
    const temporary = this.#temporaries.has(tuple);
    if (size > 3) this.out.byte(MARK);
    for (let at = 0; at < size; at++) {
      const item = tuple.items[at] as PyValue;
      this.save(item);
      // Only through an item that is an object can the tuple contain itself.
      if (typeof item !== "object" || item === null || temporary) continue;
      if (this.fetchIfDone(tuple, size > 3 ? POP_MARK : POP, size > 3 ? 1 : at + 1)) return;
    }
    this.out.byte(size > 3 ? TUPLE : TUPLE1 - 1 + size);
    if (!temporary || !this.#memo.has(tuple)) this.memoize(tuple);
  }

  protected global(global: PyGlobal): void {
    this.#string(global.module);
    this.#string(global.name);
    this.out.byte(STACK_GLOBAL);
    this.memoize(global);
  }

  #instance(object: PyObject): void {
    const temporaries = temporariesOf(object);
    if (temporaries !== undefined) this.#forget(object, temporaries);
    if (!this.#construct(object, temporaries !== undefined)) return;
    this.memoize(object);
    for (const step of object.steps) {
      switch (step.kind) {
        case "append":
          this.items(step.items, APPENDS);
          break;
        case "set":
          this.#entries(step.entries, step.entries.length);
          break;
        case "add":
          this.items(step.items, ADDITEMS);
          break;
        case "build":
          if (step instanceof StateSetterStep) this.#setState(object, step);
          else {
            this.save(step.state);
            this.out.byte(BUILD);
          }
          break;
      }
    }
  }

  /** Has `temporaries` written anew as the making of `object` is begun, maybe within itself. */
  #forget(object: PyObject, temporaries: ReadonlySet<object>): void {
    const begun = this.#begun.get(object) ?? { times: 0, lasting: -1 };
    this.#begun.set(object, begun);
    // Python ends up here again only by way of something that lasts and was not there before.
    if (begun.lasting === this.#lasting) return;
    begun.lasting = this.#lasting;
    if (++begun.times > MAX_REMAKES) {
      throw new PickleError(`an object is nested over ${MAX_REMAKES} times in its own making`);
    }
    for (const part of temporaries) {
      this.#temporaries.add(part);
      this.#memo.delete(part);
    }
  }

  /**
   * Writes how the object is made; false if it turned out to be made already. One with
   * temporary parts is made and dropped in that case, as Python does, so that readers can tell.
   */
  #construct(object: PyObject, temporary: boolean): boolean {
    const { construction } = object;
    switch (construction.kind) {
      case "reduce":
        return this.call(object, temporary, REDUCE, construction.callable, construction.args);
      case "newobj":
        return this.call(object, temporary, NEWOBJ, construction.cls, construction.args);
      case "newobj_ex":
        return this.newWithKeywords(object, temporary, construction);
      case "inst":
        this.out.byte(MARK);
        for (const part of [construction.cls, ...construction.args]) {
          this.save(part);
          if (this.fetchIfDone(object, POP_MARK)) return false;
        }
        this.out.byte(OBJ);
        return true;
    }
  }

  /** Writes a call that makes `object`; false if it turned out to be made already. */
  protected call(
    object: PyObject,
    temporary: boolean,
    opcode: number,
    ...operands: PyValue[]
  ): boolean {
    for (let at = 0; at < operands.length; at++) {
      this.save(operands[at] as PyValue);
      if (!temporary && this.fetchIfDone(object, POP, at + 1)) return false;
    }
    this.out.byte(opcode);
    return !this.fetchIfDone(object, POP);
  }

  /** As {@linkcode PickleWriter.call}, for objects that are made with keyword arguments. */
  protected newWithKeywords(
    object: PyObject,
    temporary: boolean,
    { cls, args, kwargs }: Extract<PyConstruction, { kind: "newobj_ex" }>,
  ): boolean {
    return this.call(object, temporary, NEWOBJ_EX, cls, args, kwargs);
  }

  #setState(object: PyObject, step: StateSetterStep): void {
    this.save(step.setter);
    this.save(object);
    this.save(step.state);
    this.out.byte2(TUPLE2, REDUCE);
    this.out.byte(POP);
  }
}
