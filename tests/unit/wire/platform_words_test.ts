/** Which nodes a computation needs, by what nodes say of their platform. */

import { deepStrictEqual as equal } from "node:assert/strict";
import { ComputeType } from "../../../src/wire/mod.ts";
import { platformNeeded } from "../../../src/wire/platform_words.ts";
import { encodeTypeScriptCode } from "../../../src/wire/typescript_jobs.ts";

const { Function, Program } = ComputeType;
const python = { type: Function, name: "f", code: "def f(): pass", setup: null, cleanup: true };
const program = { ...python, type: Program, name: "/home/u/run", code: "" };

for (
  const [what, compute, needed] of [
    ["Python functions", python, "!no-python"],
    ["TypeScript functions", { ...python, code: encodeTypeScriptCode("x") }, "typescript/1"],
    ["programs", program, undefined],
    ["Python programs", { ...program, name: "/home/u/run.py" }, "!no-python"],
    ["programs with a setup function", { ...program, setup: "set_up" }, "!no-python"],
    ["programs with a cleanup function", { ...program, cleanup: "tidy" }, "!no-python"],
  ] as const
) {
  Deno.test(`a computation of ${what} needs ${needed ?? "no particular"} nodes`, () => {
    equal(platformNeeded(compute), needed);
  });
}
