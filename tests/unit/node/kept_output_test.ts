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
