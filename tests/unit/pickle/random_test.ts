import { assertEquals } from "@std/assert/equals.js";
import {
  dumps,
  loads,
  PyByteArray,
  PyDict,
  PyFrozenSet,
  PyGlobal,
  PyObject,
  PySet,
  PyTuple,
  type PyValue,
} from "../../../src/pickle/mod.ts";
import { Prng } from "../../sim/prng.ts";
import { describe } from "./describe.ts";

Deno.test("2000 random values come back the same, shared and cyclic in the same places", () => {
  for (let seed = 0; seed < 2000; seed++) {
    const value = randomValue(new Prng(seed), 6, []);
    assertEquals(describe(loads(dumps(value))), describe(value), `seed ${seed}`);
  }
});

/** `made` holds what may come again, be it finished or, for cycles, still being filled. */
function randomValue(prng: Prng, depth: number, made: PyValue[]): PyValue {
  if (made.length > 0 && prng.chance(0.2)) return prng.pick(made);
  if (depth === 0 || prng.chance(0.1)) return randomAtom(prng);
  const part = () => randomValue(prng, depth - 1, made);
  const parts = () => Array.from({ length: prng.int(0, 5) }, part);
  const keep = <T extends PyValue>(value: T): T => {
    made.push(value);
    return value;
  };
  switch (prng.int(0, 5)) {
    case 0:
      return keep(new PyTuple(parts()));
    case 1: {
      const list: PyValue[] = keep([]);
      for (let count = prng.int(0, 5); count > 0; count--) list.push(part());
      return list;
    }
    case 2: {
      const dict = keep(new PyDict());
      for (let count = prng.int(0, 5); count > 0; count--) dict.set(randomAtom(prng), part());
      return dict;
    }
    case 3:
      return keep(
        prng.chance(0.5)
          ? new PySet([1n, "two", new PyGlobal("m", "x")])
          : new PyFrozenSet([1n, new PyTuple([2n, "three"])]),
      );
    default:
      return randomObject(prng, part, parts, keep);
  }
}

function randomObject(
  prng: Prng,
  part: () => PyValue,
  parts: () => PyValue[],
  keep: <T extends PyValue>(value: T) => T,
): PyObject {
  const cls = new PyGlobal("m", prng.pick(["A", "B", "nested.C"]));
  const args = new PyTuple(parts());
  const object = keep(
    new PyObject(
      prng.pick([
        { kind: "reduce", callable: cls, args },
        { kind: "newobj", cls, args },
        { kind: "newobj_ex", cls, args, kwargs: PyDict.from({ key: part() }) },
        { kind: "inst", cls, args: args.items },
      ]),
    ),
  );
  for (let count = prng.int(0, 3); count > 0; count--) {
    switch (prng.int(0, 3)) {
      case 0:
        object.steps.push({ kind: "build", state: part() });
        break;
      case 1:
        object.steps.push({ kind: "append", items: [part(), ...parts()] });
        break;
      case 2:
        object.steps.push({ kind: "set", entries: [[part(), part()], [part(), part()]] });
        break;
      default:
        object.steps.push({ kind: "add", items: [part()] });
    }
  }
  return object;
}

function randomAtom(prng: Prng): PyValue {
  return prng.pick<() => PyValue>([
    () => null,
    () => prng.chance(0.5),
    () => BigInt(prng.int(-300, 300)),
    () => BigInt(prng.int(0, 2 ** 48)) ** BigInt(prng.int(1, 9)),
    () => -BigInt(prng.int(0, 2 ** 48)),
    () => prng.next() * 10 ** prng.int(-300, 300),
    () => prng.pick([-0, Infinity, -Infinity, 5e-324, 2 ** 53]),
    () => "text ".repeat(prng.int(0, 60)),
    () => String.fromCodePoint(prng.int(1, 0xd7ff), prng.int(0x10000, 0x10ffff)),
    () => prng.pick(["", "\ud800", "\udfff!", "é".repeat(200), "\ufeff"]),
    () => new Uint8Array(prng.int(0, 300)).fill(prng.int(0, 255)),
    () => new PyByteArray(new Uint8Array(prng.int(0, 5))),
  ])();
}
