/**
 * Values of Python as values of JavaScript: results of jobs.
 *
 * | Python                                   | JavaScript                                    |
 * | ---------------------------------------- | --------------------------------------------- |
 * | `None`                                   | `null`                                        |
 * | `bool`                                   | `boolean`                                     |
 * | `int`                                    | `number` if it is safe there, else `bigint`   |
 * | `float`                                  | `number`                                      |
 * | `str`                                    | `string`                                      |
 * | `bytes`, `bytearray`                     | `Uint8Array`                                  |
 * | `list`, `tuple`                          | `Array`                                       |
 * | `dict`, `OrderedDict`, `defaultdict`     | object if all keys are strings, else `Map`    |
 * | `set`, `frozenset`                       | `Set`                                         |
 * | `datetime.datetime` with a time zone     | `Date`                                        |
 * | all others                               | `PythonObject`                                |
 *
 * Nothing that a pickle names is ever imported or called.
 *
 * @module
 */

import {
  loads,
  PickleError,
  PyByteArray,
  PyDict,
  PyFrozenSet,
  PyObject,
  PySet,
  PyTuple,
} from "../pickle/mod.ts";
import type { PyValue } from "../pickle/mod.ts";
import { ResultUnreadableError } from "./errors.ts";
import { PythonObject, setOwn } from "./python_object.ts";

/** What a Python function can return, by the table above. */
export type PythonOutput =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | PythonObject
  | PythonOutput[]
  | Map<PythonOutput, PythonOutput>
  | Set<PythonOutput>
  | { [key: string]: PythonOutput };

/**
 * Reads a result.
 *
 * @throws {ResultUnreadableError} Where it is no pickle, or one past the limits for pickles.
 */
export function readPythonResult(pickle: Uint8Array): PythonOutput {
  let value: PyValue;
  try {
    value = loads(pickle);
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    throw new ResultUnreadableError(`the result cannot be read: ${error.message}`, {
      cause: error,
    });
  }
  return fromPython(value);
}

/** The value of JavaScript for a Python value, by the table above. */
export function fromPython(value: PyValue): PythonOutput {
  return new Converter().convert(value);
}

/** Dicts of the standard library, which add nothing that survives in JavaScript. */
const DICT_CLASSES: ReadonlySet<string> = new Set([
  "collections.OrderedDict",
  "collections.defaultdict",
]);

class Converter {
  readonly #done = new Map<object, PythonOutput>();

  convert(value: PyValue): PythonOutput {
    if (typeof value === "bigint") {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : value;
    }
    if (typeof value !== "object" || value === null) return value;
    const done = this.#done.get(value);
    if (done !== undefined) return done;
    return this.#object(value);
  }

  #object(value: Exclude<PyValue, null | boolean | bigint | number | string>): PythonOutput {
    const keep = <T extends PythonOutput>(made: T): T => {
      this.#done.set(value, made);
      return made;
    };
    if (value instanceof Uint8Array) return keep(value);
    if (value instanceof PyByteArray) return keep(value.bytes);
    if (value instanceof PyDict) return this.#dict(value, [...value]);
    if (value instanceof PySet || value instanceof PyFrozenSet) {
      const set: Set<PythonOutput> = keep(new Set<PythonOutput>());
      for (const item of value.items) set.add(this.convert(item));
      return set;
    }
    if (value instanceof PyTuple || Array.isArray(value)) {
      const list: PythonOutput[] = keep([]);
      for (const item of value instanceof PyTuple ? value.items : value) {
        list.push(this.convert(item));
      }
      return list;
    }
    if (value instanceof PyObject) {
      const date = toDate(value);
      if (date !== null) return keep(date);
      if (DICT_CLASSES.has(value.className)) {
        const entries = value.steps.flatMap((step) => step.kind === "set" ? step.entries : []);
        return this.#dict(value, entries);
      }
      return keep(new PythonObject(value, fromPython));
    }
    return keep(new PythonObject(value, fromPython));
  }

  #dict(identity: object, entries: readonly [PyValue, PyValue][]): PythonOutput {
    if (entries.every(([key]) => typeof key === "string")) {
      const object: { [key: string]: PythonOutput } = {};
      this.#done.set(identity, object);
      for (const [key, item] of entries) setOwn(object, key as string, this.convert(item));
      return object;
    }
    const map = new Map<PythonOutput, PythonOutput>();
    this.#done.set(identity, map);
    for (const [key, item] of entries) map.set(this.convert(key), this.convert(item));
    return map;
  }
}

/** Microseconds in a millisecond. */
const MICROS_PER_MS = 1000;

/** The moment that a `datetime.datetime` with a time zone of a fixed offset names, else `null`. */
function toDate(value: PyObject): Date | null {
  if (value.className !== "datetime.datetime" || value.steps.length > 0) return null;
  const [fields, zone] = argumentsOf(value);
  if (!(fields instanceof Uint8Array) || fields.length !== 10) return null;
  const offsetMs = zoneOffsetMs(zone);
  if (offsetMs === null) return null;
  const [high, low, month, day, hour, minute, second, m1, m2, m3] = fields as unknown as number[];
  const micros = (m1! << 16) | (m2! << 8) | m3!;
  const date = new Date(0);
  // Date.UTC would take the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear((high! << 8) | low!, (month! & 0x7f) - 1, day!);
  date.setUTCHours(hour!, minute!, second!, Math.floor(micros / MICROS_PER_MS));
  return new Date(date.getTime() - offsetMs);
}

function zoneOffsetMs(zone: PyValue | undefined): number | null {
  if (!(zone instanceof PyObject) || zone.className !== "datetime.timezone") return null;
  const [delta] = argumentsOf(zone);
  if (!(delta instanceof PyObject) || delta.className !== "datetime.timedelta") return null;
  const [days, seconds, micros] = argumentsOf(delta).map(Number);
  if (days === undefined || seconds === undefined || micros === undefined) return null;
  return (days * 86_400 + seconds) * 1000 + micros / MICROS_PER_MS;
}

function argumentsOf({ construction }: PyObject): readonly PyValue[] {
  const { args } = construction;
  return args instanceof PyTuple ? args.items : Array.isArray(args) ? args : [];
}
