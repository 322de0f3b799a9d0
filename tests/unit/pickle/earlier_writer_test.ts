import { assertEquals } from "@std/assert/equals.js";
import { assertThrows } from "@std/assert/throws.js";
import {
  dumps,
  loads,
  PickleError,
  PyByteArray,
  PyDict,
  PyFrozenSet,
  PyGlobal,
  PyObject,
  PySet,
  PyTuple,
  type PyValue,
} from "../../../src/pickle/mod.ts";
import { pickle } from "./describe.ts";

const KNIFE = new PyGlobal("kitchen", "Knife");
const shared = [1n];
const long = "x".repeat(300);

function writes(name: string, protocol: 2 | 3, cases: [PyValue, string][]): void {
  Deno.test(name, () => {
    for (const [value, body] of cases) {
      const head = String.fromCharCode(0x80, protocol);
      assertEquals(dumps(value, protocol), pickle(`${head}${body}.`), body);
    }
  });
}

writes("Python 2 gets ASCII text and bytes as str, other text as unicode", 2, [
  ["", "U\x00"],
  ["abc", "U\x03abcq\x00"],
  [long, `T\x2c\x01\x00\x00${long}q\x00`],
  ["é", "X\x02\x00\x00\x00\xc3\xa9"],
  ["\udcff!", "X\x04\x00\x00\x00\xed\xb3\xbf!q\x00"],
  [pickle("\xff\x00"), "U\x02\xff\x00q\x00"],
  [pickle(long), `T\x2c\x01\x00\x00${long}q\x00`],
  [PyDict.from({ key: "v" }), "}q\x00U\x03keyq\x01U\x01vs"],
]);

Deno.test("Python 2 gets text as str in UTF-8 where dispy itself means text", () => {
  const bytes = dumps(PyDict.from({ name: "é\udcff" }), 2, "str");
  assertEquals(bytes, pickle("\x80\x02}q\x00U\x04nameq\x01U\x03\xc3\xa9\xffq\x02s."));
});

writes("Python 2 gets classes by the names that they have there", 2, [
  [new PyGlobal("builtins", "range"), "c__builtin__\nxrange\nq\x00"],
  [new PyGlobal("copyreg", "_reconstructor"), "ccopy_reg\n_reconstructor\nq\x00"],
  [new PyGlobal("builtins", "FileNotFoundError"), "cexceptions\nOSError\nq\x00"],
  [new PyGlobal("collections", "UserDict"), "cUserDict\nIterableUserDict\nq\x00"],
  [new PyGlobal("pickle", "loads"), "cpickle\nloads\nq\x00"],
  [KNIFE, "ckitchen\nKnife\nq\x00"],
]);

writes("protocol 2 says by calls what it has no opcode for", 2, [
  [new PySet([1n]), "c__builtin__\nset\nq\x00]K\x01a\x85Rq\x01"],
  [new PySet(), "c__builtin__\nset\nq\x00]\x85Rq\x01"],
  [new PyFrozenSet([1n, 2n]), "c__builtin__\nfrozenset\nq\x00](K\x01K\x02e\x85Rq\x01"],
  [new PyByteArray(pickle("\xff")), "c__builtin__\nbytearray\nq\x00U\x01\xff\x85Rq\x01"],
  [new PyByteArray(pickle("")), "c__builtin__\nbytearray\nq\x00)Rq\x01"],
  [
    new PyGlobal("kitchen", "Block.Knife"),
    "c__builtin__\ngetattr\nq\x00ckitchen\nBlock\nq\x01U\x05Knifeq\x02\x86Rq\x03",
  ],
  [
    new PyObject({
      kind: "newobj_ex",
      cls: KNIFE,
      args: new PyTuple([1n]),
      kwargs: PyDict.from({ k: 2n }),
    }),
    "cfunctools\npartial\nq\x00c__builtin__\ngetattr\nq\x01ckitchen\nKnife\nq\x02U\x07__new__q\x03\x86q\x04" +
    "Rq\x05\x85q\x06Rq\x07(h\x05h\x02K\x01\x86q\x08}q\x09U\x01kK\x02sNtq\x0ab)Rq\x0b",
  ],
]);

writes("protocol 3 has text, bytes, and Python 3's names", 3, [
  ["abc", "X\x03\x00\x00\x00abcq\x00"],
  [pickle("\xff"), "C\x01\xffq\x00"],
  [pickle(long), `B\x2c\x01\x00\x00${long}q\x00`],
  [new PyByteArray(pickle("\xff")), "cbuiltins\nbytearray\nq\x00C\x01\xff\x85Rq\x01"],
  [new PySet([1n]), "cbuiltins\nset\nq\x00]K\x01a\x85Rq\x01"],
  [new PyGlobal("küche", "Messer"), "ck\xc3\xbcche\nMesser\nq\x00"],
]);

writes("what comes again is fetched, from whichever place in the memo", 2, [
  [[shared, shared], "]q\x00(]q\x01K\x01ah\x01e"],
  [
    Array.from({ length: 257 }, () => []),
    `]q\x00(${
      Array.from({ length: 255 }, (_, n) => `]q${String.fromCharCode(n + 1)}`).join("")
    }]r\x00\x01\x00\x00]r\x01\x01\x00\x00e`,
  ],
]);

Deno.test("a set that contains itself by way of an object does so in each protocol", () => {
  for (const make of [() => new PySet(), () => new PyFrozenSet([])]) {
    const set = make();
    const object = new PyObject({ kind: "newobj", cls: KNIFE, args: new PyTuple([]) });
    object.steps.push({ kind: "build", state: PyDict.from({ set }) });
    set.items.push(object);
    for (const protocol of [2, 3, 4]) {
      const read = loads(dumps(set, protocol)) as typeof set;
      const inner = read.items[0] as PyObject;
      const [step] = inner.steps;
      const state = step?.kind === "build" ? step.state as PyDict : undefined;
      assertEquals(state?.get("set") === read, true, `protocol ${protocol}`);
    }
  }
});

Deno.test("a class of Python 3 alone, or a name that is none, is refused for earlier Pythons", () => {
  const refused: [PyValue, 2 | 3, string][] = [
    [new PyGlobal("küche", "Messer"), 2, "not ASCII"],
    [new PyGlobal("os\nsystem", "x"), 3, "line break"],
    [new PyGlobal("os", "system\n"), 2, "line break"],
    [new PyGlobal("m", "a.".repeat(200) + "b"), 3, "too many parts"],
  ];
  for (const [value, protocol, reason] of refused) {
    assertThrows(() => dumps(value, protocol), PickleError, reason);
  }
});
