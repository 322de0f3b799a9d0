/**
 * Python values as inert JavaScript values.
 *
 * Reading a pickle never imports, looks up or calls anything: every object that is not one of
 * Python's own value types stays a {@linkcode PyObject}, a record of how Python would have
 * rebuilt it, which the writer can write back unchanged.
 *
 * | Python          | here                                                    |
 * | --------------- | ------------------------------------------------------- |
 * | `None`          | `null`                                                  |
 * | `bool`          | `boolean`                                               |
 * | `int`           | `bigint` (whatever its size: `1` and `1.0` stay apart)  |
 * | `float`         | `number`                                                |
 * | `str`           | `string` (lone surrogates included)                     |
 * | `bytes`         | `Uint8Array` (often a view into the message, not a copy)|
 * | `bytearray`     | {@linkcode PyByteArray}                                 |
 * | `list`          | `Array`                                                 |
 * | `tuple`         | {@linkcode PyTuple}                                     |
 * | `dict`          | {@linkcode PyDict}                                      |
 * | `set`           | {@linkcode PySet}                                       |
 * | `frozenset`     | {@linkcode PyFrozenSet}                                 |
 * | class, function | {@linkcode PyGlobal}                                    |
 * | all others      | {@linkcode PyObject}                                    |
 *
 * Python 2's `unicode` is `str` here, as it is in Python 3. Its own `str` is read as text where it
 * is ASCII, as Python 3 does, and as bytes elsewhere, where Python 3 refuses the whole pickle.
 *
 * Values with identity (everything but `null`, booleans, numbers and strings) that a pickle
 * shares or that contain themselves are shared, or cyclic, here too.
 *
 * @module
 */

import { equalityKey } from "./equality.ts";

/** Any Python value, see the table at the top of this module. */
export type PyValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | PyByteArray
  | PyValue[]
  | PyTuple
  | PyDict
  | PySet
  | PyFrozenSet
  | PyGlobal
  | PyObject;

/** A Python `bytearray`: like `bytes`, but mutable, and a type of its own. */
export class PyByteArray {
  constructor(public bytes: Uint8Array) {}
}

/** A Python `tuple`. */
export class PyTuple {
  constructor(public readonly items: PyValue[]) {}
}

/** A Python `set`; `items` in the order in which the pickle had them, without repeats. */
export class PySet {
  constructor(public readonly items: PyValue[] = []) {}
}

/** A Python `frozenset`; `items` in the order in which the pickle had them. */
export class PyFrozenSet {
  constructor(public readonly items: PyValue[]) {}
}

/** A class or function that a pickle names by module and qualified name. Never looked up. */
export class PyGlobal {
  constructor(public readonly module: string, public readonly name: string) {}
}

/**
 * A Python `dict`, in insertion order.
 *
 * Keys of the types `str`, `int`, `bool`, `float`, `None` and `bytes` (up to 1 KiB) follow
 * Python's equality (`1 == 1.0 == True` are one key, and each NaN is a key of its own); keys of
 * all other types are compared by identity, so that no user class ever needs to be understood.
 */
export class PyDict {
  /** Made with the first entry: a pickle of nothing but empty dicts must stay cheap. */
  #entries: Map<unknown, [key: PyValue, value: PyValue]> | undefined;

  /** A dict with string keys from a plain object's own properties, in their order. */
  static from(properties: Readonly<Record<string, PyValue>>): PyDict {
    const dict = new PyDict();
    for (const key of Object.keys(properties)) dict.set(key, properties[key] as PyValue);
    return dict;
  }

  /** Number of entries. */
  get size(): number {
    return this.#entries?.size ?? 0;
  }

  /** The value under `key`, or `undefined` where there is none. */
  get(key: PyValue): PyValue | undefined {
    return this.#entries?.get(equalityKey(key))?.[1];
  }

  /** Whether `key` is present. */
  has(key: PyValue): boolean {
    return this.#entries?.has(equalityKey(key)) ?? false;
  }

  /** Sets `dict[key] = value`; as in Python, an equal key that is there already stays the key. */
  set(key: PyValue, value: PyValue): this {
    const lookup = equalityKey(key);
    const entries = this.#entries ??= new Map();
    const entry = entries.get(lookup);
    if (entry === undefined) entries.set(lookup, [key, value]);
    else entry[1] = value;
    return this;
  }

  /** Removes `key`; tells whether it was present. */
  delete(key: PyValue): boolean {
    return this.#entries?.delete(equalityKey(key)) ?? false;
  }

  /** The entries as `[key, value]` pairs in insertion order. */
  entries(): IterableIterator<[key: PyValue, value: PyValue]> {
    return this.#entries === undefined ? [].values() : this.#entries.values();
  }

  [Symbol.iterator](): IterableIterator<[key: PyValue, value: PyValue]> {
    return this.entries();
  }
}

/** One step by which Python fills an object that has just been made. */
export type PyObjectStep =
  /** `BUILD`: `__setstate__(state)`, or the state's items become attributes. */
  | { readonly kind: "build"; readonly state: PyValue }
  /** `APPEND`, `APPENDS`: a list (sub)class gets items. */
  | { readonly kind: "append"; readonly items: PyValue[] }
  /** `SETITEM`, `SETITEMS`: a dict (sub)class, or anything with `__setitem__`, gets items. */
  | { readonly kind: "set"; readonly entries: [key: PyValue, value: PyValue][] }
  /** `ADDITEMS`: a set (sub)class gets items. */
  | { readonly kind: "add"; readonly items: PyValue[] };

/** How Python makes the object before it is filled. */
export type PyConstruction =
  /** `REDUCE`: `callable(*args)`. */
  | { readonly kind: "reduce"; readonly callable: PyValue; readonly args: PyValue }
  /** `NEWOBJ`: `cls.__new__(cls, *args)`. */
  | { readonly kind: "newobj"; readonly cls: PyValue; readonly args: PyValue }
  /** `NEWOBJ_EX`: `cls.__new__(cls, *args, **kwargs)`. */
  | {
    readonly kind: "newobj_ex";
    readonly cls: PyValue;
    readonly args: PyValue;
    readonly kwargs: PyValue;
  }
  /** `INST`, `OBJ` of protocols 0 and 1: `cls(*args)`, or a bare instance of a classic class. */
  | { readonly kind: "inst"; readonly cls: PyValue; readonly args: PyValue[] };

/**
 * An object of a class that this program does not know: how Python makes it and, in order,
 * how it is filled. Writing it gives a pickle that makes Python do the same again.
 */
export class PyObject {
  constructor(
    public readonly construction: PyConstruction,
    public readonly steps: PyObjectStep[] = [],
  ) {}

  /** `module.name` of the class (or of the callable) if that is a plain global, else "". */
  get className(): string {
    const cls = this.construction.kind === "reduce"
      ? this.construction.callable
      : this.construction.cls;
    return cls instanceof PyGlobal ? `${cls.module}.${cls.name}` : "";
  }
}
