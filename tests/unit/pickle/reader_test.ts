import { assertEquals } from "@std/assert/equals.js";
import { loads, PyDict, PyObject, type PyValue } from "../../../src/pickle/mod.ts";
import { describe, pickle } from "./describe.ts";

function reads(name: string, cases: Record<string, string>): void {
  Deno.test(name, () => {
    for (const [text, expected] of Object.entries(cases)) {
      assertEquals(describe(loads(pickle(text))), expected, JSON.stringify(text));
    }
  });
}

reads("constants and numbers of all protocols are read", {
  "N.": "None",
  "\x88.": "True",
  "\x89.": "False",
  "I01\n.": "True",
  "I00\n.": "False",
  "I1\n.": "1",
  "I-12345678901234567890\n.": "-12345678901234567890",
  "L5L\n.": "5",
  "L-5\n.": "-5",
  "L00L\n.": "0",
  "K\xff.": "255",
  "M\xff\xff.": "65535",
  "J\xff\xff\xff\xff.": "-1",
  "J\x00\x00\x00\x80.": "-2147483648",
  "\x8a\x00.": "0",
  "\x8a\x01\xff.": "-1",
  "\x8a\x02\xff\x00.": "255",
  "\x8a\x06\x00\x00\x00\x00\x00\x80.": "-140737488355328",
  "\x8a\x07\xff\xff\xff\xff\xff\xff\x7f.": "36028797018963967",
  "\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80.": "-9223372036854775808",
  "\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00.": "9223372036854775808",
  "\x8b\x02\x00\x00\x00\x01\x80.": "-32767",
  "G\x3f\xf8\x00\x00\x00\x00\x00\x00.": "float 1.5",
  "G\x80\x00\x00\x00\x00\x00\x00\x00.": "float -0",
  "F1.5\n.": "float 1.5",
  "F-0.0\n.": "float -0",
  "F1e+300\n.": "float 1e+300",
  "Finf\n.": "float Infinity",
  "F-inf\n.": "float -Infinity",
  "Fnan\n.": "float NaN",
});

reads("text of all protocols is read", {
  "\x8c\x02hi.": '"hi"',
  "\x8c\x00.": '""',
  "X\x02\x00\x00\x00\xc3\xa9.": '"é"',
  "\x8d\x04\x00\x00\x00\x00\x00\x00\x00\xf0\x9f\x98\x80.": '"😀"',
  "\x8c\x03\xef\xbb\xbf.": '"\ufeff"',
  "\x8c\x03\xed\xa0\x80.": '"\\ud800"',
  "\x8c\x09a\xed\xb3\xbfb\xc3\xa9cd.": '"a\\udcffbécd"',
  "\x8c\x06\xed\xb0\x80\xed\xa0\x80.": '"\\udc00\\ud800"',
  "Vabc\n.": '"abc"',
  "V\xe9\\u20ac\\U0001f600\n.": '"é€😀"',
  "V\\u005c\\u000a\\ud800\n.": '"\\\\\\n\\ud800"',
  "V\\\\u0041\\x\\\n.": '"\\\\\\\\u0041\\\\x\\\\"',
  "U\x03abc.": '"abc"',
  "T\x03\x00\x00\x00abc.": '"abc"',
  "S'it\\'s'\n.": '"it\'s"',
  'S"a\\n\\x41\\101\\0\\\\\\"\\q"\n.': '"a\\nAA\\u0000\\\\\\"\\\\q"',
});

reads("bytes and bytearrays of all protocols are read", {
  "C\x02\x00\xff.": "b'00ff'",
  "B\x01\x00\x00\x00a.": "b'61'",
  "\x8e\x01\x00\x00\x00\x00\x00\x00\x00a.": "b'61'",
  "\x96\x01\x00\x00\x00\x00\x00\x00\x00a.": "bytearray '61'",
  "c_codecs\nencode\n(V\xff\x00a\nVlatin1\ntR.": "b'ff0061'",
  "c__builtin__\nbytes\n(tR.": "b''",
  "c__builtin__\nbytearray\n(tR.": "bytearray ''",
  "c__builtin__\nbytearray\n(C\x01atR.": "bytearray '61'",
  "c__builtin__\nbytearray\n(Va\xff\nVlatin-1\ntR.": "bytearray '61ff'",
  "c_codecs\nencode\n(V\\u20ac\nVlatin1\ntR.": 'reduce(<_codecs.encode>; ("€", "latin1"))',
  "c_codecs\nencode\n(Va\nVutf8\ntR.": 'reduce(<_codecs.encode>; ("a", "utf8"))',
});

