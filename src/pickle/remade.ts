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

const temporaries = new WeakMap<PyObject, ReadonlySet<object>>();

/** All of them: each belongs to one object, and so is looked at once. */
const known = new WeakSet<object>();

/** Notes what differs between two makings of an object, the one kept and the one dropped. */
export function noteRemade(kept: PyObject, dropped: PyObject): void {
  if (kept === dropped || temporaries.has(kept)) return;
  const found = new Set<object>();
  const pairs: [kept: PyValue, dropped: PyValue][] = [];
  let pair: [PyValue, PyValue] | undefined = [kept, dropped];
  for (; pair !== undefined; pair = pairs.pop()) {
    const others = partsOf(pair[1])[Symbol.iterator]();
    for (const part of partsOf(pair[0])) {
      const { done, value: other } = others.next();
      if (done) break;
      if (part === other || part === kept || !isContainer(part) || known.has(part)) continue;
      known.add(part);
      found.add(part);
      pairs.push([part, other]);
    }
  }
  temporaries.set(kept, found);
}

function isContainer(value: PyValue): value is PyValue[] | PyTuple | PyDict | PySet | PyObject {
  return Array.isArray(value) || value instanceof PyTuple || value instanceof PyDict ||
    value instanceof PySet || value instanceof PyObject;
}

/** What is to be made anew each time that the making of `object` is begun, if anything is. */
export function temporariesOf(object: PyObject): ReadonlySet<object> | undefined {
  return temporaries.get(object);
}
