import { assertEquals } from "@std/assert/equals.js";
import { dumpChunks, dumps, loads } from "../../../src/pickle/mod.ts";

/** Fewer pickles than this mean that Python failed to make most of them. */
const MIN_PICKLES = 5000;

/** Failures named in the message. */
const MAX_SHOWN = 100;

const script = new URL("./python_values.py", import.meta.url).pathname;

Deno.test({
  name: "what Python pickled comes back from us equal, of the same types and shared alike",
  ignore: !hasPython() && Deno.env.get("CI") !== "true",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      await python("make", folder);
      const index = JSON.parse(await Deno.readTextFile(`${folder}/index.json`));
      const { names, sizes }: { names: string[]; sizes: number[] } = index;
      assertEquals(names.length >= MIN_PICKLES, true, `only ${names.length} pickles were made`);

      const pickles = await Deno.readFile(`${folder}/pickles.bin`);
      let start = 0;
      const made = sizes.map((size, at): [string, Uint8Array] => [
        names[at] as string,
        pickles.subarray(start, start += size),
      ]);
      await compare(folder, made, 4, roundTrip);
      const some = made.filter(([name]) => name.endsWith("(protocol 4, C pickler)"));
      await compare(folder, some, 3, (pickle) => dumps(loads(pickle), 3));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** Has Python compare pickles of its own with what we have made of them. */
async function compare(
  folder: string,
  made: readonly [name: string, pickle: Uint8Array][],
  protocol: number,
  through: (pickle: Uint8Array, name: string) => Uint8Array,
): Promise<void> {
  const returned = made.map(([name, pickle]) => through(pickle, name));
  await Deno.writeFile(`${folder}/pickles.bin`, join(made.map(([, pickle]) => pickle)));
  await Deno.writeFile(`${folder}/returned.bin`, join(returned));
  const index = {
    names: made.map(([name]) => name),
    sizes: made.map(([, { length }]) => length),
    returned: returned.map(({ length }) => length),
    protocol,
  };
  await Deno.writeTextFile(`${folder}/index.json`, JSON.stringify(index));
  const failures: string[] = JSON.parse(await python("check", folder));
  console.log(
    `${made.length} pickles of Python went through protocol ${protocol}, ` +
      `${failures.length} came back wrong`,
  );
  if (failures.length > 0) throw new Error(failures.slice(0, MAX_SHOWN).join("\n"));
}

function roundTrip(pickle: Uint8Array, name: string): Uint8Array {
  let ours: Uint8Array;
  try {
    ours = dumps(loads(pickle));
    assertSame(dumps(loads(ours)), ours, "it changes when it goes through us once more");
    assertSame(join(dumpChunks(loads(pickle))), ours, "its chunks are something else");
  } catch (error) {
    throw new Error(`${name}: ${error}`, { cause: error });
  }
  return ours;
}

/** Of payloads that are too large to be shown. */
function assertSame(actual: Uint8Array, expected: Uint8Array, message: string): void {
  const same = actual.length === expected.length &&
    actual.every((byte, at) => byte === expected[at]);
  if (!same) throw new Error(message);
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let size = 0;
  for (const piece of pieces) {
    bytes.set(piece, size);
    size += piece.length;
  }
  return bytes;
}

function hasPython(): boolean {
  try {
    return new Deno.Command("python3", { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
}

/** What the script prints; its messages go to ours. */
async function python(command: "make" | "check", folder: string): Promise<string> {
  const { success, stdout } = await new Deno.Command("python3", {
    args: ["-B", "-W", "ignore", script, command, folder],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`python_values.py ${command} failed`);
  return new TextDecoder().decode(stdout);
}
