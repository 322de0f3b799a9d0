import { assertEquals } from "@std/assert/equals.js";
import { assertThrows } from "@std/assert/throws.js";
import { splitAsked, TermsError, termsOf } from "../../../src/server/cluster_terms.ts";
import { Quotas } from "../../../src/server/quotas.ts";

const NOTHING = { priority: 0, weight: 1, maxCpus: null, maxJobs: null, maxJobBytes: null };

Deno.test("without rules and wishes a cluster gets the defaults", () => {
  assertEquals(termsOf([], "compute", "10.0.0.1", {}), NOTHING);
});

Deno.test("for each setting the first rule that matches and says something counts", () => {
  const rules = [
    { computation: "render", priority: 5 },
    { client: "10.0.0.*", priority: 1, weight: 3 },
    { maxJobs: 10 },
  ];
  assertEquals(termsOf(rules, "render", "10.0.0.1", {}), {
    ...NOTHING,
    priority: 5,
    weight: 3,
    maxJobs: 10,
  });
  assertEquals(termsOf(rules, "other", "10.0.1.1", {}), { ...NOTHING, maxJobs: 10 });
});

Deno.test("a program matches by its name, without its folders, on any system", () => {
  const rules = [{ computation: "render*", priority: 5 }];
  assertEquals(termsOf(rules, "/opt/bin/render.sh", "h", {}).priority, 5);
  assertEquals(termsOf(rules, "C:\\bin\\render.exe", "h", {}).priority, 5);
  assertEquals(termsOf(rules, "/opt/render/other", "h", {}).priority, 0);
});

Deno.test("rules win over wishes; of two limits of CPUs the lower one holds", () => {
  const rules = [{ priority: 0, maxCpus: 4 }];
  const asked = { priority: 9, weight: 2, maxCpus: 8 };
  assertEquals(termsOf(rules, "f", "h", asked), { ...NOTHING, weight: 2, maxCpus: 4 });
  assertEquals(termsOf(rules, "f", "h", { maxCpus: 2 }).maxCpus, 2);
});

Deno.test("a client asks behind a question mark in its node list", () => {
  assertEquals(splitAsked("192.168.1.*?priority=5&weight=0.5&max_cpus=3"), {
    pattern: "192.168.1.*",
    asked: { priority: 5, weight: 0.5, maxCpus: 3 },
  });
  assertEquals(splitAsked("*"), { pattern: "*", asked: {} });
  for (const host of ["*?prio=1", "*?weight=0", "*?priority=high", "*?max_cpus=1.5", "*?weight="]) {
    assertThrows(() => splitAsked(host), TermsError);
  }
});

Deno.test("a client's jobs and their bytes are limited, and free again when jobs are over", () => {
  const quotas = new Quotas();
  const terms = { ...NOTHING, maxJobs: 2, maxJobBytes: 100 };
  assertEquals(quotas.refusal("a", 101, terms) !== null, true);
  quotas.add("a", 60);
  assertEquals(quotas.refusal("a", 41, terms) !== null, true);
  assertEquals(quotas.refusal("b", 41, terms), null);
  quotas.add("a", 40);
  assertEquals(quotas.refusal("a", 0, terms) !== null, true);
  quotas.remove("a", 60);
  assertEquals(quotas.refusal("a", 60, terms), null);
});