reads("containers of all protocols are read", {
  ").": "()",
  "(t.": "()",
  "K\x01\x85.": "(1)",
  "K\x01K\x02\x86.": "(1, 2)",
  "K\x01K\x02K\x03\x87.": "(1, 2, 3)",
  "(K\x01K\x02K\x03K\x04t.": "(1, 2, 3, 4)",
  "].": "[]",
  "(K\x01K\x02l.": "[1, 2]",
  "]K\x01a.": "[1]",
  "](K\x01K\x02e.": "[1, 2]",
  "](e.": "[]",
  "}.": "{}",
  "(K\x01K\x02d.": "{1: 2}",
  "}K\x01K\x02s.": "{1: 2}",
  "}(K\x01NK\x02Nu.": "{1: None, 2: None}",
  "}(K\x01NK\x02NK\x01\x88u.": "{1: True, 2: None}",
  "\x8f(K\x01K\x02\x90.": "set {1, 2}",
  "\x8f(K\x01K\x01\x90(\x88K\x02\x90.": "set {1, 2}",
  "(K\x01K\x02K\x01\x91.": "frozenset {1, 2}",
  "c__builtin__\nset\n((K\x01K\x02K\x01ltR.": "set {1, 2}",
  "c__builtin__\nfrozenset\n(](K\x01K\x02etR.": "frozenset {1, 2}",
  "c__builtin__\nset\n((K\x01ttR.": "reduce(<builtins.set>; ((1)))",
});

reads("objects are kept as Python would make and fill them", {
  "cm\nC\n)R.": "reduce(<m.C>; ())",
  "cm\nC\n)\x81}\x8c\x01aNsb.": 'newobj(<m.C>; ()).build {"a": None}',
  "cm\nC\n)}\x92.": "newobj_ex(<m.C>; (); {})",
  "(K\x01im\nC\n.": "inst(<m.C>; 1)",
  "(cm\nC\nK\x01K\x02o.": "inst(<m.C>; 1, 2)",
  "cm\nC\n)\x81K\x01a(K\x02K\x03e.": "newobj(<m.C>; ()).append 1.append 2, 3",
  "cm\nC\n)\x81K\x01Ns(K\x02NK\x03Nu.": "newobj(<m.C>; ()).set 1: None.set 2: None, 3: None",
  "cm\nC\n)\x81(K\x01K\x02\x90(\x90.": "newobj(<m.C>; ()).add 1, 2",
  "\x8c\x01m\x8c\x01C\x93.": "<m.C>",
  "\x80\x04\x8c\x01m\x8c\x03A.B\x93.": "<m.A.B>",
  "\x80\x03cm\n\xc3\x89\n.": "<m.É>",
});

reads("names of Python 2 become those of Python 3, up to protocol 2", {
  "c__builtin__\nxrange\n.": "<builtins.range>",
  "c__builtin__\nint\n.": "<builtins.int>",
  "\x80\x02ccopy_reg\n_reconstructor\n.": "<copyreg._reconstructor>",
  "cexceptions\nKeyError\n.": "<builtins.KeyError>",
  "cexceptions\nStandardError\n.": "<builtins.Exception>",
  "curllib\nquote\n.": "<urllib.parse.quote>",
  "curllib\nother\n.": "<urllib.other>",
  "(iQueue\nQueue\n.": "inst(<queue.Queue>; )",
  "\x80\x03c__builtin__\nxrange\n.": "<__builtin__.xrange>",
  "\x80\x04\x8c\x05Queue\x8c\x01Q\x93.": "<Queue.Q>",
});

