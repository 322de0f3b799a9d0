/**
 * How clients before 4.11 name the functions of a computation: `dispy._Function`, a named tuple of
 * a function's name and its arguments. Since then `_Compute` has the names, and the arguments, which
 * setup and cleanup have in common, come with `SETUP:`.
 *
 * @module
 */

import { PyDict, PyObject, PyTuple } from "../../pickle/mod.ts";
import type { PyValue } from "../../pickle/mod.ts";
import type { Compute } from "./compute.ts";

interface FunctionCall {
  readonly name: string;
  readonly args: PyTuple;
  readonly kwargs: PyDict;
}

/** A `dispy._Function`; `null` where `value` is none. */
function functionCallOf(value: PyValue): FunctionCall | null {
  if (!(value instanceof PyObject) || value.className !== "dispy._Function") return null;
  const { construction } = value;
  const items = construction.args instanceof PyTuple ? construction.args.items : construction.args;
  const [name, args, kwargs] = Array.isArray(items) ? items : [];
  const isCall = typeof name === "string" && args instanceof PyTuple && kwargs instanceof PyDict;
  // The name becomes Python source.
  return isCall && /^[^\W\d]\w*$/u.test(name) ? { name, args, kwargs } : null;
}

/** Whether the computation has a function for setup, as clients before 4.11 say it. */
export function hasSetupCall({ setup }: Compute): boolean {
  return functionCallOf(setup) !== null;
}

const NO_CALL: FunctionCall = { name: "", args: new PyTuple([]), kwargs: new PyDict() };

/** A computation of today's form, and the arguments of its functions. */
export interface CallsInTodaysForm {
  readonly compute: Compute;
  readonly setupArgs: PyTuple;
}

/**
 * The computation of a client before 4.11 in today's form: its functions become expressions that
 * take the arguments of both from one tuple. `null` where it has none to turn.
 */
export function callsInTodaysForm(compute: Compute): CallsInTodaysForm | null {
  const setup = functionCallOf(compute.setup);
  const cleanup = functionCallOf(compute.cleanup);
  if (setup === null && cleanup === null) return null;
  const [first, last] = [setup ?? NO_CALL, cleanup ?? NO_CALL];
  return {
    compute: {
      ...compute,
      setup: setup === null ? "(lambda *_: 0)" : `(lambda a, k, *_: ${first.name}(*a, **k))`,
      cleanup: cleanup === null ? compute.cleanup : `(lambda _a, _k, a, k: ${last.name}(*a, **k))`,
      setupArgsCount: 4,
    },
    setupArgs: new PyTuple([first.args, first.kwargs, last.args, last.kwargs]),
  };
}
