import { assertEquals } from "@std/assert/equals.js";
import { unknownCommand } from "../../../src/cli/unknown_command.ts";

const MAIN = new URL("../../../main.ts", import.meta.url).pathname;

const COMMANDS = ["node", "status"];
const REST = "The commands are node, status (all options of the scheduler: --help; its nodes: " +
  "-n NODE1 -n NODE2)";

Deno.test("who mistypes a command is told which was meant, and which there are", () => {
  assertEquals(
    unknownCommand("statu", COMMANDS),
    `"statu" is no command; did you mean status? ${REST}`,
  );
  assertEquals(unknownCommand("10.0.0.5", COMMANDS), `"10.0.0.5" is no command; ${REST}`);
  assertEquals(unknownCommand("a\nb", ["status"]).split("\n").length, 1);
});

Deno.test("a mistyped command ends the program with that line", async () => {
  const args = ["run", "--no-prompt", MAIN, "statu"];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  const line = new TextDecoder().decode(stderr);
  assertEquals([code, line.startsWith('dispyscheduler: "statu" is no command; did you')], [
    2,
    true,
  ]);
});
