/** Records come back as they were written, and are what MessagePack says. */

import { assertEquals } from "@std/assert/equals.js";
import { encode } from "@std/msgpack/encode.js";
import { pack, type Packable, unpack } from "../../../src/journal/packing.ts";

const VALUES: Record<string, Packable> = {
  "null": null,
  "booleans": [true, false],
  "small integers": [0, 1, -1, -32, 127, 128, 255, 256, 65_535, 65_536],
  "large integers": [2 ** 31, 2 ** 32 - 1, 2 ** 32, 1_795_353_350_958_000, 2 ** 53 - 1],
  "negative integers": [-33, -128, -(2 ** 31), -(2 ** 40), -(2 ** 53 - 1)],
  "other numbers": [1.5, -0.25, 1e300, Infinity, -Infinity, NaN, -0],
  "short text": ["", "a", "0123456789", "0123456789a", "é", "☃☃☃", "😀"],
  "long text": ["x".repeat(40), "ü".repeat(300), "😀".repeat(50_000)],
  "bytes": [new Uint8Array(0), new Uint8Array([1, 2, 255]), new Uint8Array(100_000).fill(9)],
  "lists": [[], [[]], Array.from({ length: 15 }, (_, i) => i), Array(16).fill(null)],
  "a long list": Array.from({ length: 3_000 }, (_, i) => i),
  "maps": [{}, { a: 1, "ü": { b: null } }],
  "a large map": Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`key ${i}`, i])),
  "records as there are": [[17, "hash", 3, null, 1_795_353_350_958.5, [[1, 2], "10.0.0.9", 300]]],
};

for (const [what, value] of Object.entries(VALUES)) {
  Deno.test(`${what}: what was written is read`, () => {
    assertEquals(unpack<Packable>(pack(value)), value);
  });

  Deno.test(`${what}: what the library has written is read`, () => {
    assertEquals(unpack<Packable>(encode(value)), value);
  });
}

Deno.test("a record does not change when the next is written", () => {
  const first = pack("first");
  const large = pack("x".repeat(200_000));
  const second = pack("second");
  assertEquals([unpack(first), unpack<string>(large).length, unpack(second)], [
    "first",
    200_000,
    "second",
  ]);
});
