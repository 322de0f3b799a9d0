import { assertEquals } from "@std/assert/equals.js";
import { assertThrows } from "@std/assert/throws.js";
import { parseClusterRules } from "../../../src/cli/cluster_rules.ts";
import { UsageError } from "../../../src/cli/usage_error.ts";

Deno.test("rules are read from TOML, in their order, with sizes in letters", () => {
  const rules = parseClusterRules(
    `
[[cluster]]
computation = "render*"
client = "10.0.0.*"
priority = 5
weight = 2.5
max_cpus = 8
max_jobs = 100
max_job_bytes = "2m"

[[cluster]]
priority = -1
`,
    "rules.toml",
  );
  assertEquals(rules, [{
    computation: "render*",
    client: "10.0.0.*",
    priority: 5,
    weight: 2.5,
    maxCpus: 8,
    maxJobs: 100,
    maxJobBytes: 2 * 1024 * 1024,
  }, { priority: -1 }]);
  assertEquals(parseClusterRules("", "rules.toml"), []);
});

const MISTAKES: [what: string, source: string, message: RegExp][] = [
  ["no TOML", "[[cluster", /^rules\.toml: is no TOML: /],
  ["another table", "[nodes]\na = 1", /"nodes" is not known; rules begin with \[\[cluster\]\]/],
  ["a single table", "[cluster]\npriority = 1", /write \[\[cluster\]\]/],
  [
    "an unknown setting",
    "[[cluster]]\nprio = 1",
    /rule 1: "prio" is not known; there are .*priority/,
  ],
  ["a weight of 0", "[[cluster]]\nweight = 0", /rule 1: weight = 0: give a number above 0/],
  ["a text for a number", '[[cluster]]\n[[cluster]]\nmax_cpus = "x"', /rule 2: max_cpus = "x"/],
  ["a size that is none", '[[cluster]]\nmax_job_bytes = "2x"', /max_job_bytes = "2x": a size/],
];

for (const [what, source, message] of MISTAKES) {
  Deno.test(`rules: ${what} is one line that says what would be right`, () => {
    const error = assertThrows(() => parseClusterRules(source, "rules.toml"), UsageError) as Error;
    assertEquals(message.test(error.message), true, error.message);
    assertEquals(error.message.includes("\n"), false);
  });
}
