/** The examples of the client library's README, as they stand there. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

const README = new URL("../../src/client/README.md", import.meta.url);
const LIBRARY = new URL("../../src/client/mod.ts", import.meta.url);

interface Example {
  readonly title: string;
  readonly code: string;
  readonly output: string;
}

/** The examples that are programs, each with the section that it stands in. */
function examples(text: string): Example[] {
  return text.split(/^## /m).slice(1).flatMap((section) => {
    const title = section.slice(0, section.indexOf("\n"));
    const blocks = section.matchAll(/^```ts\n([^]*?)^```\n\n```text\n([^]*?)^```\n/gm);
    return [...blocks].map(([, code = "", output = ""]) => ({ title, code, output }));
  });
}

/** A folder in which programs find the library under the name of its package. */
async function writeConfig(folder: string): Promise<void> {
  const config = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  const { compilerOptions, imports, unstable } = config;
  imports["@dispyscheduler/client"] = LIBRARY.href;
  await Deno.writeTextFile(
    `${folder}/deno.json`,
    JSON.stringify({ nodeModulesDir: "none", compilerOptions, imports, unstable }),
  );
}

const EXAMPLES = examples(await Deno.readTextFile(README));

Deno.test("the examples of the client library's README have no type errors", async () => {
  const folder = await Deno.makeTempDir({ prefix: "dispy-examples-" });
  await writeConfig(folder);
  for (const [index, { code }] of EXAMPLES.entries()) {
    await Deno.writeTextFile(`${folder}/${index}.ts`, code);
  }
  const files = EXAMPLES.map((_, index) => `${index}.ts`);
  const args = ["check", "--quiet", ...files];
  const { success, stderr } = await new Deno.Command("deno", { args, cwd: folder }).output();
  await Deno.remove(folder, { recursive: true });
  ok(success, new TextDecoder().decode(stderr));
});

for (const { title, code, output } of EXAMPLES) {
  scenario(
    `own client: the README's example under "${title}" does what it says`,
    { tier: "core" },
    async (lab) => {
      await lab.startScheduler();
      await lab.startNode(1, { kind: "ours" });
      const folder = await lab.folder("example");
      await writeConfig(folder);
      await Deno.writeTextFile(`${folder}/example.ts`, code);
      const argv = ["deno", "run", "--allow-all", "--no-check", "example.ts"];
      const program = lab.start("example", argv, folder);
      equal((await program.ended()).code, 0);
      const wanted = output.trimEnd().split("\n");
      equal(printed(program, wanted), wanted);
    },
  );
}

/** The lines of standard output; what the example tells on standard error is left out. */
function printed(program: LabProcess, wanted: readonly string[]): string[] {
  return program.lines.filter((line) => wanted.includes(line));
}
