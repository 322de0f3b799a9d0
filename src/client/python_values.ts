/**
 * Values of JavaScript as values of Python: arguments on their way to jobs.
 *
 * | JavaScript                                  | Python                          |
 * | ------------------------------------------- | ------------------------------- |
 * | `null`, `undefined`                         | `None`                          |
 * | `boolean`                                   | `bool`                          |
 * | `bigint`, a number that is a safe integer   | `int`                           |
 * | every other number, {@linkcode pyFloat}     | `float`                         |
 * | `string`                                    | `str`                           |
 * | `Uint8Array`, `ArrayBuffer`                 | `bytes`                         |
 * | {@linkcode pyByteArray}                     | `bytearray`                     |
 * | `Array`, other typed arrays                 | `list`                          |
 * | {@linkcode pyTuple}                         | `tuple`                         |
 * | `Map`, plain objects                        | `dict`                          |
 * | `Set`                                       | `set`                           |
 * | {@linkcode pyFrozenSet}                     | `frozenset`                     |
 * | `Date`                                      | `datetime.datetime`, in UTC     |
 * | {@linkcode PythonObject}, from a result     | that very object                |
 *
 * What is shared or cyclic stays so. Everything else is an `UnsupportedValueError` that says
 * where the value stands.
 *
 * @module
 */

import {
  MAX_DEPTH,
  PyByteArray,
  PyDict,
  PyFrozenSet,
  PyGlobal,
  PyObject,
  PySet,
  PyTuple,
} from "../pickle/mod.ts";
import type { PyValue } from "../pickle/mod.ts";
import { UnsupportedValueError } from "./errors.ts";
import { PythonObject, rawOf } from "./python_object.ts";

/** What can be an argument of a Python function. */
export type PythonInput =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | ArrayBuffer
  | ArrayBufferView
  | Date
  | PythonForm
  | PythonObject
  | readonly PythonInput[]
  | ReadonlyMap<PythonInput, PythonInput>
  | ReadonlySet<PythonInput>
  | { readonly [key: string]: PythonInput };

/** A value that is to have a certain type in Python: made by `pyFloat`, `pyTuple` and the like. */
export class PythonForm {
  /** @param toPython Makes the value, with `convert` for its parts. */
  constructor(readonly toPython: (convert: (part: unknown, key: string) => PyValue) => PyValue) {}
}

/** A Python `float`, where JavaScript knows no difference: `pyFloat(1)` is `1.0`. */
export function pyFloat(value: number): PythonForm {
  return new PythonForm(() => value);
}

/** A Python `tuple`. */
export function pyTuple(...items: readonly PythonInput[]): PythonForm {
  return new PythonForm((convert) =>
    new PyTuple(items.map((item, index) => convert(item, `[${index}]`)))
  );
}

/** A Python `frozenset`. */
export function pyFrozenSet(items: Iterable<PythonInput>): PythonForm {
  return new PythonForm((convert) =>
    new PyFrozenSet([...new Set(items)].map((item) => convert(item, "{…}")))
  );
}

/** A Python `bytearray`. */
export function pyByteArray(bytes: Uint8Array): PythonForm {
  return new PythonForm(() => new PyByteArray(bytes));
}

/**
 * The Python value for a value of JavaScript, by the table above.
 *
 * @param what Names the value in errors.
 * @throws {UnsupportedValueError} Where something in it has no counterpart.
 */
export function toPython(value: unknown, what: string): PyValue {
  return new Converter().convert(value, what, 0);
}

/** A value that is being made: it may be met again only once it is there. */
const UNDER_WAY = Symbol("under way");

class Converter {
  readonly #done = new Map<object, PyValue | typeof UNDER_WAY>();

  convert(value: unknown, path: string, depth: number): PyValue {
    switch (typeof value) {
      case "undefined":
        return null;
      case "boolean":
      case "bigint":
      case "string":
        return value;
      case "number":
        return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
      case "object":
        return value === null ? null : this.#object(value, path, depth);
      default:
        throw unsupported(path, `a ${typeof value}`);
    }
  }

