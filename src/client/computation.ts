/**
 * What jobs run: a Python function, a program, or a TypeScript function.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dumps, PyDict, PyTuple } from "../pickle/mod.ts";
import { ComputeType } from "../wire/mod.ts";
import { FileTransferError, UnsupportedValueError } from "./errors.ts";
import type { PlacedFile } from "./job.ts";
import { messageOf } from "../log/error_message.ts";
import { readPythonResult } from "./python_results.ts";
import type { PythonOutput } from "./python_results.ts";
import { type PythonInput, toPython } from "./python_values.ts";

/** A job's arguments as they travel: two pickles. */
export interface EncodedArguments {
  readonly args: Uint8Array;
  readonly kwargs: Uint8Array;
}

/** What a computation is to everybody who does not make jobs of it. */
export interface ComputationBase<Result> {
  readonly type: ComputeType;
  /** Name of the function, or the program's path. */
  readonly name: string;
  /** Source text; "" for programs. */
  readonly code: string;
  /** Name of the function that runs at a node before its first job. */
  readonly setup: string | null;
  /** Name of the function that runs at a node at the end, or whether its files are removed. */
  readonly cleanup: string | boolean;
  /** Files that every node gets. */
  readonly depends: readonly (string | URL | PlacedFile)[];
  /** @throws {UnsupportedValueError} Where an argument cannot travel. */
  encodeSetupArguments(args: readonly unknown[]): PyTuple;
  /** @throws {ResultUnreadableError} */
  decodeResult(result: Uint8Array): Result;
  /** As {@linkcode Computation.decodeResult}, for provisional results. */
  decodeProvisional(result: Uint8Array): unknown;
}

/**
 * What jobs run. Made by {@linkcode python}, {@linkcode program} or `typescript`.
 *
 * @typeParam Args The arguments of a job.
 * @typeParam Result What a job's result is.
 */
export interface Computation<Args extends readonly unknown[], Result>
  extends ComputationBase<Result> {
  /** @throws {UnsupportedValueError} Where an argument cannot travel. */
  encodeArguments(args: Args, kwargs?: Readonly<Record<string, unknown>>): EncodedArguments;
}

/** What all computations have in common. */
export interface ComputationOptions {
  /** Files that every node gets before `setup`: paths, `file:` URLs, or placed ones. */
  readonly depends?: readonly (string | URL | PlacedFile)[] | undefined;
}

/** A program. */
export interface ProgramOptions extends ComputationOptions {
  /** What the scheduler calls it, ending with the file's name; the path when absent. */
  readonly name?: string | undefined;
  /** Whether nodes remove the computation's files at the end, which they do when absent. */
  readonly cleanup?: boolean | undefined;
}

/** A Python function. */
export interface PythonOptions extends ComputationOptions {
  /** Python source text that defines the function, and whatever it needs. */
  readonly code?: string | undefined;
  /** A file with the source text, in place of `code`. */
  readonly file?: string | URL | undefined;
  /** Name of the function; not needed where the source defines one function alone. */
  readonly name?: string | undefined;
  /** Name of a function in the source that runs at each node before its first job. */
  readonly setup?: string | undefined;
  /**
   * Name of a function in the source that runs at each node at the end; or whether the node
   * removes the computation's files then, which it does when absent.
   */
  readonly cleanup?: string | boolean | undefined;
}

/**
 * A Python function that jobs call. Its type is up to the program:
 *
 * @example
 * ```ts
 * const compute = python<[number, number], number>({
 *   code: "def add(a, b):\n    return a + b\n",
 * });
 * ```
 *
 * @typeParam Args Its arguments; whatever has a counterpart in Python when absent.
 * @typeParam Result Its result, which is not checked; see `PythonOutput` when absent.
 * @throws {FileTransferError} Where the file cannot be read.
 * @throws {TypeError} Where there is no source, or no telling which function is meant.
 */
export function python<
  Args extends readonly unknown[] = readonly PythonInput[],
  Result = PythonOutput,
>(options: PythonOptions): Computation<Args, Result> {
  const code = options.code ?? (options.file === undefined ? undefined : readText(options.file));
  if (code === undefined || code.trim() === "") {
    throw new TypeError("python: give the source as `code` or as a `file`");
  }
  const name = options.name ?? onlyFunction(code);
  for (const each of [name, options.setup, options.cleanup]) {
    if (typeof each === "string" && !IDENTIFIER.test(each)) {
      throw new TypeError(`python: ${JSON.stringify(each)} is not the name of a function`);
    }
  }
  return {
    type: ComputeType.Function,
    name,
    code,
    setup: options.setup ?? null,
    cleanup: options.cleanup ?? true,
    depends: options.depends ?? [],
    encodeArguments(args, kwargs = {}) {
      const named = new PyDict();
      for (const [key, value] of Object.entries(kwargs)) {
        named.set(key, toPython(value, `argument ${key}`));
      }
      return { args: dumps(pythonTuple(args, "argument")), kwargs: dumps(named) };
    },
    encodeSetupArguments: (args) => pythonTuple(args, "setup argument"),
    decodeResult: (result) => readPythonResult(result) as Result,
    decodeProvisional: readPythonResult,
  };
}

/**
 * A program that jobs run: a file that every node gets, and that is run with a job's arguments.
 * A job's result is the exit code.
 *
 * @param path Of the file. Nodes run `.py` files with their Python, others as they are.
 */
export function program(
  path: string | URL,
  options: ProgramOptions = {},
): Computation<readonly (string | number | bigint | boolean)[], number> {
  return {
    type: ComputeType.Program,
    name: options.name ?? pathOf(path),
    code: "",
    setup: null,
    cleanup: options.cleanup ?? true,
    depends: [path, ...options.depends ?? []],
    encodeArguments(args, kwargs) {
      if (kwargs !== undefined && Object.keys(kwargs).length > 0) {
        throw new UnsupportedValueError("a program takes no keyword arguments");
      }
      return { args: dumps(args.map((arg) => String(arg))), kwargs: dumps(new PyDict()) };
    },
    encodeSetupArguments(args) {
      if (args.length > 0) throw new UnsupportedValueError("a program has no setup");
      return new PyTuple([]);
    },
    decodeResult: (result) => readPythonResult(result) as number,
    decodeProvisional: readPythonResult,
  };
}

/** The path of a file that is named by a path or by a `file:` URL. */
export function pathOf(file: string | URL): string {
  return typeof file === "string" ? file : fileURLToPath(file);
}

/**
 * The text of a file.
 *
 * @throws {FileTransferError} Where it cannot be read.
 */
export function readText(file: string | URL): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new FileTransferError(`cannot read ${pathOf(file)}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

const IDENTIFIER = /^[\p{ID_Start}_][\p{ID_Continue}]*$/u;

function pythonTuple(args: readonly unknown[], what: string): PyTuple {
  return new PyTuple(args.map((arg, index) => toPython(arg, `${what} ${index + 1}`)));
}

function onlyFunction(code: string): string {
  const names = [...code.matchAll(/^def +([^\s(]+)/gm)].map(([, name]) => name as string);
  const [name] = names;
  if (name !== undefined && names.length === 1) return name;
  throw new TypeError(
    `python: the source defines ${names.length} functions; say which one with \`name\``,
  );
}
