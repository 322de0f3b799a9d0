import { assertEquals } from "@std/assert/equals.js";
import { assertThrows } from "@std/assert/throws.js";
import { LineTemplate, shellQuoted } from "../../../src/cli/line_template.ts";

/** Template, inputs and what comes of them as line 7, unquoted. */
const FILLED: readonly [template: string, inputs: string[], filled: string][] = [
  ["echo {}", ["a"], "echo a"],
  ["{}{}", ["a"], "aa"],
  ["x", ["a"], "x"],
  ["{} {1} {2}", ["a", "b"], "a b a b"],
  ["{#}: {}", ["a"], "7: a"],
  ["{.}", ["d.x/a.tar.gz"], "d.x/a.tar"],
  ["{.}", ["d.x/a"], "d.x/a"],
  ["{.}", [".profile"], ".profile"],
  ["{.}", ["d/.profile"], "d/.profile"],
  ["{/}", ["d/e/a.b"], "a.b"],
  ["{/}", ["a.b"], "a.b"],
  ["{//}", ["d/e/a.b"], "d/e"],
  ["{//}", ["a.b"], "."],
  ["{//}", ["/a"], "/"],
  ["{/.}", ["d/e/a.b"], "a"],
  ["{2.} {2/} {2//} {2/.}", ["x", "d/a.b"], "d/a a.b d a"],
  ["${1} ${} $x{}", ["a"], "${1} ${} $xa"],
  ["awk '{print}' {a,b} { } {x}", ["a"], "awk '{print}' {a,b} { } {x}"],
];

for (const [template, inputs, filled] of FILLED) {
  Deno.test(`${template} with ${JSON.stringify(inputs)}`, () => {
    assertEquals(new LineTemplate(template).fill(inputs, 7), filled);
  });
}

Deno.test("each input is quoted by itself, the template is not", () => {
  const quoted = new LineTemplate('echo "$HOME" {} | tee {/.}.txt').fill(
    ["a b/it's.c", "x"],
    1,
    shellQuoted,
  );
  assertEquals(quoted, `echo "$HOME" 'a b/it'\\''s.c' x | tee 'it'\\''s' x.txt`);
});

Deno.test("a shell reads quoted texts as they were", async () => {
  const texts = ["", " ", "a b", "it's", "''", '"', "$HOME `id` \\", "*", "a\nb", "-n", "ünï", "~"];
  const line = texts.map((text) => shellQuoted(text)).join(" ");
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `printf '%s\\0' ${line}`],
  }).output();
  assertEquals(new TextDecoder().decode(stdout).split("\0").slice(0, -1), texts);
});

Deno.test("templates tell whether they take inputs, and which are missing", () => {
  assertEquals(
    ["x", "{#}", "{}", "{1.}"].map((text) => new LineTemplate(text).takesInputs),
    [false, false, true, true],
  );
  new LineTemplate("{2} {#}").requireInputs(2);
  const error = assertThrows(() => new LineTemplate("{} {3/}").requireInputs(2));
  assertEquals((error as Error).message.startsWith("{3/}: there is no such input"), true);
});
