import { assertEquals } from "@std/assert/equals.js";
import { CURRENT_DIALECT, dialectOf, parseRelease } from "../../../src/wire/mod.ts";

Deno.test("a release speaks like the nearest one before it that is known", () => {
  assertEquals(dialectOf("4.8.3").setup, "id_where_needed");
  assertEquals(dialectOf("4.9.1").setup, "id_where_needed");
  assertEquals(dialectOf("4.10.0").setup, "id");
  assertEquals(dialectOf("4.10.6").setup, "id");
  assertEquals(dialectOf("4.11.0").setup, "dict");
  assertEquals(dialectOf("5.0.1"), { ...CURRENT_DIALECT, release: "5.0.1" });
});

Deno.test("a job's slots were renamed and pulses moved to TCP in 4.7", () => {
  const { jobSlots, pulses, tellsJobs } = dialectOf("4.6.18");
  assertEquals({ jobSlots, pulses, tellsJobs }, {
    jobSlots: "args",
    pulses: "datagram",
    tellsJobs: false,
  });
  assertEquals(dialectOf("4.7.7").jobSlots, "_args");
  assertEquals(dialectOf("4.7.7").pulses, "tcp");
});

Deno.test("4.10.x has three ways to answer a wish for other CPUs", () => {
  assertEquals(
    ["4.10.0", "4.10.1", "4.10.6", "4.11.0"].map((release) => dialectOf(release).cpusAnswer),
    ["status", "pair", "pair", "status"],
  );
});

Deno.test("what is no release of dispy's counts as today's", () => {
  assertEquals(dialectOf("dev"), { ...CURRENT_DIALECT, release: "dev" });
  assertEquals(dialectOf(null), { ...CURRENT_DIALECT, release: null });
  assertEquals(parseRelease("4.15"), [4, 15, 0]);
  assertEquals(parseRelease("4.15.2.1"), [4, 15, 2]);
  assertEquals(parseRelease("4"), null);
});
