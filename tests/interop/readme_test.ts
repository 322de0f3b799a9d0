/** Examples of the README, as they stand there. */

import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import type { Lab } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

const README = await Deno.readTextFile(new URL("../../README.md", import.meta.url));

/** The blocks of code of a section, by language, in order. */
function blocks(title: string, language: string): string[] {
  const section = README.split(/^##+ /m).find((text) => text.startsWith(`${title}\n`));
  if (section === undefined) throw new Error(`README has no section "${title}"`);
  // Fences come in pairs; only what stands behind the first of a pair is its language.
  const parts = section.split(/^```(.*)\n/m);
  const found: string[] = [];
  for (let at = 1; at + 1 < parts.length; at += 4) {
    if (parts[at] === language) found.push(parts[at + 1]!);
  }
  return found;
}

/** Runs a line of shell in which `dispyscheduler` is this checkout. */
async function shell(
  lab: Lab,
  folder: string,
  line: string,
): Promise<{ code: number; stdout: Uint8Array }> {
  const bin = await lab.folder("bin");
  const main = `${lab.root}/main.ts`;
  const shim = `#!/bin/sh\nexec ${Deno.execPath()} run --no-check --allow-all ${main} "$@"\n`;
  await Deno.writeTextFile(`${bin}/dispyscheduler`, shim, { mode: 0o755 });
  const path = `${bin}:${folder}:${Deno.env.get("PATH")}`;
  const argv = ["sh", "-c", `PATH='${path}'; (${line}\n) </dev/null >'${bin}/stdout'`];
  const { code } = await lab.start("shell", argv, folder).ended();
  return { code, stdout: await Deno.readFile(`${bin}/stdout`) };
}

scenario(
  "README's command lines for `dispyscheduler submit` do what it says",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const folder = await lab.folder("here");
    await Deno.writeTextFile(`${folder}/lines.txt`, "echo one\necho two\n");
    await Deno.writeTextFile(
      `${folder}/generate-lines`,
      "#!/bin/sh\nfor n in 1 2 3; do echo echo $n; done\n",
      { mode: 0o755 },
    );
    await Deno.writeTextFile(`${folder}/a.log`, "a\n".repeat(1000));
    await Deno.writeTextFile(`${folder}/b c.log`, "b\n".repeat(1000));

    const [examples = "", dryRun = ""] = blocks("Run command lines on the cluster", "sh");
    const outcomes = [];
    for (const line of examples.trim().split("\n")) outcomes.push(await shell(lab, folder, line));
    equal(outcomes.map(({ code }) => code), [3, 0, 0, 0, 0]);
    const [one, file, input, zipped, ordered] = outcomes.map(({ stdout }) => stdout);
    const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
    match(text(one), /^\S+\n$/);
    equal(text(file).split("\n").sort(), ["", "one", "two"]);
    equal(text(input).split("\n").sort(), ["", "1", "2", "3"]);
    const unzipped = gunzipSync(zipped ?? new Uint8Array()).toString();
    equal([...new Set(unzipped.split("\n"))].sort(), ["", "a", "b"]);
    const squares = Array.from(
      { length: 100 },
      (_, index) => `${index + 1}: ${(index + 1) ** 2}\n`,
    );
    equal(text(ordered), squares.join(""));

    const [shown] = blocks("Run command lines on the cluster", "");
    equal(text((await shell(lab, folder, dryRun)).stdout), shown);
  },
);

scenario("README's program in TypeScript runs", { tier: "core" }, async (lab) => {
  await lab.startScheduler();
  // dispynode reports jobs that end at once as failed, now and then.
  await lab.startNode(1, { kind: "ours" });
  const [code = ""] = blocks("Programs in TypeScript", "ts");
  const folder = await lab.folder("program");
  const library = `${lab.root}/src/client/mod.ts`;
  const here = code.replace("./src/client/mod.ts", library).replace("the-machine", "127.0.0.1");
  await Deno.writeTextFile(`${folder}/program.ts`, here);
  const config = `${lab.root}/deno.json`;
  const argv = ["deno", "run", "--allow-all", "--no-check", "--config", config, "program.ts"];
  const program = lab.start("program", argv, folder);
  equal((await program.ended()).code, 0);
  const squares = program.lines.flatMap((line) => /^127\.0\.0\.2 (\d+)/.exec(line)?.[1] ?? []);
  equal(squares.map(Number).sort((a, b) => a - b), Array.from({ length: 100 }, (_, n) => n * n));
});

scenario("README's program in Python runs", { tier: "core" }, async (lab) => {
  await lab.startScheduler();
  await lab.startNode(1, { kind: "ours" });
  const code = blocks("Use it", "python").join("\n");
  const folder = await lab.folder("program");
  // On one machine with the scheduler, as the README says.
  const here = code.replace("'the-machine'", "'127.0.0.1', client_port=0, ip_addr='127.0.0.1'");
  ok(here !== code);
  await Deno.writeTextFile(`${folder}/program.py`, here);
  const program = lab.start("program", [lab.venv.python, "program.py"], folder);
  equal((await program.ended()).code, 0);
  const squares = Array.from({ length: 100 }, (_, n) => n * n);
  ok(program.lines.includes(`[${squares.join(", ")}]`));
});
