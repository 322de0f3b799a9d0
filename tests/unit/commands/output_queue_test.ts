/** What `submit` prints comes in order, and waits for nobody. */

import { assertEquals } from "@std/assert/equals.js";
import { CommandError } from "../../../src/commands/command_error.ts";
import { OutputQueue } from "../../../src/commands/submit/output_queue.ts";

/** A terminal that two outputs share; it takes nothing while it is stopped. */
class Terminal {
  text = "";
  gate: PromiseWithResolvers<void> | null = null;
  error: Error | null = null;

  readonly write = async (bytes: Uint8Array): Promise<number> => {
    await this.gate?.promise;
    if (this.error !== null) throw this.error;
    const count = Math.min(3, bytes.length);
    this.text += new TextDecoder().decode(bytes.subarray(0, count));
    return count;
  };

  stop(): void {
    this.gate = Promise.withResolvers();
  }

  goOn(): void {
    this.gate?.resolve();
    this.gate = null;
  }
}

const bytes = (text: string) => new TextEncoder().encode(text);

function queue() {
  const errors: Error[] = [];
  return { errors, queue: new OutputQueue((error) => errors.push(error)) };
}

Deno.test("outputs that share a terminal keep their order, whatever it takes at a time", async () => {
  const terminal = new Terminal();
  const { queue: all } = queue();
  const [stdout, stderr] = [all.output(terminal), all.output({ write: terminal.write })];
  stdout.writeSync(bytes("result\n"));
  stderr.writeSync(bytes("note\n"));
  stdout.writeSync(bytes("another\n"));
  await all.flush();
  assertEquals(terminal.text, "result\nnote\nanother\n");
});

Deno.test("a terminal that takes nothing stops nobody; it is busy until it has taken all", async () => {
  const terminal = new Terminal();
  const { queue: all } = queue();
  const stdout = all.output(terminal);
  terminal.stop();
  assertEquals(stdout.isBusy, false);
  stdout.writeSync(bytes("result\n"));
  assertEquals([stdout.isBusy, terminal.text], [true, ""]);
  terminal.goOn();
  await all.flush();
  assertEquals([stdout.isBusy, terminal.text], [false, "result\n"]);
});

Deno.test("there is room until a mebibyte waits, and again when it was taken", async () => {
  const terminal = new Terminal();
  const { queue: all } = queue();
  terminal.stop();
  const stdout = all.output({
    write: async (chunk) => (await terminal.write(chunk), chunk.length),
  });
  stdout.writeSync(new Uint8Array(1024 * 1024));
  await all.room();
  stdout.writeSync(bytes("x"));
  let hasRoom = false;
  const room = all.room().then(() => hasRoom = true);
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(hasRoom, false);
  terminal.goOn();
  await room;
});

Deno.test("what cannot be written is told once, and nobody waits for it", async () => {
  for (const error of [new Deno.errors.BrokenPipe("EPIPE"), new Error("no space")]) {
    const terminal = new Terminal();
    const { errors, queue: all } = queue();
    terminal.error = error;
    const stdout = all.output(terminal);
    stdout.writeSync(bytes("one\n"));
    stdout.writeSync(bytes("two\n"));
    await all.flush();
    stdout.writeSync(bytes("three\n"));
    await all.room();
    const isPipe = error instanceof Deno.errors.BrokenPipe;
    assertEquals(errors.length, 1);
    assertEquals(errors[0] instanceof (isPipe ? Deno.errors.BrokenPipe : CommandError), true);
  }
});
