/**
 * What it means when a pickle drops a value that it has made.
 *
 * @module
 */

import { PickleError } from "./error.ts";
import type { PickleInput } from "./input.ts";
import type { Memo } from "./memo.ts";
import { parseIndex } from "./numbers.ts";
import { StateSetterStep } from "./reduce.ts";
import { noteRemade } from "./remade.ts";
import { PyObject, PyTuple, type PyValue } from "./values.ts";

/** `POP`: a part of a tuple that is fetched instead, or an object likewise. */
export function drop(value: PyValue, input: PickleInput, memo: Memo): void {
  if (!(value instanceof PyObject)) return;
  const fetched = nextFetched(input, memo);
  if (isRemade(value, fetched)) noteRemade(fetched, value);
}

/**
 * `POP` right after `REDUCE`: the call is made and `result` dropped. Either it is a
 * `state_setter(target, state)`, where `target` is what is now on top of the stack, or the
 * result is fetched from the memo instead.
 *
 * @throws {PickleError} If it is neither: the call may have effects that we could not keep.
 */
export function dropResult(
  result: PyValue,
  target: PyValue | undefined,
  input: PickleInput,
  memo: Memo,
): void {
  // Values of Python's own have no effects to keep.
  if (!(result instanceof PyObject) || result.construction.kind !== "reduce") return;
  const { callable, args } = result.construction;
  const fetched = nextFetched(input, memo);
  const remade = isRemade(result, fetched);
  const [first, state, ...more] = args instanceof PyTuple ? args.items : [];
  const sets = target instanceof PyObject && first === target && state !== undefined &&
    more.length === 0;
  if (sets && !(remade && calls(fetched, callable))) {
    target.steps.push(new StateSetterStep(state, callable));
  } else if (remade) {
    noteRemade(fetched, result);
  } else {
    throw new PickleError("a call is made and its result dropped", input.at);
  }
}

function isRemade(dropped: PyObject, fetched: PyValue | undefined): fetched is PyObject {
  return fetched instanceof PyObject && fetched.construction.kind === dropped.construction.kind;
}

function calls({ construction }: PyObject, callable: PyValue): boolean {
  return construction.kind === "reduce" && construction.callable === callable;
}

/** What the next opcode fetches from the memo, if it is one that does; `input` stays there. */
function nextFetched(input: PickleInput, memo: Memo): PyValue | undefined {
  const { pos, at } = input;
  try {
    switch (input.opcode()) {
      case 0x68: // BINGET
        return memo.get(input.uint8());
      case 0x6a: // LONG_BINGET
        return memo.get(input.uint32());
      case 0x67: // GET
        return memo.get(parseIndex(input.line(), input.at));
    }
    return undefined;
  } finally {
    input.pos = pos;
    input.at = at;
  }
}
