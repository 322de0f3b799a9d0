import { assertEquals } from "@std/assert/equals.js";
import { withFeatures } from "../../../scripts/features.ts";
import { withLimits } from "../../../scripts/limits.ts";
import { withMatrix } from "../../../scripts/matrix.ts";
import { withOptions } from "../../../scripts/readme_options.ts";

const README = new URL("../../../README.md", import.meta.url);

Deno.test("README's table of options is the program's own", async () => {
  const readme = await Deno.readTextFile(README);
  assertEquals(withOptions(readme) === readme, true, "run: deno run -A scripts/readme_options.ts");
});

Deno.test("the tables of limits are the program's own", async () => {
  const readme = await Deno.readTextFile(new URL("../../../src/wire/README.md", import.meta.url));
  assertEquals(withLimits(readme) === readme, true, "run: deno run -A scripts/limits.ts");
});

Deno.test("README's table of features is that of the scenarios", async () => {
  const readme = await Deno.readTextFile(README);
  const current = await withFeatures(readme);
  assertEquals(current === readme, true, "run: deno run -A scripts/features.ts");
});

Deno.test("the matrix of releases is what was recorded of the tests", async () => {
  const text = await Deno.readTextFile(
    new URL("../../../tests/interop/README.md", import.meta.url),
  );
  assertEquals(withMatrix(text) === text, true, "run: deno run -A scripts/matrix.ts");
});
