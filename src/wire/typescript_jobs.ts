/**
 * TypeScript functions as dispy computations: what our client and our nodes add to dispy's
 * protocol, where dispy itself has Python alone.
 *
 * A node that runs TypeScript says so in its platform, which clients can ask for. The computation
 * is one of dispy's functions (`ComputeType.Function`) whose code is an ES module behind a first
 * line that no Python compiles, so that a Python node refuses it. Arguments, results and
 * provisional results are the bytes of `node:v8`'s `serialize` within a pickle, so that the
 * scheduler and dispy's own messages carry them like any other.
 *
 * @module
 */

import { deserialize, serialize } from "node:v8";
import { dumps, loads, PickleError, PyByteArray, PyDict, PyTuple } from "../pickle/mod.ts";
import type { PyValue } from "../pickle/mod.ts";
import { WireError } from "./errors.ts";

/** What a node's platform contains where the node runs TypeScript, in this version of it. */
export const TYPESCRIPT_PLATFORM = "typescript/1";

/** The whole first line of a computation's code that is TypeScript. */
export const TYPESCRIPT_FIRST_LINE = "// dispyscheduler typescript 1";

/** The pickle that is a job's `_kwargs`: TypeScript functions have no named arguments. */
const NO_KWARGS = dumps(new PyDict());

/** The platform that a node announces which runs TypeScript besides being a `platform`. */
export function typeScriptPlatform(platform: string): string {
  return `${platform} ${TYPESCRIPT_PLATFORM}`;
}

/** Whether a node that announces `platform` runs TypeScript. */
export function runsTypeScript(platform: string): boolean {
  return platform.split(/\s+/).includes(TYPESCRIPT_PLATFORM);
}

/**
 * The code of a computation.
 *
 * @param moduleSource An ES module, in TypeScript or JavaScript, that exports the function that
 * the computation names, and the functions for setup and cleanup if there are any.
 */
export function encodeTypeScriptCode(moduleSource: string): string {
  return `${TYPESCRIPT_FIRST_LINE}\n${moduleSource}`;
}

/** The source of a computation's module, or `null` where its code is not TypeScript. */
export function decodeTypeScriptCode(code: string): string | null {
  const end = code.indexOf("\n");
  const firstLine = end < 0 ? code : code.slice(0, end);
  if (firstLine.trimEnd() !== TYPESCRIPT_FIRST_LINE) return null;
  return end < 0 ? "" : code.slice(end + 1);
}

/** A job's arguments as they stand in `dispy._DispyJob_`. */
export interface TypeScriptArguments {
  /** `_args`. */
  readonly args: Uint8Array;
  /** `_kwargs`. */
  readonly kwargs: Uint8Array;
}

/**
 * The arguments of a job.
 *
 * @throws {Error} Where an argument cannot travel: a function, a symbol, a promise.
 */
export function encodeTypeScriptArguments(args: readonly unknown[]): TypeScriptArguments {
  return { args: encodeTypeScriptValue([...args]), kwargs: NO_KWARGS };
}

/**
 * Reads a job's arguments.
 *
 * @param args `_args` of the job.
 * @throws {WireError} `malformed`
 */
export function decodeTypeScriptArguments(args: Uint8Array): unknown[] {
  const what = "arguments of a TypeScript job";
  return requireArray(decodeTypeScriptValue(args, what), what);
}

/**
 * The arguments of a computation's `setup`, as they stand in node allocations and in `SETUP:`: a
 * tuple of the one `bytes` that `node:v8` makes of all of them, or an empty tuple without any.
 *
 * @throws {Error} Where an argument cannot travel: a function, a symbol, a promise.
 */
export function encodeTypeScriptSetupArguments(args: readonly unknown[]): PyTuple {
  return new PyTuple(args.length === 0 ? [] : [new Uint8Array(serialize([...args]))]);
}

/**
 * Reads the arguments of a computation's `setup`.
 *
 * @throws {WireError} `malformed`
 */
export function decodeTypeScriptSetupArguments(setupArgs: PyTuple): unknown[] {
  const what = "setup arguments of a TypeScript computation";
  if (setupArgs.items.length === 0) return [];
  return requireArray(deserialized(setupArgs.items[0] as PyValue, what), what);
}

/**
 * A result or provisional result as it stands in `dispy._JobReply`.
 *
 * @throws {Error} Where the value cannot travel: a function, a symbol, a promise.
 */
export function encodeTypeScriptValue(value: unknown): Uint8Array {
  return dumps(new Uint8Array(serialize(value)));
}

/**
 * Reads a result or provisional result.
 *
 * @param pickle `result` of the reply.
 * @param what Names the value in errors.
 * @throws {WireError} `malformed`
 */
export function decodeTypeScriptValue(
  pickle: Uint8Array,
  what: string = "result of a TypeScript job",
): unknown {
  let value: PyValue;
  try {
    value = loads(pickle);
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    throw new WireError("malformed", `${what}: ${error.message}`, { cause: error });
  }
  return deserialized(value, what);
}

function deserialized(value: PyValue, what: string): unknown {
  const bytes = value instanceof PyByteArray ? value.bytes : value;
  if (!(bytes instanceof Uint8Array)) throw new WireError("malformed", `${what}: must be bytes`);
  try {
    return deserialize(bytes);
  } catch (error) {
    throw new WireError("malformed", `${what}: not what node:v8's serialize makes`, {
      cause: error,
    });
  }
}

function requireArray(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new WireError("malformed", `${what}: must be an array`);
}
