/**
 * How an instance of a plain Python class travels: `cls.__new__(cls)`, then `BUILD` with its
 * attributes.
 *
 * @module
 */

import { PyDict, PyGlobal, PyObject, PyTuple } from "../../pickle/mod.ts";
import type { PyValue } from "../../pickle/mod.ts";
import { WireError } from "../errors.ts";

/**
 * The attributes of an instance of any class.
 *
 * The state is a dict, or, for classes with `__slots__`, a tuple of a dict or `None` and a dict
 * of the slots.
 *
 * @param what Names the value in errors.
 * @throws {WireError} `malformed` where `value` is no instance with attributes.
 */
export function instanceAttributes(value: PyValue, what: string): PyDict {
  if (!(value instanceof PyObject)) throw new WireError("malformed", `${what}: must be an object`);
  const dicts: PyDict[] = [];
  for (const step of value.steps) {
    if (step.kind !== "build") continue;
    const parts = step.state instanceof PyTuple ? step.state.items : [step.state];
    for (const part of parts) {
      if (part instanceof PyDict) dicts.push(part);
      else if (part !== null) {
        throw new WireError("malformed", `${what}: its state must be a dict of attributes`);
      }
    }
  }
  const only = dicts[0];
  if (only !== undefined && dicts.length === 1) return only;
  const merged = new PyDict();
  for (const dict of dicts) {
    for (const [name, attribute] of dict) merged.set(name, attribute);
  }
  return merged;
}

/**
 * The attributes of an instance of exactly the class `dispy.<name>`.
 *
 * @throws {WireError} `malformed` where `value` is anything else.
 */
export function dispyAttributes(value: PyValue, name: string): PyDict {
  if (!(value instanceof PyObject) || value.className !== "dispy." + name) {
    throw new WireError("malformed", `expected an instance of dispy.${name}`);
  }
  return instanceAttributes(value, name);
}

/** The class `dispy.<name>`. */
export function dispyClass(name: string): PyGlobal {
  return new PyGlobal("dispy", name);
}

/** Whether an instance's state came apart, as that of a class with `__slots__` does. */
export function hasSlotState(value: PyObject): boolean {
  return value.steps.some((step) => step.kind === "build" && step.state instanceof PyTuple);
}

/** An instance of `cls`, a class with `__slots__`: Python sets one attribute after the other. */
export function slotInstanceOf(cls: PyValue, attributes: PyDict): PyObject {
  return new PyObject(
    { kind: "newobj", cls, args: new PyTuple([]) },
    [{ kind: "build", state: new PyTuple([null, attributes]) }],
  );
}

/** An instance of `cls` with the given attributes, as CPython itself would write it. */
export function instanceOf(cls: PyValue, attributes: PyDict): PyObject {
  return new PyObject(
    { kind: "newobj", cls, args: new PyTuple([]) },
    [{ kind: "build", state: attributes }],
  );
}

/** The entries of `attributes` that are not in `known`, or `null` if there are none. */
export function extraAttributes(attributes: PyDict, known: ReadonlySet<PyValue>): PyDict | null {
  let extra: PyDict | null = null;
  for (const [name, value] of attributes) {
    if (!known.has(name)) (extra ??= new PyDict()).set(name, value);
  }
  return extra;
}

/** Adds to `attributes` what {@linkcode extraAttributes} had set aside. */
export function addExtra(attributes: PyDict, extra: PyDict | null): PyDict {
  if (extra !== null) {
    for (const [name, value] of extra) attributes.set(name, value);
  }
  return attributes;
}
