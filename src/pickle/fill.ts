/**
 * Filling containers and objects after they were made, as the pickle machine does.
 *
 * @module
 */

import { equalityKey } from "./equality.ts";
import { PickleError } from "./error.ts";
import { distinct } from "./reduce.ts";
import { PyDict, PyObject, PySet, type PyValue } from "./values.ts";

/** Keys of the sets that get items more than once, so that each time only looks at the new. */
const keysOfSet = new WeakMap<PySet, Set<unknown>>();

/** `APPEND`, `APPENDS`: adds `items` to a list, or a step to an object. */
export function append(target: PyValue, items: PyValue[], offset: number): void {
  if (Array.isArray(target)) {
    for (const item of items) target.push(item);
  } else if (target instanceof PyObject) {
    if (items.length > 0) target.steps.push({ kind: "append", items });
  } else wrongTarget("items", target, offset);
}

/** `SETITEM`, `SETITEMS`, `DICT`: keys and values in turn, into a dict or onto an object. */
export function setItems(target: PyValue, items: PyValue[], offset: number): void {
  if (items.length % 2 !== 0) throw new PickleError("a dict has a key without a value", offset);
  if (target instanceof PyDict) {
    for (let at = 0; at < items.length; at += 2) {
      target.set(items[at] as PyValue, items[at + 1] as PyValue);
    }
  } else if (target instanceof PyObject) {
    const entries: [PyValue, PyValue][] = [];
    for (let at = 0; at < items.length; at += 2) {
      entries.push([items[at] as PyValue, items[at + 1] as PyValue]);
    }
    if (entries.length > 0) target.steps.push({ kind: "set", entries });
  } else wrongTarget("keys and values", target, offset);
}

/** `ADDITEMS`: adds `items` to a set, or a step to an object. */
export function addItems(target: PyValue, items: PyValue[], offset: number): void {
  if (target instanceof PySet && target.items.length === 0) {
    for (const item of distinct(items)) target.items.push(item);
  } else if (target instanceof PySet) {
    let keys = keysOfSet.get(target);
    if (keys === undefined) keysOfSet.set(target, keys = new Set(target.items.map(equalityKey)));
    for (const item of items) {
      const key = equalityKey(item);
      if (keys.has(key)) continue;
      keys.add(key);
      target.items.push(item);
    }
  } else if (target instanceof PyObject) {
    if (items.length > 0) target.steps.push({ kind: "add", items });
  } else wrongTarget("items", target, offset);
}

/** Refuses to put `what` into a value that Python would not put it into either. */
export function wrongTarget(what: string, target: PyValue, offset: number): never {
  const type = target === null
    ? "None"
    : typeof target === "object"
    ? target.constructor.name
    : typeof target;
  throw new PickleError(`${what} for a value that takes none (${type})`, offset);
}
