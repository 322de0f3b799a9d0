import { assertEquals } from "@std/assert/equals.js";
import { assertThrows } from "@std/assert/throws.js";
import { DamagedRowError, type Key } from "../../../src/journal/database.ts";
import { checked, sumOf } from "../../../src/journal/row_sum.ts";
import { configureLogging } from "../../../src/log/log.ts";

configureLogging({ level: "error", format: "text" });

const BYTES = Uint8Array.from({ length: 300 }, (_, at) => at * at % 253);

Deno.test("any bit of a row that has changed is changed back, but for those that may be of its key", () => {
  for (const key of [1_795_353_350_958_000, "10.0.0.1"] as Key[]) {
    const sum = sumOf(key, BYTES);
    for (let bit = 0; bit < 8 * BYTES.length; bit++) {
      const damaged = BYTES.slice();
      damaged[bit >> 3]! ^= 1 << bit % 8;
      if (bit < 32) assertThrows(() => checked("job", key, damaged, sum), DamagedRowError);
      else assertEquals(checked("job", key, damaged, sum), BYTES);
    }
  }
});

Deno.test("a bit of a row's checksum that has changed is of no matter", () => {
  const sum = sumOf(7, BYTES);
  for (let bit = 0; bit < 32; bit++) assertEquals(checked("job", 7, BYTES, sum ^ 1 << bit), BYTES);
});

Deno.test("two bits that have changed, or a key, are not mended to something else", () => {
  const sum = sumOf(7, BYTES);
  for (let step = 1; step < 2000; step++) {
    const damaged = BYTES.slice();
    for (const bit of [40, 40 + step]) damaged[bit >> 3]! ^= 1 << bit % 8;
    assertThrows(() => checked("job", 7, damaged, sum), DamagedRowError);
  }
  for (const key of [6, 5, 3, 15, 7 + 2 ** 31, 8]) {
    assertThrows(() => checked("job", key, BYTES, sum), DamagedRowError);
  }
});
