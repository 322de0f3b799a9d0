import { equal } from "node:assert/strict";
import {
  type Computation,
  type Job,
  program,
  python,
  type PythonOutput,
  type SharedJobCluster,
  typescript,
} from "../../../src/client/mod.ts";

/** Submits to a cluster of a computation, as far as types go. */
function submit<Args extends readonly unknown[], Result>(
  _computation: Computation<Args, Result>,
  ..._args: Parameters<SharedJobCluster<Args, Result>["submit"]>
): Job<Result> | null {
  return null;
}

Deno.test("jobs have the types of the computation's own signature", () => {
  const multiply = typescript(async (a: number, b: string) => await Promise.resolve(b.repeat(a)));
  const repeated: Job<string> | null = submit(multiply, [2, "a"]);
  // @ts-expect-error the second argument is a string
  submit(multiply, [2, 3]);
  // @ts-expect-error there are two arguments
  submit(multiply, [2]);
  // @ts-expect-error the result is a string
  const wrong: Job<number> | null = submit(multiply, [2, "a"]);

  const typed = python<[a: number], bigint>({ code: "def f(a): pass" });
  const big: Job<bigint> | null = submit(typed, [1]);
  // @ts-expect-error the argument is a number
  submit(typed, ["1"]);

  const untyped: Job<PythonOutput> | null = submit(
    python({ code: "def f(a): pass" }),
    [1, "a", { b: [null, new Map([[1, 2]])] }],
  );
  // @ts-expect-error a function has no counterpart in Python
  submit(python({ code: "def f(a): pass" }), [() => 1]);

  const exitCode: Job<number> | null = submit(program("prog.sh"), ["a", 1, true]);
  equal([repeated, wrong, big, untyped, exitCode].every((job) => job === null), true);
});
