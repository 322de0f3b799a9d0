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

Deno.test("a node of a family is greeted with what is in use, then with all that was published", () => {
  const versions = new Versions(() => 0);
  versions.addClaimed("4.11.0");
  const of = (base: number) =>
    versions.possible({ nodeSide: base, node: base + 1, clientSide: base + 2 });
  assertEquals(of(9700), [CURRENT_RELEASE, "4.11.0", "4.15.1", "4.15.0"]);
  assertEquals(of(61590).length, 2 + 8);
  const old = of(51347);
  assertEquals(old.slice(0, 3), [CURRENT_RELEASE, "4.11.0", "4.10.6"]);
  for (const release of ["4.10.0", "4.9.1", "4.8.9", "4.7.7", "4.7.0", "4.6.18"]) {
    assertEquals(old.includes(release), true, release);
  }
  assertEquals(new Set([...of(9700), ...of(61590), ...old]).size, of(7000).length);
});

Deno.test("a version that was claimed and then found at a node is no news", () => {
  const versions = new Versions(() => 0);
  assertEquals(versions.addClaimed("4.15.1"), true);
  assertEquals(versions.addOfNode("4.15.1"), false);
  assertEquals(versions.all, [CURRENT_RELEASE, "4.15.1"]);
});
