import {
  PyByteArray,
  PyDict,
  PyFrozenSet,
  PyGlobal,
  PyObject,
  PySet,
  PyTuple,
  type PyValue,
} from "../../../src/pickle/mod.ts";

/**
 * Text that is the same for two values if and only if they are the same graph: equal types
 * and contents, shared and cyclic in the same places (`$n` is the n-th value with identity).
 */
export function describe(value: PyValue): string {
  const numbers = new Map<object, number>();

  function list(items: readonly PyValue[]): string {
    return items.map(text).join(", ");
  }

  function entries(dict: Iterable<[PyValue, PyValue]>): string {
    return [...dict].map(([key, value]) => `${text(key)}: ${text(value)}`).join(", ");
  }

  function object({ construction, steps }: PyObject): string {
    const { kind, ...parts } = construction;
    const made = Object.values(parts).map((part) => Array.isArray(part) ? list(part) : text(part));
    const filled = steps.map((step) => {
      switch (step.kind) {
        case "build":
          return `build ${"setter" in step ? text(step.setter as PyValue) : ""}${text(step.state)}`;
        case "set":
          return `set ${entries(step.entries)}`;
        default:
          return `${step.kind} ${list(step.items)}`;
      }
    });
    return `${kind}(${made.join("; ")})${filled.map((step) => `.${step}`).join("")}`;
  }

  function text(value: PyValue): string {
    if (value === null) return "None";
    if (typeof value === "string") return JSON.stringify(value);
    if (typeof value === "bigint") return `${value}`;
    if (typeof value === "number") return `float ${Object.is(value, -0) ? "-0" : value}`;
    if (typeof value === "boolean") return value ? "True" : "False";
    if (value instanceof PyTuple && value.items.length === 0) return "()";
    const number = numbers.get(value);
    if (number !== undefined) return `$${number}`;
    numbers.set(value, numbers.size);
    if (value instanceof Uint8Array) return `b'${value.toHex()}'`;
    if (value instanceof PyByteArray) return `bytearray '${value.bytes.toHex()}'`;
    if (Array.isArray(value)) return `[${list(value)}]`;
    if (value instanceof PyTuple) return `(${list(value.items)})`;
    if (value instanceof PyDict) return `{${entries(value)}}`;
    if (value instanceof PySet) return `set {${list(value.items)}}`;
    if (value instanceof PyFrozenSet) return `frozenset {${list(value.items)}}`;
    if (value instanceof PyGlobal) return `<${value.module}.${value.name}>`;
    return object(value);
  }

  return text(value);
}

/** The bytes of a pickle written as text: `\x80` and the like for what is not ASCII. */
export function pickle(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
