import { assertEquals } from "@std/assert/equals.js";
import { Versions } from "../../../src/net/versions.ts";
import { CURRENT_RELEASE } from "../../../src/wire/mod.ts";

Deno.test("versions that anybody claims do not drive out those of nodes, nor later honest claims", () => {
  let nowMs = 0;
  const versions = new Versions(() => nowMs);
  assertEquals(versions.addOfNode("4.12.0"), true);
  for (let n = 0; n < 1000; n++) versions.addClaimed(`1.0.${n}`);
  assertEquals(versions.all.length, 5);
  nowMs += 10 * 60_000;
  assertEquals(versions.addClaimed("4.15.1"), true);
  assertEquals(versions.addClaimed("4.15.1"), false);
  assertEquals(versions.all.slice(0, 2), [CURRENT_RELEASE, "4.12.0"]);
  assertEquals(versions.all.at(-1), "4.15.1");
});

Deno.test("what is no version is none, and all nodes are greeted a few times a minute at most", () => {
  const versions = new Versions(() => 0);
  for (const text of ["", "x", "4", "4.15.2\n", "4.15.2 ", "9".repeat(500)]) {
    assertEquals(versions.addClaimed(text), false);
  }
  let news = 0;
  for (let n = 0; n < 1000; n++) if (versions.addClaimed(`2.${n}.0`)) news++;
  assertEquals(news, 8);
});

Deno.test("a version that was claimed and then found at a node is no news", () => {
  const versions = new Versions(() => 0);
  assertEquals(versions.addClaimed("4.15.1"), true);
  assertEquals(versions.addOfNode("4.15.1"), false);
  assertEquals(versions.all, [CURRENT_RELEASE, "4.15.1"]);
});
