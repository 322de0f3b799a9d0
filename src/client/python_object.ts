/**
 * Objects of Python classes that JavaScript has no counterpart of.
 *
 * @module
 */

import { PyDict, PyGlobal, type PyObject, PyTuple } from "../pickle/mod.ts";
import type { PyValue } from "../pickle/mod.ts";

/** How Python makes an object. */
export let rawOf: (object: PythonObject) => PyObject | PyGlobal;

/**
 * An object of a Python class, or a class or function, as a result. It can be looked at, and it can be an argument of
 * another job, where it is that very object again.
 */
export class PythonObject {
  static {
    rawOf = (object) => object.#raw;
  }

  readonly #raw: PyObject | PyGlobal;
  readonly #convert: (value: PyValue) => unknown;

  /** @param convert Makes JavaScript of what stands in the object. */
  constructor(raw: PyObject | PyGlobal, convert: (value: PyValue) => unknown) {
    this.#raw = raw;
    this.#convert = convert;
  }

  /**
   * Module and name of its class (or of the function that makes it), "" where that has none; of
   * a class or function its own.
   */
  get className(): string {
    const raw = this.#raw;
    return raw instanceof PyGlobal ? `${raw.module}.${raw.name}` : raw.className;
  }

  /** Its attributes, as far as its pickle names them. */
  get attributes(): Record<string, unknown> {
    const attributes: Record<string, unknown> = {};
    if (this.#raw instanceof PyGlobal) return attributes;
    for (const step of this.#raw.steps) {
      if (step.kind !== "build") continue;
      const parts = step.state instanceof PyTuple ? step.state.items : [step.state];
      for (const part of parts) {
        if (!(part instanceof PyDict)) continue;
        for (const [name, value] of part) {
          if (typeof name === "string") setOwn(attributes, name, this.#convert(value));
        }
      }
    }
    return attributes;
  }
}

/** `object[key] = value`, for keys of strangers: `__proto__` is a key like any other. */
export function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(object, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
