/**
 * Objects that contain themselves in the arguments they are made with.
 *
 * To pickle such an object Python starts on it, meets it again within its own arguments, and
 * then makes it there for good; the one that was begun first is dropped. Each time it asks the
 * object how to be made, and may be given other lists and dicts: copies made for the occasion.
 * The writer has only those of the object that was kept, so it needs to know that they are to
 * be made anew too: the object would otherwise be made from one that is not filled yet.
 *
 * @module
 */

import { partsOf } from "./parts.ts";
import { PyDict, PyObject, PySet, PyTuple, type PyValue } from "./values.ts";

const temporaries = new WeakMap<PyObject, readonly object[]>();

/** Notes what differs between two makings of an object, the one kept and the one dropped. */
export function noteRemade(kept: PyObject, dropped: PyObject): void {
  if (kept === dropped || temporaries.has(kept)) return;
  const found = new Set<object>();
  const pairs: [kept: PyValue, dropped: PyValue][] = [];
  const addParts = (kept: PyValue, dropped: PyValue) => {
    const others = partsOf(dropped);
    partsOf(kept).forEach((part, at) => {
      const other = others[at];
      if (other !== undefined) pairs.push([part, other]);
    });
  };
  addParts(kept, dropped);
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [part, other] = pair;
    if (part === other || part === kept) continue;
    const isContainer = Array.isArray(part) || part instanceof PyTuple ||
      part instanceof PyDict || part instanceof PySet || part instanceof PyObject;
    if (!isContainer || found.has(part)) continue;
    found.add(part);
    addParts(part, other);
  }
  temporaries.set(kept, [...found]);
}

/** What is to be made anew each time that the making of `object` is begun. */
export function temporariesOf(object: PyObject): readonly object[] {
  return temporaries.get(object) ?? [];
}
