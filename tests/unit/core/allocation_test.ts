import { assertEquals } from "@std/assert/equals.js";
import {
  allocatedCpus,
  bySpecificity,
  findAllocation,
  patternMatches,
} from "../../../src/core/mod.ts";
import { allocation } from "./scene.ts";

function matches(pattern: string, ipAddr: string, name = "node1.example.org"): boolean {
  return patternMatches(pattern, ipAddr, name);
}

Deno.test("without a star, a pattern names one address or name, not what begins with it", () => {
  assertEquals(matches("127.0.0.1", "127.0.0.1"), true);
  assertEquals(matches("127.0.0.1", "127.0.0.10"), false);
  assertEquals(matches("127.0.0.1", "1127.0.0.1"), false);
  assertEquals(matches("127.0.0.1", "127x0.0.1"), false);
  assertEquals(matches("node1.example.org", "10.0.0.1"), true);
  assertEquals(matches("node1", "10.0.0.1"), false);
});

Deno.test("a star stands for any run of characters, anywhere", () => {
  assertEquals(matches("192.168.1.*", "192.168.1.7"), true);
  assertEquals(matches("192.168.1.*", "192.168.10.7"), false);
  assertEquals(matches("192.168.1.*", "192.168.2.1"), false);
  assertEquals(matches("*", "10.0.0.1", ""), true);
  assertEquals(matches("*.1", "10.0.0.1"), true);
  assertEquals(matches("10.*.1", "10.0.0.1"), true);
  assertEquals(matches("10.*.*.1", "10.0.0.1"), true);
  assertEquals(matches("10.*.2.*.1", "10.0.0.1"), false);
  assertEquals(matches("10.0.0.1*1", "10.0.0.1"), false, "head and tail may not overlap");
  assertEquals(matches("*0.0.0*0.1", "10.0.0.1"), false, "nor may the parts between");
  assertEquals(matches("fe80::*", "fe80::1"), true);
});

Deno.test("a star also stands in names", () => {
  assertEquals(matches("node*", "10.0.0.1"), true);
  assertEquals(matches("*.example.org", "10.0.0.1"), true);
  assertEquals(matches("*.example.com", "10.0.0.1"), false);
  assertEquals(matches("node*", "10.0.0.1", ""), false);
});

Deno.test("a pattern is text: what means something in regular expressions does not here", () => {
  assertEquals(matches("10.0.0.[0-9]", "10.0.0.1"), false);
  assertEquals(matches("(*", "10.0.0.1"), false);
  assertEquals(matches("*a+*", "10.0.0.1", "aa"), false);
});

Deno.test("positive CPUs limit, negative ones are left unused, 0 gives all", () => {
  assertEquals(allocatedCpus(allocation("*", 3), 8), 3);
  assertEquals(allocatedCpus(allocation("*", 30), 8), 8);
  assertEquals(allocatedCpus(allocation("*", 0), 8), 8);
  assertEquals(allocatedCpus(allocation("*", -3), 8), 5);
  assertEquals(allocatedCpus(allocation("*", -8), 8), 0);
  assertEquals(allocatedCpus(allocation("*", -30), 8), 0);
  assertEquals(allocatedCpus(allocation("*", 3), 0), 0);
});

Deno.test("addresses are tried before patterns, longer patterns before shorter", () => {
  const patterns = ["*", "10.0.0.2", "10.*", "10.0.0.*", "10.0.0.1", "1*0*.*"];
  const sorted = bySpecificity(patterns.map((pattern) => allocation(pattern)));
  assertEquals(
    sorted.map(({ pattern }) => pattern),
    ["10.0.0.2", "10.0.0.1", "10.0.0.*", "10.*", "1*0*.*", "*"],
  );
});

Deno.test("the first allocation that gives CPUs is the node's", () => {
  const allocations = bySpecificity([
    allocation("*", 1),
    allocation("10.0.0.1", -4),
    allocation("10.0.0.*", 2),
  ]);
  const found = (ipAddr: string, availCpus: number) =>
    findAllocation(allocations, { ipAddr, name: "", availCpus })?.pattern;
  assertEquals(found("10.0.0.1", 8), "10.0.0.1");
  assertEquals(found("10.0.0.1", 4), "10.0.0.*", "the exact one leaves none of 4 CPUs");
  assertEquals(found("10.0.0.2", 4), "10.0.0.*");
  assertEquals(found("10.1.0.1", 4), "*");
  assertEquals(found("10.1.0.1", 0), undefined);
});
