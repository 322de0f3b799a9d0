import { assertEquals } from "@std/assert/equals.js";
import { bytesOfText, textOfBytes } from "../../../src/pickle/mod.ts";
import { Prng } from "../../sim/prng.ts";
import { pickle } from "./describe.ts";

Deno.test("bytes are text in UTF-8, and what is none is kept as lone surrogates", () => {
  const cases: [bytes: string, text: string][] = [
    ["", ""],
    ["abc", "abc"],
    ["\xc3\xa9", "é"],
    ["\xf0\x9f\x98\x80", "😀"],
    ["a\xffb", "a\udcffb"],
    ["\xc3", "\udcc3"],
    ["\xc3(", "\udcc3("],
    ["\xe2\x82", "\udce2\udc82"],
    ["\xed\xa0\x80", "\udced\udca0\udc80"],
    ["\xc0\xaf", "\udcc0\udcaf"],
    ["\xf4\x90\x80\x80é".slice(0, 4), "\udcf4\udc90\udc80\udc80"],
    ["\xff\xc3\xa9\xfe", "\udcffé\udcfe"],
  ];
  for (const [bytes, text] of cases) {
    assertEquals(textOfBytes(pickle(bytes)), text);
    assertEquals(bytesOfText(text), pickle(bytes));
  }
});

Deno.test("any bytes come back the same", () => {
  const prng = new Prng(1);
  for (let round = 0; round < 2000; round++) {
    const pieces = ["é", "€", "😀", "a", "\xff"].map((text) => new TextEncoder().encode(text));
    const bytes = Uint8Array.from(
      Array.from({ length: prng.int(0, 30) }, () => {
        const piece = prng.pick(pieces);
        return prng.pick([...piece, prng.int(0, 255)]);
      }),
    );
    assertEquals(bytesOfText(textOfBytes(bytes)), bytes);
  }
});
