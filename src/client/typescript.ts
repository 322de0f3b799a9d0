/**
 * TypeScript functions as computations, for the nodes of this project (`dispyscheduler node`).
 *
 * @module
 */

import { ComputeType, WireError } from "../wire/mod.ts";
import {
  decodeTypeScriptValue,
  encodeTypeScriptArguments,
  encodeTypeScriptCode,
  encodeTypeScriptSetupArguments,
} from "../wire/typescript_jobs.ts";
import { messageOf } from "../log/error_message.ts";
import { type Computation, type ComputationOptions, readText } from "./computation.ts";
import { ResultUnreadableError, UnsupportedValueError } from "./errors.ts";
import type { PlacedFile } from "./job.ts";

/** Any function, whatever its parameters. */
// deno-lint-ignore no-explicit-any -- with `unknown`, functions that take anything else were none.
export type AnyFunction = (...args: any[]) => unknown;

/** Beside a function that is sent by its own text. */
export interface TypeScriptFunctionOptions extends ComputationOptions {
  /** Runs at each node before its first job. As self-contained as the function itself. */
  readonly setup?: AnyFunction | undefined;
  /** Runs at each node at the end, or whether the node removes the computation's files then. */
  readonly cleanup?: AnyFunction | boolean | undefined;
}

/** A function of a module that is sent by the module's text. */
export interface TypeScriptModuleOptions extends ComputationOptions {
  /** The module's file. Of other modules it may import only what nodes can load by themselves. */
  readonly module: string | URL;
  /** Name under which the module exports the function. */
  readonly name: string;
  /** Name of an exported function that runs at each node before its first job. */
  readonly setup?: string | undefined;
  /** Name of an exported function that runs at each node at the end, or whether files go. */
  readonly cleanup?: string | boolean | undefined;
}

/**
 * A function of TypeScript or JavaScript that jobs call.
 *
 * The function is sent as its own text, so it may use its arguments, what every JavaScript has,
 * and the global `dispy` of a job, but nothing from the module around it. Arguments and results
 * are whatever structured cloning takes: maps, sets, dates, typed arrays, cycles.
 *
 * @example
 * ```ts
 * const compute = typescript((a: number, b: number) => a * b);
 * ```
 *
 * @throws {TypeError} Where the function's text cannot stand alone: a method, a native function.
 */
export function typescript<Args extends readonly unknown[], Result>(
  fn: (...args: Args) => Result,
  options?: TypeScriptFunctionOptions,
): Computation<Args, Awaited<Result>>;
/**
 * A function of a module, which is sent as a whole:
 *
 * @example
 * ```ts
 * const compute = typescript<typeof import("./work.ts").compute>({
 *   module: new URL("./work.ts", import.meta.url),
 *   name: "compute",
 * });
 * ```
 *
 * @throws {FileTransferError} Where the module cannot be read.
 */
export function typescript<Fn extends AnyFunction>(
  options: TypeScriptModuleOptions,
): Computation<Parameters<Fn>, Awaited<ReturnType<Fn>>>;
export function typescript(
  what: AnyFunction | TypeScriptModuleOptions,
  options: TypeScriptFunctionOptions = {},
): Computation<readonly unknown[], unknown> {
  return typeof what === "function" ? fromFunction(what, options) : fromModule(what);
}

function fromFunction(
  fn: AnyFunction,
  { setup, cleanup, depends }: TypeScriptFunctionOptions,
): Computation<readonly unknown[], unknown> {
  const name = EXPORTABLE.test(fn.name) ? fn.name : "compute";
  const lines = [`const __dispy_compute = ${textOf(fn)};`];
  const exported = [`__dispy_compute as ${name}`];
  const exportAs = (other: AnyFunction, as: string): string => {
    lines.push(`const ${as} = ${textOf(other)};`);
    exported.push(as);
    return as;
  };
  const setupName = setup === undefined ? null : exportAs(setup, "__dispy_setup");
  const cleanupName = typeof cleanup === "function"
    ? exportAs(cleanup, "__dispy_cleanup")
    : cleanup ?? true;
  lines.push(`export { ${exported.join(", ")} };`, "");
  return computation(name, lines.join("\n"), setupName, cleanupName, depends);
}

function fromModule(
  { module, name, setup, cleanup, depends }: TypeScriptModuleOptions,
): Computation<readonly unknown[], unknown> {
  return computation(name, readText(module), setup ?? null, cleanup ?? true, depends);
}

function computation(
  name: string,
  source: string,
  setup: string | null,
  cleanup: string | boolean,
  depends: readonly (string | URL | PlacedFile)[] = [],
): Computation<readonly unknown[], unknown> {
  return {
    type: ComputeType.Function,
    name,
    code: encodeTypeScriptCode(source),
    setup,
    cleanup,
    depends,
    encodeArguments(args, kwargs) {
      if (kwargs !== undefined && Object.keys(kwargs).length > 0) {
        throw new UnsupportedValueError("a TypeScript function takes no keyword arguments");
      }
      return cloned("argument", args, encodeTypeScriptArguments);
    },
    encodeSetupArguments: (args) => cloned("setup argument", args, encodeTypeScriptSetupArguments),
    decodeResult: readTypeScriptResult,
    decodeProvisional: readTypeScriptResult,
  };
}

/**
 * Reads a result.
 *
 * @throws {ResultUnreadableError} Where it is none.
 */
export function readTypeScriptResult(result: Uint8Array): unknown {
  try {
    return decodeTypeScriptValue(result);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new ResultUnreadableError(error.message, { cause: error });
  }
}

/** What can stand behind `as` in an export, and is no name that engines treat specially. */
const EXPORTABLE = /^(?!default$)[A-Za-z_$][\w$]*$/;

function textOf(fn: AnyFunction): string {
  const text = Function.prototype.toString.call(fn);
  if (/\{\s*\[native code\]\s*\}$/.test(text)) {
    throw new TypeError(`typescript: the function ${fn.name} is native or bound: it has no text`);
  }
  // A method's text is no expression: `name() {…}`, `get name() {…}`.
  const isExpression = /^(async\s+)?function\b/.test(text) || /^class\b/.test(text) ||
    /^(async\s*)?(\([^]*?\)|[\w$]+)\s*=>/.test(text);
  if (!isExpression) {
    throw new TypeError(
      `typescript: ${fn.name} is a method; give a function or an arrow function`,
    );
  }
  return text;
}

function cloned<T>(
  what: string,
  args: readonly unknown[],
  encode: (args: readonly unknown[]) => T,
): T {
  try {
    return encode(args);
  } catch (error) {
    throw new UnsupportedValueError(`${what}s cannot be sent: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