reads("what a pickle shares is shared, by every way to store and fetch", {
  "]\x94h\x00\x86.": "([], $1)",
  "]q\x05h\x05\x86.": "([], $1)",
  "]r\x00\x01\x00\x00j\x00\x01\x00\x00\x86.": "([], $1)",
  "]p7\ng7\n\x86.": "([], $1)",
  "]2\x86.": "([], $1)",
  "]]\x86.": "([], [])",
  "C\x01a\x942h\x00\x87.": "(b'61', $1, $1)",
  // MEMOIZE counts what is in the memo, PUT chooses its own place.
  "]q\x05}\x94h\x05h\x01\x86\x87.": "([], {}, ($1, $2))",
  "]r\xff\xff\xff\xff}\x94j\xff\xff\xff\xffh\x01\x86\x87.": "([], {}, ($1, $2))",
  // A second PUT replaces the first.
  "]q\x00}q\x00h\x00\x87.": "([], {}, $2)",
  "]r\xff\xff\x00\x00}r\xff\xff\x00\x00j\xff\xff\x00\x00\x87.": "([], {}, $2)",
});

reads("cycles are closed", {
  "]\x94h\x00a.": "[$0]",
  "}\x94\x8c\x01kh\x00s.": '{"k": $0}',
  "]\x94h\x00\x85\x94a0h\x01.": "([$0])",
  "]\x94(h\x00h\x00\x85\x94a1h\x01.": "([$0])",
  "cm\nC\n)\x81\x94}\x8c\x01ah\x00sb.": 'newobj(<m.C>; ()).build {"a": $0}',
  "]\x94(h\x00\x91\x94a0h\x01.": "frozenset {[$0]}",
});

reads("POP drops a value, or a MARK with nothing on it", {
  "K\x01K\x020.": "1",
  "K\x01(0.": "1",
  "K\x01(K\x02K\x031.": "1",
});

reads("a state setter is kept as the step it is", {
  "cm\nC\n)R\x94cm\nset\nh\x00}\x86R0.": "reduce(<m.C>; ()).build <m.set>{}",
});

reads("an object made twice because it contains itself is the one that was fetched", {
  "cm\nf\n\x94]\x94(h\x00h\x01\x85R\x94e\x85R0h\x02.": "reduce(<m.f>; ([$0]))",
});

Deno.test("what follows the end of a pickle is ignored", () => {
  assertEquals(loads(pickle("N.garbage")), null);
});

Deno.test("frames and the protocol's number mean nothing to the value", () => {
  assertEquals(loads(pickle("\x80\x05\x95\x02\x00\x00\x00\x00\x00\x00\x00K\x01.")), 1n);
});

Deno.test("bytes are views into the pickle, not copies", () => {
  const bytes = pickle("C\x02ab.");
  const value = loads(bytes) as Uint8Array;
  assertEquals(value.buffer, bytes.buffer);
  assertEquals(value.byteOffset, 2);
});

Deno.test("a pickle may lie anywhere in its buffer", () => {
  const bytes = pickle("xxxG\x3f\xf8\x00\x00\x00\x00\x00\x00.xxx").subarray(3, -3);
  assertEquals(loads(bytes), 1.5);
});

Deno.test("an object knows the name of its class", () => {
  const name = (text: string) => (loads(pickle(text)) as PyObject).className;
  assertEquals(name("cmod\nC\n)\x81."), "mod.C");
  assertEquals(name("cmod\nf\n)R."), "mod.f");
  assertEquals(name("cbuiltins\ngetattr\n)R)R."), "");
});

Deno.test("keys equal in Python are one key of a dict", () => {
  const dict = loads(
    pickle("}(K\x01\x8c\x01a\x88\x8c\x01bG\x3f\xf0\x00\x00\x00\x00\x00\x00\x8c\x01cu."),
  );
  assertEquals(describe(dict), '{1: "c"}');
  assertEquals((dict as PyDict).get(true as PyValue), "c");
});
