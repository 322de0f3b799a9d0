import { AssertionError } from "@std/assert/assertion_error.js";
import { PyByteArray, PyDict, PyFrozenSet, PyGlobal } from "../../../src/pickle/mod.ts";
import { PyObject, PySet, PyTuple } from "../../../src/pickle/mod.ts";
import { WireError } from "../../../src/wire/mod.ts";
import type { WireErrorKind } from "../../../src/wire/mod.ts";

/** Checks that `action` throws a {@linkcode WireError} of that kind, and returns it. */
export async function assertWireError(
  kind: WireErrorKind,
  action: () => unknown,
): Promise<WireError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof WireError && error.kind === kind) return error;
    throw error;
  }
  throw new AssertionError(`expected a WireError "${kind}", but nothing was thrown`);
}

/** Checks that bytes are the same; unlike a deep comparison, it is quick about large ones. */
export function assertBytes(actual: Uint8Array, expected: Uint8Array): void {
  const at = expected.findIndex((byte, i) => byte !== actual[i]);
  if (at < 0 && actual.length === expected.length) return;
  throw new AssertionError(
    `${actual.length} bytes for ${expected.length}, first difference at ${at}`,
  );
}

/**
 * `value` with all Python values in it made plain, so that deep comparison sees their content and
 * keeps types apart. Inside itself, a value is the number of levels up to where it begins.
 */
export function plain(value: unknown, around: readonly unknown[] = []): unknown {
  if (typeof value !== "object" || value === null) return value;
  const levelsUp = around.toReversed().indexOf(value);
  if (levelsUp >= 0) return { levelsUp };
  const inner = (part: unknown) => plain(part, [...around, value]);
  if (value instanceof Uint8Array) return { bytes: Array.from(value) };
  if (value instanceof PyByteArray) return { bytearray: Array.from(value.bytes) };
  if (value instanceof PyTuple) return { tuple: value.items.map(inner) };
  if (value instanceof PySet) return { set: value.items.map(inner) };
  if (value instanceof PyFrozenSet) return { frozenset: value.items.map(inner) };
  if (value instanceof PyGlobal) return { global: `${value.module}.${value.name}` };
  if (value instanceof PyDict) {
    return { dict: [...value].map(([key, item]) => [inner(key), inner(item)]) };
  }
  if (value instanceof PyObject) {
    return { construction: inner(value.construction), steps: value.steps.map(inner) };
  }
  if (Array.isArray(value)) return value.map(inner);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(item)]));
}

/** `message`, which has to be of that kind. */
export function ofKind<T extends { kind: string }, K extends T["kind"]>(
  message: T,
  kind: K,
): Extract<T, { kind: K }> {
  if (message.kind !== kind) throw new AssertionError(`expected ${kind}, got ${message.kind}`);
  return message as Extract<T, { kind: K }>;
}
