import { assertEquals } from "@std/assert/equals.js";
import { ClientReleases } from "../../../src/server/dialects.ts";

Deno.test("a computation is of the last release that its machine has greeted with and that fits", () => {
  const releases = new ClientReleases();
  const of = (oldest: string, host = "10.0.0.9") => releases.dialectFor(host, oldest).release;
  releases.note("10.0.0.9", "4.9.1");
  releases.note("10.0.0.9", "4.14.0");
  releases.note("10.0.0.9", "4.6.18");
  assertEquals(of("4.11.0"), "4.14.0");
  assertEquals(of("4.8.0"), "4.9.1");
  assertEquals(of("4.6.0"), "4.6.18");
  releases.note("10.0.0.9", "4.9.1");
  assertEquals(of("4.6.0"), "4.9.1");
  // What has not greeted is told by the computation alone.
  assertEquals(of("4.8.0", "10.0.0.8"), "4.8.0");
  assertEquals(of("4.11.0", "10.0.0.8"), "4.15.2");
});

Deno.test("greetings of many machines and releases are not all remembered", () => {
  const releases = new ClientReleases();
  releases.note("10.0.0.9", "4.9.1");
  for (let patch = 0; patch < 100; patch++) releases.note("10.0.0.9", `4.12.${patch}`);
  assertEquals(releases.dialectFor("10.0.0.9", "4.8.0").release, "4.8.0");
  assertEquals(releases.dialectFor("10.0.0.9", "4.11.0").release, "4.12.99");
  for (let host = 0; host < 5000; host++) releases.note(`host${host}`, "4.14.0");
  assertEquals(releases.dialectFor("10.0.0.9", "4.11.0").release, "4.15.2");
  assertEquals(releases.dialectFor("host4999", "4.11.0").release, "4.14.0");
});

Deno.test("a release that is none of dispy's does no harm", () => {
  const releases = new ClientReleases();
  releases.note("10.0.0.9", "mine");
  assertEquals(releases.dialectFor("10.0.0.9", "4.6.0").generation, "dispy ≤ 4.10");
});