  #object(value: object, path: string, depth: number): PyValue {
    const done = this.#done.get(value);
    if (done === UNDER_WAY) throw unsupported(path, "a tuple or frozenset that contains itself");
    if (done !== undefined) return done;
    if (depth >= MAX_DEPTH) {
      throw unsupported(path.slice(0, 40) + "…", `more than ${MAX_DEPTH} levels of values`);
    }
    const part = (item: unknown, key: string) => this.convert(item, path + key, depth + 1);
    const keep = <T extends PyValue>(made: T): T => {
      this.#done.set(value, made);
      return made;
    };
    if (value instanceof PythonForm) {
      this.#done.set(value, UNDER_WAY);
      return keep(value.toPython(part));
    }
    if (value instanceof PythonObject) return keep(rawOf(value));
    if (value instanceof Uint8Array) return keep(value);
    if (value instanceof ArrayBuffer) return keep(new Uint8Array(value));
    if (value instanceof Date) return keep(toDatetime(value, path));
    if (ArrayBuffer.isView(value)) return keep(toNumbers(value, path));
    if (Array.isArray(value)) {
      const list: PyValue[] = keep([]);
      // By index, as forEach would leave out what is not there.
      for (let at = 0; at < value.length; at++) list.push(part(value[at], `[${at}]`));
      return list;
    }
    if (value instanceof Map) {
      const dict = keep(new PyDict());
      for (const [key, item] of value) {
        dict.set(part(key, " key"), part(item, `[${keyText(key)}]`));
      }
      return dict;
    }
    if (value instanceof Set) {
      const set = keep(new PySet());
      for (const item of value) set.items.push(part(item, "{…}"));
      return set;
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    // Plain objects of another realm have another Object.prototype, which has none itself.
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
      throw unsupported(path, `an object of class ${value.constructor?.name || "(no name)"}`);
    }
    const dict = keep(new PyDict());
    for (const [key, item] of Object.entries(value)) dict.set(key, part(item, `.${key}`));
    return dict;
  }
}

function keyText(key: unknown): string {
  return typeof key === "string" ? JSON.stringify(key) : typeof key === "number" ? `${key}` : "…";
}

function toNumbers(view: ArrayBufferView, path: string): PyValue[] {
  if (view instanceof DataView) throw unsupported(path, "a DataView");
  const isFloat = /^Float/.test(view.constructor.name);
  const numbers = view as unknown as ArrayLike<number | bigint>;
  return Array.from(numbers, (number) => isFloat ? Number(number) : BigInt(number));
}

/** What `pickle` writes for a `datetime.datetime`: its fields as bytes, and its time zone. */
function toDatetime(date: Date, path: string): PyValue {
  const year = date.getUTCFullYear();
  if (Number.isNaN(year)) throw unsupported(path, "an invalid Date");
  if (year < 1 || year > 9999) throw unsupported(path, "a Date beyond the years 1 to 9999");
  const micros = date.getUTCMilliseconds() * 1000;
  const fields = Uint8Array.of(
    year >> 8,
    year & 0xff,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    micros >> 16,
    (micros >> 8) & 0xff,
    micros & 0xff,
  );
  const zero = reduced("timedelta", [0n, 0n, 0n]);
  return reduced("datetime", [fields, reduced("timezone", [zero])]);
}

function reduced(name: string, args: PyValue[]): PyObject {
  const callable = new PyGlobal("datetime", name);
  return new PyObject({ kind: "reduce", callable, args: new PyTuple(args) });
}

function unsupported(path: string, what: string): UnsupportedValueError {
  return new UnsupportedValueError(
    `${path}: ${what} has no counterpart in Python; ` +
      "give numbers, strings, bytes, arrays, maps, sets or plain objects",
  );
}
