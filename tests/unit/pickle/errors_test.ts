import { assertEquals } from "@std/assert/equals.js";
import { assertThrows } from "@std/assert/throws.js";
import {
  DEFAULT_LIMITS,
  dumps,
  loads,
  MAX_DEPTH,
  MAX_INT_BYTES,
  PickleError,
  type PickleLimits,
  PyDict,
  PyGlobal,
  PyObject,
  PyTuple,
  type PyValue,
} from "../../../src/pickle/mod.ts";
import { pickle } from "./describe.ts";

function refuses(
  text: string,
  problem: string,
  offset: number | undefined,
  limits: Partial<PickleLimits> = {},
): void {
  const error = assertThrows(() => loads(pickle(text), limits), PickleError, problem);
  assertEquals(error.offset, offset, JSON.stringify(text));
}

Deno.test("opcodes for other picklers are refused by name", () => {
  refuses("Pid\n.", "persistent ids (PERSID) are not supported", 0);
  refuses("NQ.", "persistent ids (BINPERSID) are not supported", 1);
  refuses("\x82\x01.", "extension codes (EXT1)", 0);
  refuses("\x83\x01\x00.", "extension codes (EXT2)", 0);
  refuses("\x84\x01\x00\x00\x00.", "extension codes (EXT4)", 0);
  refuses("\x97.", "out-of-band buffers (NEXT_BUFFER)", 0);
  refuses("N\x98.", "out-of-band buffers (READONLY_BUFFER)", 1);
});

Deno.test("what is not a pickle is refused at the byte where that shows", () => {
  refuses("", "it has no STOP", 0);
  refuses("N", "it has no STOP", 1);
  refuses(".", "an opcode lacks its operands", 0);
  refuses("NN\xff.", "0xff is not a pickle opcode (at byte 2 of the pickle)", 2);
  refuses("\x80\x06N.", "pickle protocol 6 is not known", 0);
  refuses("K", "cut short", 0);
  refuses("J\x00\x00\x00", "cut short", 0);
  refuses("G\x00", "cut short", 0);
  refuses("I12", "cut short in a line of text", 0);
  refuses("cmodule\nname", "cut short in a line of text", 0);
  refuses("I1x\n.", "an int is not decimal", 0);
  refuses("L0x10L\n.", "an int is not decimal", 0);
  refuses("Fone\n.", "a float is not a number", 0);
  refuses("F\n.", "a float is not a number", 0);
  refuses("]g-1\n.", "a memo index is not a number", 1);
  refuses("]p99999999999\n.", "a memo index is not a number", 1);
  refuses("h\x00.", "a reference has no value in the memo", 0);
  refuses("]\x94j\x01\x00\x00\x00.", "a reference has no value in the memo", 2);
});

Deno.test("lengths that the pickle cannot hold are refused, and nothing is made of them", () => {
  for (const opcode of ["C", "U", "\x8c", "\x8a"]) refuses(`${opcode}\xffabc`, "cut short", 0);
  for (const opcode of ["X", "B"]) refuses(`${opcode}\xff\xff\xff\xffabc`, "cut short", 0);
  for (const opcode of ["\x8d", "\x8e", "\x96", "\x95"]) {
    refuses(`${opcode}\xff\xff\xff\xff\xff\xff\xff\xffabc`, "cut short", 0);
    refuses(`${opcode}\x00\x00\x00\x00\x01\x00\x00\x00abc`, "cut short", 0);
  }
  for (const opcode of ["T", "\x8b"]) {
    refuses(`${opcode}\xff\xff\xff\xffabc`, "a length is negative", 0);
  }
  refuses("T\xff\xff\xff\x7fabc", "cut short", 0);
  refuses("\x8b\xff\xff\xff\x7fabc", `an int has over ${MAX_INT_BYTES} bytes`, 0);
});

