import { deepStrictEqual as equal, match, throws } from "node:assert/strict";
import { program, python } from "../../../src/client/computation.ts";
import { typescript } from "../../../src/client/typescript.ts";
import { loads, PyDict, PyTuple } from "../../../src/pickle/mod.ts";
import {
  decodeTypeScriptArguments,
  decodeTypeScriptCode,
  decodeTypeScriptSetupArguments,
  encodeTypeScriptValue,
  runsTypeScript,
  typeScriptPlatform,
} from "../../../src/wire/typescript_jobs.ts";

Deno.test("the only function of a source needs no name, one of several does", () => {
  equal(python({ code: "import os\ndef größe(a):\n    def inner(): pass\n" }).name, "größe");
  const several = "def a():\n    pass\n\ndef b():\n    pass\n";
  throws(() => python({ code: several }), /defines 2 functions; say which one/);
  equal(python({ code: several, name: "b" }).name, "b");
  throws(() => python({ code: several, name: "b; import os" }), /not the name of a function/);
  throws(() => python({}), /give the source/);
});

Deno.test("a source can stand in a file; one that is not there is a FileTransferError", async () => {
  const file = await Deno.makeTempFile({ suffix: ".py" });
  await Deno.writeTextFile(file, "def f(): pass\n");
  equal(python({ file }).code, "def f(): pass\n");
  await Deno.remove(file);
  throws(() => python({ file }), { name: "FileTransferError" });
});

Deno.test("arguments of a Python function are a tuple and a dict", () => {
  const { args, kwargs } = python({ code: "def f(): pass" }).encodeArguments([1, "a"], { b: 2 });
  equal(loads(args), new PyTuple([1n, "a"]));
  equal((loads(kwargs) as PyDict).get("b"), 2n);
});

Deno.test("arguments of a program are texts, and it takes no others", () => {
  const run = program("prog.sh", { depends: ["data.txt"] });
  equal(loads(run.encodeArguments(["a b", 3, true]).args), ["a b", "3", "true"]);
  equal(run.depends, ["prog.sh", "data.txt"]);
  throws(() => run.encodeArguments([], { a: 1 }), { name: "UnsupportedValueError" });
});

/** Runs the function of a computation as a node does. */
async function run(
  code: string,
  name: string,
  args: readonly unknown[],
): Promise<Record<string, unknown>> {
  const source = decodeTypeScriptCode(code);
  const module = await import(`data:application/typescript,${encodeURIComponent(source ?? "")}`);
  return { result: await module[name](...args), exported: Object.keys(module) };
}

Deno.test("a TypeScript function is sent as a module that exports it", async () => {
  const fib = typescript(function fib(n: number): number {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
  });
  equal(fib.name, "fib");
  equal(await run(fib.code, fib.name, [10]), { result: 55, exported: ["fib"] });
  const arrow = typescript(async (a: number, b: number) => await Promise.resolve(a * b));
  equal((await run(arrow.code, arrow.name, [6, 7])).result, 42);
  const { code, name, setup, cleanup } = typescript((a: string) => a, {
    setup: () => 1,
    cleanup: async () => {},
  });
  equal((await run(code, name, ["x"])).exported, [setup, cleanup, "compute"].sort());
});

Deno.test("a function whose text cannot stand alone is refused", () => {
  const methods = {
    method(a: number): number {
      return a;
    },
  };
  throws(() => typescript(methods.method), /is a method/);
  throws(() => typescript(Math.max), /native/);
  throws(() => typescript(((a: number) => a).bind(null)), /native or bound/);
});

Deno.test("a function of a module is sent with the whole module", () => {
  const module = new URL("./computation_test.ts", import.meta.url);
  const computation = typescript<(a: number) => string>({ module, name: "work", setup: "prepare" });
  match(computation.code, /^\/\/ dispyscheduler typescript 1\nimport /);
  equal([computation.name, computation.setup, computation.cleanup], ["work", "prepare", true]);
});

Deno.test("arguments and results of TypeScript functions are structured clones", () => {
  const computation = typescript((value: Map<string, bigint>) => value);
  const value = new Map([["a", 2n ** 70n]]);
  equal(decodeTypeScriptArguments(computation.encodeArguments([value]).args), [value]);
  equal(computation.decodeResult(encodeTypeScriptValue(value)), value);
  equal(decodeTypeScriptSetupArguments(computation.encodeSetupArguments([1, "a"])), [1, "a"]);
  equal(computation.encodeSetupArguments([]).items, []);
  throws(() => computation.encodeArguments([(() => 1) as never]), {
    name: "UnsupportedValueError",
  });
  throws(() => computation.decodeResult(Uint8Array.of(128, 4, 78, 46)), {
    name: "ResultUnreadableError",
  });
});

Deno.test("code without the first line is not TypeScript, a platform may say that it is run", () => {
  equal(decodeTypeScriptCode("def f(): pass"), null);
  equal(decodeTypeScriptCode("// dispyscheduler typescript 12\nx"), null);
  equal(runsTypeScript(typeScriptPlatform("Linux-6.1")), true);
  equal(runsTypeScript("Linux typescript/12"), false);
});
