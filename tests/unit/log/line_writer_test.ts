import { assertEquals } from "@std/assert/equals.js";
import { LineWriter } from "../../../src/log/line_writer.ts";

/** An output which accepts, per call, what its script says; an Error in it is thrown. */
class ScriptedOutput {
  text = "";
  script: (number | Error)[] = [];

  readonly writeSync = (bytes: Uint8Array): number => {
    const step = this.script.shift() ?? bytes.length;
    if (step instanceof Error) throw step;
    const count = Math.min(step, bytes.length);
    this.text += new TextDecoder().decode(bytes.subarray(0, count));
    return count;
  };
}

function writerTo(output: ScriptedOutput): LineWriter {
  return new LineWriter(output.writeSync, (count) => `(${count} lost)`);
}

Deno.test("partial writes are continued until the line is out", () => {
  const output = new ScriptedOutput();
  output.script = [2, 1];
  writerTo(output).write("abcdef");
  assertEquals(output.text, "abcdef\n");
});

Deno.test("what a full pipe does not take waits, in order, for the next line", () => {
  const output = new ScriptedOutput();
  const writer = writerTo(output);
  output.script = [3, new Deno.errors.WouldBlock("EAGAIN")];
  writer.write("first");
  assertEquals(output.text, "fir");
  writer.write("second");
  assertEquals(output.text, "first\nsecond\n");
});

Deno.test("a full pipe cannot take memory without limit, and what was lost is said", () => {
  const output = new ScriptedOutput();
  const writer = writerTo(output);
  const line = "x".repeat(1023);
  for (let count = 0; count < 300; count++) {
    output.script = Array.from({ length: 3 }, () => new Deno.errors.WouldBlock("EAGAIN"));
    writer.write(line);
  }
  assertEquals(output.text, "");
  output.script = [];
  writer.write("after");
  const lines = output.text.split("\n");
  assertEquals(lines.filter((text) => text === line).length, 256);
  assertEquals(lines.slice(-3), ["(44 lost)", "after", ""]);
});

Deno.test("a closed pipe never throws, and the loss is counted once it works again", () => {
  const output = new ScriptedOutput();
  const writer = writerTo(output);
  for (const line of ["one", "two", "three"]) {
    // The third write tries the report of the first two losses as well, which is lost again.
    output.script = [new Deno.errors.BrokenPipe("EPIPE"), new Deno.errors.BrokenPipe("EPIPE")];
    writer.write(line);
  }
  assertEquals(output.text, "");
  output.script = [];
  writer.write("four");
  assertEquals(output.text, "(3 lost)\nfour\n");
});
