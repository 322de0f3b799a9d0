/** Pickles of one Python, written anew by us, read by another. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { findPython } from "../../../scripts/pythons.ts";
import { dumps, loads, readableBy } from "../../../src/pickle/mod.ts";

const SCRIPT = new URL("./portable_values.py", import.meta.url).pathname;

/** What is looked for; those that this machine lacks are left out. */
const VERSIONS = ["2.7", ...Array.from({ length: 9 }, (_, n) => `3.${n + 6}`)];

/** Fewer values than this mean that a Python failed to write most of them. */
const MIN_VALUES = 40;

interface Installed {
  readonly version: string;
  readonly path: string;
  readonly isPython2: boolean;
  /** Highest protocol that it reads. */
  readonly protocol: number;
}

async function installed(): Promise<Installed[]> {
  const found = await Promise.all(VERSIONS.map(async (version) => {
    const python = await findPython(version);
    if ("unavailable" in python) return [];
    const [major, minor] = python.version;
    const isPython2 = major === 2;
    return [{ version, path: python.path, isPython2, protocol: isPython2 ? 2 : minor < 8 ? 4 : 5 }];
  }));
  return found.flat();
}

const pythons = await installed();

Deno.test({
  name: "what a Python has pickled means the same to every other, as it is or written anew",
  ignore: pythons.length < 2 && Deno.env.get("CI") !== "true",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const made = await Promise.all(pythons.map(async (writer) => {
        const path = `${folder}/made-${writer.version}.json`;
        await python(writer, "make", path);
        const values: Record<string, string> = JSON.parse(await Deno.readTextFile(path));
        ok(Object.keys(values).length >= MIN_VALUES, `${writer.version} wrote too few values`);
        return { writer, values };
      }));
      for (const reader of pythons) {
        const pickles: Record<string, [name: string, pickle: string]> = {};
        for (const { writer, values } of made) {
          for (const [name, base64] of Object.entries(values)) {
            if (!isMeant(writer, reader, name)) continue;
            const pickle = Uint8Array.fromBase64(base64);
            for (const [how, bytes] of forms(reader, pickle)) {
              const key = `${writer.version} to ${reader.version}, ${how}, ${name}`;
              pickles[key] = [name, bytes.toBase64()];
            }
          }
        }
        const path = `${folder}/for-${reader.version}.json`;
        await Deno.writeTextFile(path, JSON.stringify(pickles));
        equal(JSON.parse(await python(reader, "check", path)), []);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** Python 2 cannot make an instance of a class that is not derived from `object` there from outside. */
function isMeant(writer: Installed, reader: Installed, name: string): boolean {
  return !(name === "classic" && reader.isPython2 && !writer.isPython2);
}

function* forms(
  reader: Installed,
  pickle: Uint8Array,
): Iterable<[how: string, pickle: Uint8Array]> {
  yield ["as it needs it", readableBy(reader.protocol, pickle)];
  const value = loads(pickle);
  const protocols = reader.isPython2 ? [2] : [3, 4];
  for (const protocol of protocols) yield [`protocol ${protocol}`, dumps(value, protocol)];
}

async function python(
  { path, version }: Installed,
  command: "make" | "check",
  file: string,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(path, {
    args: ["-B", "-W", "ignore", SCRIPT, command, file],
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  ok(success, `portable_values.py ${command} with Python ${version}: ${decode(stderr)}`);
  return decode(stdout);
}
