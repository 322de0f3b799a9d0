import { assertEquals } from "@std/assert/equals.js";
import { LineWriter } from "../../../src/log/line_writer.ts";

const LONG_MS = 10_000;

/** An output which accepts, per call, what its script says; an Error in it is thrown. */
class ScriptedOutput {
  text = "";
  script: (number | Error)[] = [];
  /** Nothing is taken before this resolves. */
  gate: Promise<void> = Promise.resolve();

  readonly write = async (bytes: Uint8Array): Promise<number> => {
    await this.gate;
    const step = this.script.shift() ?? bytes.length;
    if (step instanceof Error) throw step;
    const count = Math.min(step, bytes.length);
    this.text += new TextDecoder().decode(bytes.subarray(0, count));
    return count;
  };
}

function writerTo(output: ScriptedOutput): LineWriter {
  return new LineWriter(output.write, (count) => `(${count} lost)`);
}

Deno.test("partial writes are continued until the line is out", async () => {
  const output = new ScriptedOutput();
  output.script = [2, 1];
  const writer = writerTo(output);
  writer.write("abcdef");
  await writer.flush(LONG_MS);
  assertEquals(output.text, "abcdef\n");
});

Deno.test("what a full pipe does not take waits, in order, until it does", async () => {
  const output = new ScriptedOutput();
  const writer = writerTo(output);
  output.script = [3, new Deno.errors.WouldBlock("EAGAIN"), new Deno.errors.WouldBlock("EAGAIN")];
  writer.write("first");
  writer.write("second");
  await writer.flush(LONG_MS);
  assertEquals(output.text, "first\nsecond\n");
});

Deno.test("an output that nobody reads stops nothing, takes no memory without limit, and what was lost is said", async () => {
  const output = new ScriptedOutput();
  const read = Promise.withResolvers<void>();
  output.gate = read.promise;
  const writer = writerTo(output);
  const line = "x".repeat(1023);
  for (let count = 0; count < 5_000; count++) writer.write(line);
  await writer.flush(1);
  assertEquals(output.text, "", "flush waits no longer than it is told to");
  read.resolve();
  await writer.flush(LONG_MS);
  const lines = output.text.split("\n");
  assertEquals(lines.filter((text) => text === line).length, 4096);
  // It is said at once, not with the next line.
  assertEquals(lines.slice(-2), ["(904 lost)", ""]);
  writer.write("after");
  await writer.flush(LONG_MS);
  assertEquals(output.text.endsWith("(904 lost)\nafter\n"), true);
});

Deno.test("a closed pipe never throws, and the loss is counted once it works again", async () => {
  const output = new ScriptedOutput();
  const writer = writerTo(output);
  for (const line of ["one", "two", "three"]) {
    output.script = [new Deno.errors.BrokenPipe("EPIPE")];
    writer.write(line);
    await writer.flush(LONG_MS);
  }
  assertEquals(output.text, "");
  output.script = [];
  writer.write("four");
  await writer.flush(LONG_MS);
  assertEquals(output.text, "(3 lost)\nfour\n");
});
