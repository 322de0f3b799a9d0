/**
 * Writes values for Pythons that do not read protocol 4: Python 2 (protocol 2) and the first
 * releases of Python 3 (protocol 3). What is shared or cyclic stays so.
 *
 * In protocol 2, which is for Python 2 alone, `bytes` and text that is ASCII are its `str`; other
 * text is its `unicode`. Equal texts are equal there whichever they are, and `str` is what programs
 * for Python 2 write themselves: names of attributes and arguments, keys, `isinstance(x, str)`.
 *
 * @module
 */

import { bytesOfText } from "./byte_text.ts";
import { PickleError } from "./error.ts";
import {
  APPENDS,
  BINBYTES,
  BINPUT,
  BINSTRING,
  BINUNICODE,
  EMPTY_LIST,
  GLOBAL,
  LONG_BINPUT,
  POP,
  REDUCE,
  SHORT_BINBYTES,
  SHORT_BINSTRING,
  TUPLE1,
  TUPLE2,
} from "./opcodes.ts";
import { toPython2Name } from "./python2_names.ts";
import { encodeUtf8, isAscii } from "./text.ts";
import {
  type PyConstruction,
  type PyFrozenSet,
  PyGlobal,
  PyObject,
  type PySet,
  PyTuple,
} from "./values.ts";
import { PickleWriter } from "./writer.ts";

const SET = new PyGlobal("builtins", "set");
const FROZEN_SET = new PyGlobal("builtins", "frozenset");
const GETATTR = new PyGlobal("builtins", "getattr");
const PARTIAL = new PyGlobal("functools", "partial");

/** Classes in classes in classes: no program has as many. */
const MAX_NAME_PARTS = 100;

/** As far as the length of a `str` goes. */
const MAX_STRING_BYTES = 0x7fffffff;

/** What Python 2 gets for text that is not ASCII: its `unicode`, or `str` in UTF-8. */
export type Python2Text = "unicode" | "str";

/** See the module's description. */
export class EarlierPickleWriter extends PickleWriter {
  /** The parents of classes in classes, by module and name: each is one value of the pickle. */
  readonly #parents = new Map<string, PyGlobal>();

  constructor(protocol: 2 | 3, private readonly text: Python2Text) {
    super(protocol);
  }

  protected override put(index: number): void {
    if (index < 256) this.out.byte2(BINPUT, index);
    else this.out.uint32(LONG_BINPUT, index);
  }

  protected override textAlone(text: string): void {
    if (this.protocol === 2) {
      if (this.out.shortAscii(SHORT_BINSTRING, text)) return;
      if (this.text === "str" || isAscii(text)) return this.#byteString(bytesOfText(text));
    }
    const bytes = encodeUtf8(text);
    this.out.uint32(BINUNICODE, bytes.length);
    this.out.bytes(bytes);
  }

  protected override bytesAlone(bytes: Uint8Array): void {
    if (this.protocol === 2) return this.#byteString(bytes);
    if (bytes.length < 256) this.out.byte2(SHORT_BINBYTES, bytes.length);
    else this.out.uint32(BINBYTES, bytes.length);
    this.out.bytes(bytes);
  }

  #byteString(bytes: Uint8Array): void {
    if (bytes.length > MAX_STRING_BYTES) throw new PickleError("a value is too long for Python 2");
    if (bytes.length < 256) this.out.byte2(SHORT_BINSTRING, bytes.length);
    else this.out.uint32(BINSTRING, bytes.length);
    this.out.bytes(bytes);
  }

  protected override set(set: PySet): void {
    this.#collection(SET, set);
  }

  protected override frozenSet(set: PyFrozenSet): void {
    this.#collection(FROZEN_SET, set);
  }

  /** `cls([...])`. One that contains itself is made twice, as Python does it. */
  #collection(cls: PyGlobal, set: PySet | PyFrozenSet): void {
    this.save(cls);
    this.out.byte(EMPTY_LIST);
    this.items(set.items, APPENDS);
    this.out.byte(TUPLE1);
    if (this.fetchIfDone(set, POP, 2)) return;
    this.out.byte(REDUCE);
    this.memoize(set);
  }

  protected override global(global: PyGlobal): void {
    const { module, name } = global;
    const dot = name.lastIndexOf(".");
    if (dot > 0) {
      this.save(GETATTR);
      this.save(this.#parent(module, name.slice(0, dot)));
      this.save(name.slice(dot + 1));
      this.out.byte2(TUPLE2, REDUCE);
    } else {
      const names = this.protocol === 2 ? toPython2Name(module, name) : [module, name];
      this.out.byte(GLOBAL);
      for (const each of names) this.#nameLine(each);
    }
    this.memoize(global);
  }

  #parent(module: string, name: string): PyGlobal {
    if (name.split(".", MAX_NAME_PARTS).length === MAX_NAME_PARTS) {
      throw new PickleError("the name of a class has too many parts");
    }
    const key = `${module}\n${name}`;
    const parent = this.#parents.get(key) ?? new PyGlobal(module, name);
    this.#parents.set(key, parent);
    return parent;
  }

  #nameLine(name: string): void {
    if (name.includes("\n")) throw new PickleError("the name of a class has a line break");
    if (this.protocol === 2 && !isAscii(name)) {
      throw new PickleError("the name of a class or function is not ASCII, as Python 2 has it");
    }
    this.out.bytes(encodeUtf8(name));
    this.out.byte(0x0a);
  }

  /** As Python does it: `functools.partial(cls.__new__, cls, *args, **kwargs)()`. */
  protected override newWithKeywords(
    object: PyObject,
    temporary: boolean,
    { cls, args, kwargs }: Extract<PyConstruction, { kind: "newobj_ex" }>,
  ): boolean {
    const positional = args instanceof PyTuple ? args.items : [];
    const make = new PyObject({
      kind: "reduce",
      callable: GETATTR,
      args: new PyTuple([cls, "__new__"]),
    });
    const partial = new PyObject(
      { kind: "reduce", callable: PARTIAL, args: new PyTuple([make]) },
      [{
        kind: "build",
        state: new PyTuple([make, new PyTuple([cls, ...positional]), kwargs, null]),
      }],
    );
    return this.call(object, temporary, REDUCE, partial, new PyTuple([]));
  }
}
