import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { Lab, type LabOptions, withLab } from "./lab.ts";

/** What setup says in a computation that only ever is set up. */
async function setupOf(source: string, options: LabOptions = {}): Promise<string | null> {
  const lab = await Lab.open(source, { setup: "setup", ...options });
  try {
    return await lab.setup();
  } finally {
    await lab.close();
  }
}

Deno.test("jobs see what setup has left in the module's variables, untouched by other jobs", () =>
  withLab(
    `let state: number[];
     export async function setup(start: number) {
       await Promise.resolve();
       state = [start];
     }
     export function compute() { state.push(1); return state; }`,
    async (lab) => {
      for (let i = 0; i < 3; i++) assertEquals(await lab.value(), [7, 1]);
    },
    { setup: "setup", setupArgs: [7] },
  ));

Deno.test("setup has run in a process before the computation is ready", () =>
  withLab(
    `export const setup = () => Deno.writeTextFileSync("proof", "x");
     export function compute() {}`,
    async (lab) => assertEquals(await Deno.readTextFile(`${lab.folder}/proof`), "x"),
    { setup: "setup" },
  ));

Deno.test("setup that throws has failed, and says where", async () => {
  assertMatch(
    await setupOf(
      "export function setup() { throw new Error('no data'); }\nexport const compute = 5;",
    ) ??
      "",
    /^"setup" failed with TypeError: the module does not export a function compute/,
  );
  assertMatch(
    await setupOf(
      "export function setup() { throw new Error('no data'); }\nexport const compute = () => 5;",
    ) ??
      "",
    /^"setup" failed with Error: no data\n +at setup \(file:.*:1:33\)$/,
  );
});

Deno.test("a module that is wrong, or lacks a function, fails the setup", async () => {
  assertMatch(
    await setupOf("export function compute( {", { setup: null }) ?? "",
    /SyntaxError|parse/,
  );
  assertMatch(
    await setupOf("export function compute() {}") ?? "",
    /the module does not export a function setup$/,
  );
  assertMatch(
    await setupOf("export function compute() {}\nDeno.exit(4);", { setup: null }) ?? "",
    /exited with code 4/,
  );
});

Deno.test("setup that never ends is ended by close", async () => {
  const lab = await Lab.open(
    "export function setup() { for (;;); }\nexport function compute() {}",
    {
      setup: "setup",
    },
  );
  const outcome = lab.setup();
  await lab.close();
  assertEquals(await outcome, "The computation was closed.");
});

Deno.test("cleanup runs with the setup's arguments and what setup has left", () =>
  withLab(
    `let state = "";
     export function setup() { state = "set up"; }
     export const cleanup = (path: string) => Deno.writeTextFileSync(path, state);
     export function compute() {}`,
    async (lab) => {
      await lab.value();
      await lab.runner.cleanup();
      assertEquals(await Deno.readTextFile(`${lab.folder}/proof`), "set up");
    },
    { setup: "setup", cleanup: "cleanup", setupArgs: ["proof"] },
  ));

Deno.test("cleanup that throws is logged and done", () =>
  withLab(
    "export function cleanup() { throw new Error('disk gone'); }\nexport function compute() {}",
    async (lab) => {
      await lab.runner.cleanup();
      assertMatch(lab.logged.join("\n"), /^warning: "cleanup" failed with Error: disk gone/);
    },
    { cleanup: "cleanup" },
  ));

Deno.test("close leaves the computation's folder as the computation has made it", async () => {
  const lab = await Lab.open("export function compute() {}");
  assertEquals(await lab.setup(), null);
  await lab.runner.close();
  assertEquals([...Deno.readDirSync(lab.folder)], []);
  await lab.close();
});
