/** `deno task demo`. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { inflateSync } from "node:zlib";
import { SCHEDULER } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

const unavailable = SCHEDULER === "reference" ? "the demo has a scheduler of its own" : undefined;

scenario(
  "the demo needs nothing but Deno, ends with a picture and a summary, and leaves nothing else",
  { tier: "core", unavailable, limitMs: 150_000 },
  async (lab) => {
    const cwd = await lab.folder("demo");
    const scratch = await lab.folder("scratch");
    const bin = await lab.folder("bin");
    // A machine without Python.
    for (const { name } of Deno.readDirSync("/usr/bin")) {
      if (!/^(python|pypy)/.test(name)) Deno.symlinkSync(`/usr/bin/${name}`, `${bin}/${name}`);
    }
    const argv = ["/usr/bin/env", `PATH=${bin}`, `TMPDIR=${scratch}`, Deno.execPath()];
    const script = `${lab.root}/scripts/demo.ts`;
    const demo = lab.start("demo", [...argv, "run", "--allow-all", script], cwd);
    equal((await demo.ended()).code, 0);

    const done = demo.lines.filter((line) => / job \d+ done on /.test(line));
    equal(done.length, 72);
    ok(demo.lines.some((line) => /^both at once +72 +\d+ +\d+ .* x$/.test(line)));
    const fair = demo.lines.map((line) =>
      /^fair turns: .* picture (\d+), epidemic (\d+)$/.exec(line)
    )
      .find((match) => match !== null);
    ok(fair && Math.abs(Number(fair[1]) - Number(fair[2])) <= 6, `not fair: ${fair?.[0]}`);

    equal([...Deno.readDirSync(cwd)].map(({ name }) => name), ["demo-picture.png"]);
    ok(colours(await Deno.readFile(`${cwd}/demo-picture.png`)) > 1000);
    equal([...Deno.readDirSync(scratch)], []);
    equal(processesOf(scratch), []);
  },
);

/** How many different colours a PNG file of ours has. */
function colours(png: Uint8Array): number {
  const view = new DataView(png.buffer, png.byteOffset);
  equal([view.getUint32(16), view.getUint32(20)], [1200, 800]);
  const dataBytes = view.getUint32(33);
  const lines = inflateSync(png.subarray(41, 41 + dataBytes));
  equal(lines.length, 800 * (1200 * 3 + 1));
  const seen = new Set<number>();
  for (let y = 0; y < 800; y++) {
    for (let x = 0; x < 1200; x++) {
      const at = y * 3601 + 1 + x * 3;
      seen.add((lines[at]! << 16) | (lines[at + 1]! << 8) | lines[at + 2]!);
    }
  }
  return seen.size;
}

/** Command lines of processes that have `folder` in them. */
function processesOf(folder: string): string[] {
  const found: string[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const commandLine = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      if (commandLine.includes(folder)) found.push(commandLine);
    } catch (error) {
      // It has ended just now.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found;
}
