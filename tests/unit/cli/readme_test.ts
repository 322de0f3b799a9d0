import { assertEquals } from "@std/assert/equals.js";
import { withOptions } from "../../../scripts/readme_options.ts";

Deno.test("README's table of options is the program's own", async () => {
  const readme = await Deno.readTextFile(new URL("../../../README.md", import.meta.url));
  assertEquals(withOptions(readme), readme, "run: deno run -A scripts/readme_options.ts");
});
