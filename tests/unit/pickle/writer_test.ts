import { assertEquals } from "@std/assert/equals.js";
import {
  dumpChunks,
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
import { describe, pickle } from "./describe.ts";

function writes(name: string, cases: [PyValue, string][]): void {
  Deno.test(name, () => {
    for (const [value, body] of cases) {
      const expected = pickle(`\x80\x04${body}.`);
      assertEquals(dumps(value), expected, describe(value));
      assertEquals(describe(loads(expected)), describe(value));
    }
  });
}

writes("numbers take the shortest opcode", [
  [null, "N"],
  [true, "\x88"],
  [false, "\x89"],
  [0n, "K\x00"],
  [255n, "K\xff"],
  [256n, "M\x00\x01"],
  [65535n, "M\xff\xff"],
  [65536n, "J\x00\x00\x01\x00"],
  [-1n, "J\xff\xff\xff\xff"],
  [2n ** 31n - 1n, "J\xff\xff\xff\x7f"],
  [-(2n ** 31n), "J\x00\x00\x00\x80"],
  [2n ** 31n, "\x8a\x05\x00\x00\x00\x80\x00"],
  [-(2n ** 31n) - 1n, "\x8a\x05\xff\xff\xff\x7f\xff"],
  [2n ** 39n - 1n, "\x8a\x05\xff\xff\xff\xff\x7f"],
  [2n ** 39n, "\x8a\x06\x00\x00\x00\x00\x80\x00"],
  [-(2n ** 39n), "\x8a\x05\x00\x00\x00\x00\x80"],
  [2n ** 53n - 1n, "\x8a\x07\xff\xff\xff\xff\xff\xff\x1f"],
  [2n ** 53n, "\x8a\x07\x00\x00\x00\x00\x00\x00\x20"],
  [2n ** 63n - 1n, "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"],
  [-(2n ** 63n), "\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80"],
  [2n ** 63n, "\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00"],
  [2n ** 2039n, `\x8b\x00\x01\x00\x00${"\x00".repeat(254)}\x80\x00`],
  [1, "G\x3f\xf0\x00\x00\x00\x00\x00\x00"],
  [-0, "G\x80\x00\x00\x00\x00\x00\x00\x00"],
  [NaN, "G\x7f\xf8\x00\x00\x00\x00\x00\x00"],
]);

writes("text is UTF-8, with lone surrogates but never with halves of a pair", [
  ["", "\x8c\x00"],
  ["a", "\x8c\x01a"],
  ["ab", "\x8c\x02ab\x94"],
  ["é", "\x8c\x02\xc3\xa9"],
  ["😀", "\x8c\x04\xf0\x9f\x98\x80\x94"],
  ["\ud83d", "\x8c\x03\xed\xa0\xbd"],
  ["\ude00\ud83d!", "\x8c\x07\xed\xb8\x80\xed\xa0\xbd!\x94"],
  ["x".repeat(256), `X\x00\x01\x00\x00${"x".repeat(256)}\x94`],
]);

const shared = [1n];
const cyclic: PyValue[] = [];
cyclic.push(cyclic);
const bytes = new Uint8Array([1]);
const inTuple: PyValue[] = [];
const tuple = new PyTuple([inTuple]);
inTuple.push(tuple);
const inLongTuple: PyValue[] = [];
const longTuple = new PyTuple([1n, 2n, inLongTuple, 3n]);
inLongTuple.push(longTuple);

writes("values with identity are written once, and fetched when they come again", [
  [[shared, shared], "]\x94(]\x94K\x01ah\x01e"],
  [cyclic, "]\x94h\x00a"],
  [[bytes, bytes], "]\x94(C\x01\x01\x94h\x01e"],
  [["name", "name"], "]\x94(\x8c\x04name\x94h\x01e"],
  [tuple, "]\x94h\x00\x85\x94a0h\x01"],
  [longTuple, "(K\x01K\x02]\x94(K\x01K\x02h\x00K\x03t\x94a1h\x01"],
]);

const cls = new PyGlobal("mod", "C");
const none = new PyTuple([]);

writes("containers and objects are made, then filled", [
  [none, ")"],
  [new PyTuple([1n, 2n]), "K\x01K\x02\x86\x94"],
  [new PyDict(), "}\x94"],
  [PyDict.from({ a: 1n }), "}\x94\x8c\x01aK\x01s"],
  [PyDict.from({ a: 1n, b: 2n }), "}\x94(\x8c\x01aK\x01\x8c\x01bK\x02u"],
  [new PySet([1n]), "\x8f\x94(K\x01\x90"],
  [new PyFrozenSet([]), "(\x91\x94"],
  [
    new PyByteArray(new Uint8Array([97])),
    "\x8c\x08builtins\x94\x8c\x09bytearray\x94\x93\x94C\x01a\x85R\x94",
  ],
  [cls, "\x8c\x03mod\x94\x8c\x01C\x93\x94"],
  [
    new PyObject({ kind: "newobj", cls, args: none }, [
      { kind: "append", items: [1n] },
      { kind: "append", items: [2n, 3n] },
      { kind: "set", entries: [[4n, 5n]] },
      { kind: "add", items: [6n] },
      { kind: "build", state: null },
    ]),
    "\x8c\x03mod\x94\x8c\x01C\x93\x94)\x81\x94K\x01a(K\x02K\x03eK\x04K\x05s(K\x06\x90Nb",
  ],
  [
    new PyObject({ kind: "newobj_ex", cls, args: none, kwargs: new PyDict() }),
    "\x8c\x03mod\x94\x8c\x01C\x93\x94)}\x94\x92\x94",
  ],
  [new PyObject({ kind: "inst", cls, args: [1n] }), "(\x8c\x03mod\x94\x8c\x01C\x93\x94K\x01o\x94"],
]);

Deno.test("an object in a cycle is made from lists of its own that are full when it is made", () => {
  // f([L]) where L contains the object; the list around L is made anew for either attempt.
  const body = "\x8c\x01m\x8c\x01f\x93\x94]\x94]\x94h\x00]\x94h\x02a\x85\x94R\x94aa\x85R0h\x05";
  const cycle = pickle(`\x80\x04${body}.`);
  const value = loads(cycle);
  assertEquals(describe(value), "reduce(<m.f>; ([[$0]]))");
  assertEquals(dumps(value), cycle);
});

Deno.test("references past the 256th value take the long form", () => {
  const many = Array.from({ length: 300 }, () => [] as PyValue[]);
  const value = [...many, many[299] as PyValue];
  assertEquals(describe(loads(dumps(value))), describe(value));
});

Deno.test("large payloads are pieces of their own, uncopied, and make the same pickle", () => {
  const payload = new Uint8Array(4096).fill(7);
  const value = ["before", payload, new PyByteArray(payload), "after"];
  const pieces = dumpChunks(value);
  assertEquals(pieces.filter((piece) => piece === payload).length, 2);
  assertEquals(new Uint8Array(pieces.flatMap((piece) => [...piece])), dumps(value));
});

Deno.test("pickles do not share memory", () => {
  const first = dumps(["first"]);
  const copy = first.slice();
  dumps(["second"]);
  assertEquals(first, copy);
});

Deno.test("writing is linear in the values there are, however often they are used", () => {
  let value: PyValue = "x".repeat(10_000);
  for (let level = 0; level < 500; level++) value = new PyTuple([value, value]);
  assertEquals(dumps(value).length < 15_000, true);
  const long = "y".repeat(1 << 20);
  assertEquals(dumps(new Array(1000).fill(long)).length < (1 << 20) + 10_000, true);
});

Deno.test("a pickle larger than the buffer is whole", () => {
  const value = Array.from({ length: 50_000 }, (_, number) => `text ${number}`);
  assertEquals(loads(dumps(value)), value);
});
