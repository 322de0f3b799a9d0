/** A scheduler that cannot start says so in one line, and what to do. */

import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { assertThrows } from "@std/assert/throws.js";
import { parseCommandLine } from "../../../src/cli/command_line.ts";
import { LocalNode, LocalNodeError } from "../../../src/commands/local_node.ts";
import { FakeEnvironment } from "../cli/fake_environment.ts";

const MAIN = new URL("../../../main.ts", import.meta.url).pathname;

/** What a program that ends by itself has said, and its exit code. */
async function run(permissions: string[], env: Record<string, string> = {}) {
  const args = ["run", "--no-prompt", ...permissions, MAIN];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args, env }).output();
  const lines = new TextDecoder().decode(stderr).trim().split("\n");
  return { code, lines: lines.filter((line) => !/ INFO /.test(line)) };
}

Deno.test("without --allow-write one line says so", async () => {
  const { code, lines } = await run([]);
  assertEquals([code, lines.length], [1, 1]);
  assertMatch(lines[0]!, /ERROR .*folder for temporary files: .*; add --allow-write$/);
});

Deno.test("where there is no folder for temporary files one line says what to do", async () => {
  const { code, lines } = await run(["--allow-write"], { TMPDIR: "/nowhere" });
  assertEquals([code, lines.length], [1, 1]);
  assertMatch(
    lines[0]!,
    /ERROR .*: No such file or directory.*; choose a folder with --dest_path_prefix$/,
  );
});

Deno.test("--local_cpus beyond those of the machine is refused, not tried again and again", () => {
  const outcome = parseCommandLine([], new FakeEnvironment());
  if (outcome.kind !== "run") throw new Error("not to be run");
  const cpus = navigator.hardwareConcurrency + 1;
  assertThrows(
    () => new LocalNode(outcome.config, cpus, "127.0.0.1"),
    LocalNodeError,
    `give a number from 1 to ${cpus - 1}`,
  );
});

for (const command of [[], ["node"], ["status"]]) {
  for (const option of ["--help", "--version"]) {
    const program = ["dispyscheduler", ...command].join(" ");
    Deno.test({
      name: `${program} ${option} says so in one line where its output cannot be written`,
      ignore: Deno.build.os !== "linux",
      fn: async () => {
        const line = `"$0" run --no-prompt "$@" >/dev/full`;
        const args = ["-c", line, Deno.execPath(), MAIN, ...command, option];
        const { code, stderr } = await new Deno.Command("sh", { args }).output();
        const said = new TextDecoder().decode(stderr);
        assertEquals([code, said.trimEnd().split("\n").length], [1, 1]);
        assertMatch(
          said,
          new RegExp(`^${program}: cannot write the output: No space left on device`),
        );
      },
    });
  }
}
