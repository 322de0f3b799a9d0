import { assertEquals } from "@std/assert/equals.js";
import { assertRejects } from "@std/assert/rejects.js";
import { LineTemplate } from "../../../src/cli/line_template.ts";
import type { InputList, InputSource } from "../../../src/cli/submit_options.ts";
import {
  countLines,
  type Line,
  type LinePlan,
  openLines,
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
  const lines = await openLines({ command: null, lineDepends: [], source: FILE, ...plan }, open);
  return await Array.fromAsync(lines);
}

const FILE = lists({ files: ["f"] });

/** A source whose lists are all combined. */
function lists(...from: InputList["from"][]): InputSource {
  return { lists: from.map((each) => ({ from: each, isLinked: false })), isNullSeparated: false };
}

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
    source: lists({ texts: ["a b", "c"] }, { texts: ["1", "2"] }),
  });
  assertEquals(commands(lines), ["1'a b'", "2'a b'", "1c", "2c"]);
  assertEquals(lines[1]?.depends, ["a b.in", "d/2"]);
});

Deno.test("how many lines there will be is known where no file is read", () => {
  const plan = { command: null, lineDepends: [] };
  assertEquals(countLines({ ...plan, source: lists() }), 1);
  assertEquals(countLines({ ...plan, source: lists({ texts: ["a", "b"] }, { texts: ["c"] }) }), 2);
  assertEquals(countLines({ ...plan, source: FILE }), null);
});

Deno.test("what is not text is an error that names the file and the place", async () => {
  const bad = pieces("one\ntwo\n", Uint8Array.of(0xff, 0x0a));
  const error = await assertRejects(() => all({}, bad));
  assertEquals((error as Error).message, '"f": what stands behind line 2 is not UTF-8 text');
  const nul = await assertRejects(() => all({}, pieces("one\nt\0wo\n")));
  assertEquals((nul as Error).message, '"f": line 2 holds a NUL');
});

Deno.test("linked inputs go in step until the shorter one ends, and are combined with others", async () => {
  const source = {
    lists: [
      { from: { texts: ["a", "b", "c"] }, isLinked: false },
      { from: { files: ["f"] }, isLinked: true },
      { from: { texts: ["x", "y"] }, isLinked: false },
    ],
    isNullSeparated: false,
  };
  const plan = { command: new LineTemplate("{}"), lineDepends: [], source };
  assertEquals(commands(await all(plan, pieces("1\n2\n"))), ["a 1 x", "a 1 y", "b 2 x", "b 2 y"]);
  assertEquals(countLines(plan), null);
  const texts = { from: { texts: ["1", "2"] }, isLinked: true };
  const known = { ...source, lists: source.lists.with(1, texts) };
  assertEquals(countLines({ ...plan, source: known }), 4);
});

Deno.test("a command stands for the place of a file that its line brings; others stay as they are", async () => {
  const inputs = lists({ texts: ["../a/x.csv", "/d/y.csv", "below/z.csv", `${Deno.cwd()}/w.csv`] });
  const command = new LineTemplate("{} {.} {//}");
  const brought = await all({
    command,
    lineDepends: [new LineTemplate("{}"), new LineTemplate("{.}.hdr")],
    source: inputs,
  });
  assertEquals(commands(brought), [
    "a/x.csv a/x a",
    "d/y.csv d/y d",
    "below/z.csv below/z below",
    "w.csv w .",
  ]);
  assertEquals(brought[0]?.depends, ["../a/x.csv", "../a/x.hdr"]);
  const others = await all({
    command,
    lineDepends: [new LineTemplate("data/{/}")],
    source: inputs,
  });
  assertEquals(commands(others)[0], "../a/x.csv ../a/x ../a");
});

Deno.test("two files of a line that would have one place are refused", async () => {
  const error = await assertRejects(() =>
    all({
      command: new LineTemplate("cat {1} {2}"),
      lineDepends: [new LineTemplate("{1}"), new LineTemplate("{2}")],
      source: lists({ texts: ["../x"] }, { texts: ["/x"] }),
    })
  );
  assertEquals(
    (error as Error).message,
    'line 1: "../x" and "/x" would both be "x" at the node; give one of them another name',
  );
});

Deno.test("inputs that cannot be opened or read are named before any line is made", async () => {
  const source = (path: string) => lists({ files: [path] });
  const refused = async (path: string) => {
    const plan = { command: null, lineDepends: [], source: source(path) };
    return (await assertRejects(() => openLines(plan)) as Error).message;
  };
  const folder = await Deno.makeTempDir();
  assertEquals(
    await refused(folder),
    `cannot read inputs from "${folder}": it is a directory; give a file`,
  );
  assertEquals(
    await refused(`${folder}/none`),
    `cannot read inputs from "${folder}/none": there is no such file`,
  );
  await Deno.remove(folder);
  const broken = () =>
    Promise.resolve(
      new ReadableStream<Uint8Array>({
        start: (controller) => controller.error(new Error("I/O error")),
      }),
    );
  const error = await assertRejects(() => all({}, broken));
  assertEquals((error as Error).message, 'cannot read "f": I/O error');
});
