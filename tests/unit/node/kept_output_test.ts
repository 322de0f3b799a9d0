import { assertEquals } from "@std/assert/equals.js";
import { KeptOutput } from "../../../src/node/kept_output.ts";

function printed(limitBytes: number, ...texts: string[]): KeptOutput {
  const output = new KeptOutput("stdout", limitBytes);
  for (const text of texts) output.push(new TextEncoder().encode(text));
  return output;
}

Deno.test("output up to the limit is kept as it is, also where a character is cut in two", () => {
  const output = new KeptOutput("stderr", 5);
  output.push(Uint8Array.of(0x61, 0xc3));
  output.push(Uint8Array.of(0xa9, 0x62, 0xff));
  assertEquals(output.text(), "aéb\ufffd");
});

Deno.test("output past the limit is counted, wherever it was dropped", () => {
  const said = "[4 more bytes of stdout were dropped: the node keeps 3]\n";
  assertEquals(printed(3, "ab", "cde", "fg").text(), `abc\n${said}`);
  assertEquals(printed(3, "ab", "c").text(4), `abc\n${said}`);
});

Deno.test("of the buffer that a line came in nothing but the line is kept", () => {
  const output = new KeptOutput("stdout", 1 << 20);
  // As a pipe is read: 64 KiB for each read, however little has come.
  const buffer = new Uint8Array(64 * 1024);
  for (const text of ["one\n", "two\n", "three\n"]) {
    const { written } = new TextEncoder().encodeInto(text, buffer);
    output.push(buffer.subarray(0, written));
  }
  assertEquals(output.text(), "one\ntwo\nthree\n");
});
