/**
 * What values consist of.
 *
 * @module
 */

import { StateSetterStep } from "./reduce.ts";
import { PyDict, PyFrozenSet, PyObject, PySet, PyTuple, type PyValue } from "./values.ts";

/** The values directly in `value`, in the order in which they are written. */
export function partsOf(value: PyValue): Iterable<PyValue> {
  if (Array.isArray(value)) return value;
  if (value instanceof PyTuple || value instanceof PySet || value instanceof PyFrozenSet) {
    return value.items;
  }
  if (value instanceof PyDict) return flat(value);
  if (value instanceof PyObject) return partsOfObject(value);
  return [];
}

function* partsOfObject({ construction, steps }: PyObject): Iterable<PyValue> {
  if (construction.kind === "reduce") {
    yield construction.callable;
    yield construction.args;
  } else {
    yield construction.cls;
    if (construction.kind === "inst") yield* construction.args;
    else yield construction.args;
    if (construction.kind === "newobj_ex") yield construction.kwargs;
  }
  for (const step of steps) {
    if (step instanceof StateSetterStep) yield step.setter;
    if (step.kind === "build") yield step.state;
    else if (step.kind === "set") yield* flat(step.entries);
    else yield* step.items;
  }
}

function* flat(entries: Iterable<readonly [PyValue, PyValue]>): Iterable<PyValue> {
  for (const [key, value] of entries) {
    yield key;
    yield value;
  }
}
