import { assertEquals } from "@std/assert/equals.js";
import { assertRejects } from "@std/assert/rejects.js";
import { LineTemplate } from "../../../src/cli/line_template.ts";
import {
  countLines,
  type Line,
  type LinePlan,
  makeLines,
} from "../../../src/commands/submit/lines.ts";

const ENCODER = new TextEncoder();

/** Opens something that comes in pieces. */
function pieces(...texts: (string | Uint8Array)[]) {
  return () =>
    Promise.resolve(
      ReadableStream.from(
        texts.map((text) => typeof text === "string" ? ENCODER.encode(text) : text),
      ),
    );
}

async function all(plan: Partial<LinePlan>, open = pieces()): Promise<Line[]> {
  const lines = makeLines({ command: null, lineDepends: [], source: FILE, ...plan }, open);
  return await Array.fromAsync(lines);
}

const FILE = { kind: "file", path: "f", isNullSeparated: false } as const;
const commands = (lines: readonly Line[]) => lines.map(({ command }) => command);

Deno.test("each line is a command line; blank ones are none, and the last needs no line break", async () => {
  const lines = await all({}, pieces("one\n\n  \ntw", "o x\nthr", "ee"));
  assertEquals(commands(lines), ["one", "two x", "three"]);
  assertEquals(lines.map(({ number }) => number), [1, 2, 3]);
});

Deno.test("with a command each line is an input, blank ones too, quoted where they must be", async () => {
  const plan = { command: new LineTemplate("echo {} {#}") };
  assertEquals(commands(await all(plan, pieces("a\n\nb c\n"))), [
    "echo a 1",
    "echo '' 2",
    "echo 'b c' 3",
  ]);
});

Deno.test("characters and lines that are split between pieces stay whole", async () => {
  const bytes = ENCODER.encode("grüße\nwörld\n");
  const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
  assertEquals(commands(await all({}, pieces(...single))), ["grüße", "wörld"]);
});

Deno.test("inputs may end with NUL in place of line breaks", async () => {
  const plan = {
    command: new LineTemplate("{}"),
    source: { ...FILE, isNullSeparated: true },
  };
  assertEquals(commands(await all(plan, pieces("a\nb\0c\0"))), ["'a\nb'", "c"]);
});

Deno.test("lists give all combinations, the last changing fastest; files of a line are filled in", async () => {
  const lines = await all({
    command: new LineTemplate("{2}{1}"),
    lineDepends: [new LineTemplate("{1}.in"), new LineTemplate("d/{2}")],
    source: { kind: "lists", lists: [["a b", "c"], ["1", "2"]] },
  });
  assertEquals(commands(lines), ["1'a b'", "2'a b'", "1c", "2c"]);
  assertEquals(lines[1]?.depends, ["a b.in", "d/2"]);
});

Deno.test("how many lines there will be is known where no file is read", () => {
  const plan = { command: null, lineDepends: [] };
  assertEquals(countLines({ ...plan, source: { kind: "none" } }), 1);
  assertEquals(countLines({ ...plan, source: { kind: "lists", lists: [["a", "b"], ["c"]] } }), 2);
  assertEquals(countLines({ ...plan, source: FILE }), null);
});

Deno.test("what is not text is an error that names the file and the place", async () => {
  const bad = pieces("one\ntwo\n", Uint8Array.of(0xff, 0x0a));
  const error = await assertRejects(() => all({}, bad));
  assertEquals((error as Error).message, "f: what stands behind line 2 is not UTF-8 text");
  const nul = await assertRejects(() => all({}, pieces("one\nt\0wo\n")));
  assertEquals((nul as Error).message, "f: line 2 holds a NUL");
});
