/** What is set aside on the disk is there, takes room, and is given up at once. */

import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { assertThrows } from "@std/assert/throws.js";
import { Reserve } from "../../../src/journal/reserve.ts";
import { withFolder } from "./folder.ts";

const SIZE_BYTES = 300_000;

Deno.test("what is set aside has its size on the disk, also where that stores less of what is alike", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/reserve`;
    const reserve = new Reserve(path, SIZE_BYTES);
    assertMatch(reserve.shortage!, /^the disk with \S+ is nearly full; 0 MiB must be free there/);
    reserve.fill();
    assertEquals(reserve.shortage, null);
    const { size, mode } = await Deno.stat(path);
    assertEquals([size, mode! & 0o777], [SIZE_BYTES, 0o600]);
    const bytes = new Blob([await Deno.readFile(path)]);
    const packed = await new Response(bytes.stream().pipeThrough(new CompressionStream("gzip")))
      .arrayBuffer();
    assertEquals(packed.byteLength > SIZE_BYTES, true);
  });
});

Deno.test("it is given up at once, and set aside again later", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/reserve`;
    const reserve = new Reserve(path, SIZE_BYTES);
    reserve.fill();
    reserve.release();
    await assertGone(path);
    assertMatch(reserve.shortage!, /nearly full/);
    reserve.release();
    reserve.fill();
    assertEquals([reserve.shortage, (await Deno.stat(path)).size], [null, SIZE_BYTES]);
  });
});

Deno.test("what an earlier run has set aside is taken over, be it smaller or larger", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/reserve`;
    for (const sizeBytes of [SIZE_BYTES, 100, 2 * SIZE_BYTES]) {
      const reserve = new Reserve(path, sizeBytes);
      reserve.fill();
      assertEquals([reserve.shortage, (await Deno.stat(path)).size], [null, sizeBytes]);
    }
  });
});

Deno.test("it grows and never shrinks, and only where it is there", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/reserve`;
    const reserve = new Reserve(path, 1000);
    reserve.grow(2000);
    await assertGone(path);
    reserve.fill();
    reserve.grow(3000);
    reserve.grow(2000);
    assertEquals((await Deno.stat(path)).size, 3000);
  });
});

Deno.test("where nothing can be set aside the reason is told, and nothing is left", async () => {
  await withFolder(async (folder) => {
    const reserve = new Reserve(`${folder}/none/reserve`, 1000);
    reserve.fill();
    assertMatch(reserve.shortage!, /nearly full; .*No such file/);
    await Deno.mkdir(`${folder}/none`);
    reserve.fill();
    assertEquals(reserve.shortage, null);
    await Deno.remove(`${folder}/none`, { recursive: true });
    assertThrows(() => reserve.grow(2000), Deno.errors.NotFound);
  });
});

Deno.test("where it can be neither set aside nor given up, nothing but the shortage tells", async () => {
  await withFolder(async (folder) => {
    const reserve = new Reserve(`${folder}/reserve`, 1000);
    await Deno.mkdir(`${folder}/reserve/not empty`, { recursive: true });
    reserve.fill();
    assertMatch(reserve.shortage!, /nearly full; .*directory/);
    reserve.release();
    assertMatch(reserve.shortage!, /nearly full; .*not empty/);
  });
});

async function assertGone(path: string): Promise<void> {
  assertEquals(await Deno.stat(path).catch((error) => error instanceof Deno.errors.NotFound), true);
}