Deno.test("opcodes without their operands, or with others than theirs, are refused", () => {
  for (const opcode of ["0", "1", "t", "l", "d", "\x91"]) refuses(opcode, "lacks its MARK", 0);
  for (const opcode of ["2", "a", "s", "b", "R", "\x81", "\x85", "\x86", "\x87", "\x92", "\x93"]) {
    refuses(opcode, "an opcode lacks its operands", 0);
    refuses(`NNN(${opcode}`, "an opcode lacks its operands", 4);
  }
  refuses("\x94.", "an opcode lacks its operands", 0);
  refuses("(e.", "an opcode lacks its operands", 1);
  refuses("(NNNd.", "a dict has a key without a value", 4);
  refuses("}(Nu.", "a dict has a key without a value", 3);
  refuses("}Na.", "items for a value that takes none (PyDict)", 2);
  refuses("]NNs.", "keys and values for a value that takes none (Array)", 3);
  refuses("](N\x90.", "items for a value that takes none (Array)", 3);
  refuses("N}b.", "a state for a value that takes none (None)", 2);
  refuses("NN\x93.", "the name of a class or function is not a str", 2);
  refuses("N)R.", "neither a class nor a function", 2);
  refuses("]N\x81.", "the arguments of a call are not a tuple", 2);
  refuses("cm\nC\n]R.", "the arguments of a call are not a tuple", 6);
  refuses("cm\nC\n))\x92.", "the keyword arguments of a call are not a dict", 7);
  refuses("(o.", "neither a class nor a function", 1);
});

Deno.test("a call whose result is dropped is refused: its effects could not be kept", () => {
  refuses("Ncm\nf\n)R0.", "a call is made and its result dropped", 7);
});

Deno.test("text that is not what it should be is refused", () => {
  refuses("\x8c\x01\xff.", "a string is not valid UTF-8", 2);
  refuses("\x8c\x03\xed\xa0\x00.", "a string is not valid UTF-8", 2);
  refuses("\x8c\x06\xed\xa0\x80\xed\xb0\x80.", "two lone surrogates that would make a pair", 2);
  refuses("V\\ud800\\udc00\n.", "two lone surrogates that would make a pair", 0);
  refuses("V\\u12\n.", "escape that is cut short", 0);
  refuses("V\\U00110000\n.", "beyond Unicode", 0);
  refuses("S'\\x1'\n.", "a malformed escape", 0);
  refuses("Sabc\n.", "not quoted", 0);
  refuses("S'\n.", "not quoted", 0);
});

Deno.test("limits on size, elements and depth hold, and what is within them passes", () => {
  refuses("]]]0000", "a pickle of 7 bytes is over the limit of 6", undefined, { maxBytes: 6 });
  refuses("NNNN.", "over 3 elements", 3, { maxElements: 3 });
  refuses(")\x85\x85\x85.", "nested more than 3 levels deep", undefined, { maxDepth: 3 });
  loads(pickle(")\x85\x85."), { maxDepth: 3, maxElements: 4, maxBytes: 4 });
});

Deno.test("values may be nested to the depth that is documented, both ways", () => {
  const nested = (depth: number) => pickle("]".repeat(depth) + "a".repeat(depth - 1) + ".");
  const deepest = loads(nested(MAX_DEPTH));
  dumps(deepest);
  assertThrows(() => loads(nested(MAX_DEPTH + 1)), PickleError, "nested more than 1000 levels");
  assertThrows(() => dumps([deepest]), PickleError, "nested more than 1000 levels");
  assertThrows(() => loads(nested(1_000_000)), PickleError, "nested more than 1000 levels");
});

