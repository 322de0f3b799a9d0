/**
 * What values consist of.
 *
 * @module
 */

import { StateSetterStep } from "./reduce.ts";
import { PyDict, PyFrozenSet, PyObject, PySet, PyTuple, type PyValue } from "./values.ts";

/** The values directly in `value`, in the order in which they are written. */
export function partsOf(value: PyValue): readonly PyValue[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value;
  if (value instanceof PyTuple || value instanceof PySet || value instanceof PyFrozenSet) {
    return value.items;
  }
  if (value instanceof PyDict) return [...value].flat() as PyValue[];
  if (value instanceof PyObject) return partsOfObject(value);
  return [];
}

function partsOfObject({ construction, steps }: PyObject): PyValue[] {
  const parts = construction.kind === "reduce"
    ? [construction.callable, construction.args]
    : construction.kind === "inst"
    ? [construction.cls, ...construction.args]
    : [construction.cls, construction.args];
  if (construction.kind === "newobj_ex") parts.push(construction.kwargs);
  for (const step of steps) {
    if (step instanceof StateSetterStep) parts.push(step.setter);
    if (step.kind === "build") parts.push(step.state);
    else {for (const item of step.kind === "set" ? step.entries.flat() : step.items) {
        parts.push(item);
      }}
  }
  return parts;
}
