import { assertEquals } from "@std/assert/equals.js";
import { assertThrows } from "@std/assert/throws.js";
import { SYSTEM_ENVIRONMENT } from "../../../src/cli/environment.ts";

function inTemporaryDirectory(test: (directory: string) => void): void {
  const directory = Deno.makeTempDirSync();
  try {
    test(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test({
  name: "a private file is for its owner only, also when it was open to all before",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inTemporaryDirectory((directory) => {
      for (const before of [undefined, "something longer that was there before"]) {
        const path = `${directory}/${before === undefined ? "new" : "old"}.ini`;
        if (before !== undefined) {
          Deno.writeTextFileSync(path, before);
          Deno.chmodSync(path, 0o644);
        }
        SYSTEM_ENVIRONMENT.writePrivateFile(path, "secret\n");
        assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
        assertEquals(SYSTEM_ENVIRONMENT.readTextFile(path), "secret\n");
      }
    }),
});

Deno.test("a file that is not UTF-8 is refused, not garbled", () => {
  inTemporaryDirectory((directory) => {
    const path = `${directory}/latin1.ini`;
    Deno.writeFileSync(path, new Uint8Array([0xe4, 0x0a]));
    assertThrows(() => SYSTEM_ENVIRONMENT.readTextFile(path), TypeError);
  });
});
