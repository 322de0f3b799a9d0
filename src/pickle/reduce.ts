/**
 * Calls that pickles of older protocols make to build Python's own value types.
 *
 * @module
 */

import { equalityKey } from "./equality.ts";
import { encodeUtf8, isAscii } from "./text.ts";
import {
  PyByteArray,
  PyFrozenSet,
  PyGlobal,
  PyObject,
  PySet,
  PyTuple,
  type PyValue,
} from "./values.ts";

/**
 * What `callable(*args)` makes: a value of Python's own where that is exactly what the call
 * means (`bytes`, `bytearray`, `set`, `frozenset`, for which protocols 0 to 4 lack opcodes),
 * else the call itself as an inert object.
 *
 * @param isOld Whether Python 2 may have written it.
 */
export function reduce(callable: PyValue, args: PyTuple, isOld: boolean): PyValue {
  if (!(callable instanceof PyGlobal)) return new PyObject({ kind: "reduce", callable, args });
  const own = ownValue(callable, args.items);
  if (own !== undefined) return own;
  const isPacked = isOld && callable.module === "datetime";
  return new PyObject({ kind: "reduce", callable, args: isPacked ? packedTime(args) : args });
}

/** Python 2's dates and times are made of a `str` that may look like text; Python 3 wants bytes. */
function packedTime(args: PyTuple): PyTuple {
  const [packed, ...more] = args.items;
  const isText = typeof packed === "string" && isAscii(packed);
  return isText ? new PyTuple([encodeUtf8(packed), ...more]) : args;
}

function ownValue(callable: PyGlobal, args: readonly PyValue[]): PyValue | undefined {
  const [first, second] = args;
  if (callable.module === "builtins") {
    switch (callable.name) {
      case "bytes":
        return args.length === 0 ? new Uint8Array(0) : undefined;
      case "bytearray": {
        if (args.length === 0) return new PyByteArray(new Uint8Array(0));
        const bytes = args.length === 1 && first instanceof Uint8Array
          ? first
          : args.length === 2
          ? fromLatin1(first, second)
          : undefined;
        return bytes && new PyByteArray(bytes);
      }
      case "set":
        return args.length === 1 && Array.isArray(first) ? new PySet(distinct(first)) : undefined;
      case "frozenset":
        return args.length === 1 && Array.isArray(first)
          ? new PyFrozenSet(distinct(first))
          : undefined;
    }
  } else if (callable.module === "_codecs" && callable.name === "encode" && args.length === 2) {
    return fromLatin1(first, second);
  }
  return undefined;
}

/** The bytes that Python gets from `text.encode(encoding)` if the encoding is Latin-1. */
function fromLatin1(text: PyValue | undefined, encoding: PyValue | undefined) {
  if (typeof text !== "string" || (encoding !== "latin1" && encoding !== "latin-1")) return;
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0xff) return undefined;
    bytes[at] = code;
  }
  return bytes;
}

/** The items without those equal to an earlier one. */
export function distinct(items: readonly PyValue[]): PyValue[] {
  const seen = new Set<unknown>();
  return items.filter((item) => {
    const key = equalityKey(item);
    return !seen.has(key) && seen.add(key);
  });
}

/**
 * A `state_setter(object, state)` of Python 3.8 and newer, in place of `BUILD`: the sixth item
 * of what `__reduce__` returns. To readers of steps it is a `build` step like any other.
 */
export class StateSetterStep {
  readonly kind = "build";
  constructor(public readonly state: PyValue, public readonly setter: PyValue) {}
}
