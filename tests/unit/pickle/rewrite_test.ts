import { assertEquals } from "@std/assert/equals.js";
import { assertThrows } from "@std/assert/throws.js";
import {
  dumps,
  loads,
  PickleError,
  protocolReadByWriter,
  PyDict,
  type PyValue,
  readableBy,
  REWRITE_LIMITS,
} from "../../../src/pickle/mod.ts";
import { describe, pickle } from "./describe.ts";

Deno.test("a pickle that its reader reads is passed on unopened, whatever is in it", () => {
  const cases: [protocol: number, pickle: string][] = [
    [5, "\x80\x05 this is no pickle"],
    [5, "\x80\x04 nor is this"],
    [4, "\x80\x04 nor this"],
    [3, "\x80\x03 nor this"],
    [2, "\x80\x02U\x01\xff."],
    [2, "U\x01\xff."],
    [4, "\x80\x02U\x01aX\x01\x00\x00\x00b\x86."],
  ];
  for (const [protocol, text] of cases) {
    const bytes = pickle(text);
    assertEquals(readableBy(protocol, bytes) === bytes, true, text);
  }
});

Deno.test("of protocol 5, protocol 4 lacks bytearrays; all else stays as it is", () => {
  const bytes = pickle(
    "\x80\x05\x95\x2f\x00\x00\x00\x00\x00\x00\x00(]\x94\x96\x02\x00\x00\x00\x00\x00\x00\x00\xfe\xff\x94" +
      "\x95\x01\x00\x00\x00\x00\x00\x00\x00h\x01\x8c\x02hi\x94P\x0at.",
  );
  assertEquals(
    readableBy(4, bytes),
    pickle(
      "\x80\x04(]\x94cbuiltins\nbytearray\n\x8e\x02\x00\x00\x00\x00\x00\x00\x00\xfe\xff\x85R\x94" +
        "h\x01\x8c\x02hi\x94P\x0at.",
    ),
  );
});

Deno.test("a pickle of Python 3 is written anew for Python 2, and for the first Python 3", () => {
  const value: PyValue = [new Uint8Array([255]), "é", PyDict.from({ a: 1n }), 2n ** 70n];
  const bytes = dumps(value);
  assertEquals(describe(loads(readableBy(3, bytes))), describe(value));
  assertEquals(describe(loads(readableBy(2, bytes))), describe(value));
  assertEquals(readableBy(2, bytes)[1], 2);
});

Deno.test("Python 3 gets a str of Python 2 as text where it is ASCII, and else as bytes", () => {
  const bytes = pickle("\x80\x02(U\x01aU\x02\xc3\xa9X\x02\x00\x00\x00\xc3\xa9S'\\xff'\nt.");
  const expected = "(\"a\", b'c3a9', \"é\", b'ff')";
  for (const protocol of [3, 4, 5]) {
    assertEquals(describe(loads(readableBy(protocol, bytes))), expected);
  }
});

Deno.test("Python 3 gets dates and times of Python 2 with the bytes that they are made of", () => {
  const time = pickle("\x80\x02U\x01\xffcdatetime\ntime\nU\x06\x0c\x1e\x00\x00\x00\x00\x85R\x86.");
  const read = describe(loads(readableBy(4, time)));
  assertEquals(read, "(b'ff', reduce(<datetime.time>; (b'0c1e00000000')))");
});

Deno.test("what cannot be written anew is refused with the reason", () => {
  const cases: [protocol: number, pickle: Uint8Array, reason: string][] = [
    [4, pickle("\x80\x05]"), "cut short"],
    [4, pickle("\x80\x05\xff."), "not a pickle opcode"],
    [4, pickle("\x80\x05\x97."), "buffers beside the pickle"],
    [2, pickle("\x80\x05\x97."), "out-of-band buffers"],
    [4, pickle("\x80\x06N."), "pickle protocol 6 is not known"],
    [2, pickle("\x80\x04" + "N".repeat(REWRITE_LIMITS.maxElements) + "."), "over 1048576 elements"],
    [2, pickle("\x80\x04P\n."), "persistent ids"],
    [4, pickle("\x80\x02U\x05ab"), "cut short"],
  ];
  for (const [protocol, bytes, reason] of cases) {
    assertThrows(() => readableBy(protocol, bytes), PickleError, reason);
  }
});

Deno.test("what a Python reads shows in what it writes", () => {
  const cases: [pickle: string, protocol: number][] = [
    ["\x80\x05K\x01.", 5],
    ["\x80\x04}.", 4],
    ["\x80\x03}.", 3],
    // Python 3 that was told to write protocol 2, and Python 2.
    ["\x80\x02}q\x00X\x04\x00\x00\x00nodeK\x01s.", 3],
    ["\x80\x02}q\x00U\x04nodeK\x01s.", 2],
    ["(dp0\nS'node'\nI1\ns.", 2],
    ["\x80\x02K\x01.", 2],
  ];
  for (const [text, protocol] of cases) {
    assertEquals(protocolReadByWriter(pickle(text)), protocol, text);
  }
  assertThrows(() => protocolReadByWriter(pickle("\x80\x02}")), PickleError);
});
