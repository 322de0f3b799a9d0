import { assertEquals } from "@std/assert/equals.js";

Deno.test("a permission that was given up is gone, and nobody is asked for it", async () => {
  const module = new URL("../../../src/commands/give_up.ts", import.meta.url).href;
  const code = `
    const { giveUp } = await import(${JSON.stringify(module)});
    giveUp("run", "env");
    const tries = [
      () => new Deno.Command("true").outputSync(),
      () => Deno.env.get("HOME"),
      () => Deno.cwd(),
    ];
    const outcomes = tries.map((attempt) => {
      try {
        attempt();
        return "may";
      } catch (error) {
        return error.name;
      }
    });
    console.log(outcomes.join());
  `;
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["eval", code] }).output();
  assertEquals(new TextDecoder().decode(stdout).trim(), "NotCapable,NotCapable,may");
});