Deno.test("nesting is counted through every kind of value, and not twice for what is shared", () => {
  for (
    const level of [
      (inner: string) => `${inner}\x85`,
      (inner: string) => `]${inner}a`,
      (inner: string) => `}N${inner}s`,
      (inner: string) => `}${inner}Ns`,
      (inner: string) => `\x8f(${inner}\x90`,
      (inner: string) => `(${inner}\x91`,
      (inner: string) => `cm\nC\n)\x81${inner}b`,
      (inner: string) => `cm\nC\n)\x81${inner}a`,
      (inner: string) => `cm\nC\n)\x81N${inner}s`,
      (inner: string) => `(cm\nC\n${inner}o`,
    ]
  ) {
    let text = ")";
    for (let depth = 1; depth < 20; depth++) text = level(text);
    loads(pickle(`${text}.`), { maxDepth: 20 });
    refuses(`${text}.`, "nested more than 19 levels deep", undefined, { maxDepth: 19 });
  }
  loads(pickle("](" + ")".repeat(100) + "e."), { maxDepth: 2 });
  loads(pickle("]\x94(" + "h\x00".repeat(100) + "e."), { maxDepth: 2 });
});

Deno.test("a huge memo index takes no memory, and doubling takes no time", () => {
  const indexes = Array.from(
    { length: 1000 },
    (_, at) => `Nr${String.fromCharCode(at & 255, at >> 8)}\xff\xff0`,
  );
  assertEquals(loads(pickle(`${indexes.join("")}N.`)), null);
  const doubled = loads(pickle(`)${"2\x86".repeat(900)}.`));
  assertEquals(dumps(doubled).length < 10_000, true);
});

Deno.test("long strings and ints repeated by reference count as size", () => {
  const text = "x".repeat(20_000);
  const size = "\x20\x4e\x00\x00";
  const repeated = `](X${size}${text}\x94${"h\x00".repeat(100)}e.`;
  refuses(repeated, "unfolds to more than maxBytes", 20_050, { maxBytes: 450_000 });
  loads(pickle(repeated), { maxBytes: 2_100_000 });
  const int = `](\x8b${size}${text}\x94${"h\x00".repeat(100)}e.`;
  refuses(int, "unfolds to more than maxBytes", 20_050, { maxBytes: 450_000 });
});

Deno.test("ints of the size that is documented are read and written, larger ones refused", () => {
  const largest = 2n ** BigInt(MAX_INT_BYTES * 8 - 1) - 1n;
  assertEquals(loads(dumps(largest)) === largest, true);
  assertThrows(() => dumps(largest + 1n), PickleError, "an int has over");
  const digits = "9".repeat(1 << 20);
  assertEquals(typeof loads(pickle(`L${digits}L\n.`)), "bigint");
  refuses(`L9${digits}L\n.`, "an int has more than", 0);
});

Deno.test("the default limits let large messages pass", () => {
  const payload = new Uint8Array(120 << 20);
  assertEquals((loads(dumps([payload])) as Uint8Array[])[0]?.length, payload.length);
  assertEquals(DEFAULT_LIMITS.maxElements > 5_000_000, true);
});

Deno.test("what is not a Python value is not written", () => {
  for (const wrong of [undefined, Symbol("s"), () => 1, {}, new Date(), new Map()]) {
    assertThrows(() => dumps([wrong as PyValue]), PickleError, "not a Python value");
  }
});

Deno.test("a value that only contains itself, which Python could not make, ends in an error", () => {
  const tuple = new PyTuple([]);
  tuple.items.push(tuple, tuple);
  assertThrows(() => dumps(tuple), PickleError, "nested more than");
  const args = new PyTuple([]);
  const object = new PyObject({ kind: "reduce", callable: new PyGlobal("m", "f"), args });
  args.items.push(object);
  assertThrows(() => dumps(PyDict.from({ object })), PickleError, "nested more than");
});

Deno.test("an error after which the writer is used again leaves nothing behind", () => {
  assertThrows(() => dumps(["text", undefined as unknown as PyValue]), PickleError);
  assertEquals(dumps(null), pickle("\x80\x04N."));
});

Deno.test("errors never quote what a pickle holds", () => {
  for (const text of ["\x8c\x06secretR.", "I secret\n.", "F secret\n.", "S secret\n."]) {
    const error = assertThrows(() => loads(pickle(text)), PickleError);
    assertEquals(error.message.includes("secret"), false, error.message);
  }
});
