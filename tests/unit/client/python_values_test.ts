import { deepStrictEqual as equal, ok, throws } from "node:assert/strict";
import { UnsupportedValueError } from "../../../src/client/errors.ts";
import { PythonObject } from "../../../src/client/python_object.ts";
import { fromPython, readPythonResult } from "../../../src/client/python_results.ts";
import {
  pyByteArray,
  pyFloat,
  pyFrozenSet,
  pyTuple,
  toPython,
} from "../../../src/client/python_values.ts";
import {
  dumps,
  PyByteArray,
  PyDict,
  PyFrozenSet,
  PyGlobal,
  PyObject,
  PySet,
  PyTuple,
  type PyValue,
} from "../../../src/pickle/mod.ts";

const python = (value: unknown) => toPython(value, "argument 1");

Deno.test("whole numbers become int, all others float", () => {
  equal([1, -5, 2 ** 53 - 1, 0, 7n].map(python), [1n, -5n, 2n ** 53n - 1n, 0n, 7n]);
  equal([1.5, 2 ** 53, -0, Infinity].map(python), [1.5, 2 ** 53, -0, Infinity]);
  equal(python(pyFloat(1)), 1);
});

Deno.test("nothing is None, and texts, booleans and bytes are themselves", () => {
  equal([null, undefined, true, "ß", Uint8Array.of(1)].map(python), [
    null,
    null,
    true,
    "ß",
    Uint8Array.of(1),
  ]);
  equal(python(Uint8Array.of(1, 2).buffer), Uint8Array.of(1, 2));
  equal(python(pyByteArray(Uint8Array.of(3))), new PyByteArray(Uint8Array.of(3)));
});

Deno.test("collections become those of Python, with holes as None", () => {
  // deno-lint-ignore no-sparse-arrays -- how holes travel is the question.
  equal(python([1, , "a"]), [1n, null, "a"]);
  equal(python(new Float64Array([1, 2.5])), [1, 2.5]);
  equal(python(new Int16Array([1, -2])), [1n, -2n]);
  equal(python(pyTuple(1, [2])), new PyTuple([1n, [2n]]));
  equal(python(new Set([1])), new PySet([1n]));
  equal(python(pyFrozenSet([1, 1])), new PyFrozenSet([1n]));
  const dict = python({ a: 1, __proto__: null, b: { c: 2 } }) as PyDict;
  equal([...dict].map(([key]) => key), ["a", "b"]);
  const map = python(new Map<unknown, unknown>([[1, "x"], [pyTuple(1), 2]])) as PyDict;
  equal(map.get(1n), "x");
});

Deno.test("what is shared stays shared, what is cyclic cyclic", () => {
  const inner = { list: [] as unknown[] };
  inner.list.push(inner);
  const [a, b] = python([inner, inner]) as PyDict[];
  ok(a === b);
  ok((a!.get("list") as PyValue[])[0] === a);
});

Deno.test("what Python has no counterpart of is refused with its place", () => {
  const message = (value: unknown) => {
    try {
      python(value);
    } catch (error) {
      ok(error instanceof UnsupportedValueError);
      return error.message.split(" has no")[0];
    }
  };
  equal(message({ a: [1, () => 1] }), "argument 1.a[1]: a function");
  equal(message(new Map([["k", Symbol("s")]])), 'argument 1["k"]: a symbol');
  equal(message([new URL("file:///")]), "argument 1[0]: an object of class URL");
  equal(message(new Date(NaN)), "argument 1: an invalid Date");
  const cyclic: unknown[] = [];
  cyclic.push(pyTuple(cyclic as never));
  equal(python(cyclic) instanceof Array, true, "a tuple within a list may hold the list");
  let deep: unknown = null;
  for (let level = 0; level < 1001; level++) deep = [deep];
  ok(message(deep)?.includes("more than 1000 levels"));
});

Deno.test("results become values of JavaScript", () => {
  equal(
    fromPython([null, true, 5n, 2n ** 64n, 1.5, "x", new PyByteArray(Uint8Array.of(1))]),
    [null, true, 5, 2n ** 64n, 1.5, "x", Uint8Array.of(1)],
  );
  equal(fromPython(new PyTuple([1n, new PySet([2n])])), [1, new Set([2])]);
  equal(fromPython(PyDict.from({ a: PyDict.from({ b: 1n }) })), { a: { b: 1 } });
  equal(
    fromPython(new PyDict().set(1n, "x").set("a", 2n)),
    new Map<unknown, unknown>([
      [1, "x"],
      ["a", 2],
    ]),
  );
  const hostile = fromPython(new PyDict().set("__proto__", 1n)) as Record<string, unknown>;
  equal(Object.keys(hostile), ["__proto__"]);
  ok(Object.getPrototypeOf(hostile) === Object.prototype);
});

Deno.test("dates with a time zone travel both ways, to the millisecond", () => {
  for (const text of ["2026-11-22T12:34:56.789Z", "0099-01-01T00:00:00.000Z"]) {
    equal(fromPython(python(new Date(text))), new Date(text));
  }
});

Deno.test("an object of a class can be looked at, and is itself again as an argument", () => {
  const raw = new PyObject(
    { kind: "newobj", cls: new PyGlobal("shop", "Order"), args: new PyTuple([]) },
    [{ kind: "build", state: PyDict.from({ amount: 3n }) }],
  );
  const order = fromPython(raw);
  ok(order instanceof PythonObject);
  equal([order.className, order.attributes], ["shop.Order", { amount: 3 }]);
  ok(python(order) === raw);
  const cls = fromPython(new PyGlobal("shop", "Order")) as PythonObject;
  equal([cls.className, cls.attributes], ["shop.Order", {}]);
});

Deno.test("OrderedDict and defaultdict are dicts", () => {
  const ordered = new PyObject({
    kind: "reduce",
    callable: new PyGlobal("collections", "OrderedDict"),
    args: new PyTuple([]),
  }, [{ kind: "set", entries: [["b", 1n], ["a", 2n]] }]);
  equal(fromPython(ordered), { b: 1, a: 2 });
});

Deno.test("bytes that are no pickle are told as such", () => {
  throws(() => readPythonResult(Uint8Array.of(1, 2, 3)), { name: "ResultUnreadableError" });
  equal(readPythonResult(dumps("fine")), "fine");
});
