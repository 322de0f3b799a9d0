import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { loads } from "../../../../src/pickle/mod.ts";
import { JobStatus } from "../../../../src/wire/mod.ts";
import { type Lab, withLab } from "./lab.ts";

const { Finished, Terminated } = JobStatus;

function test(name: string, fn: () => Promise<void>): void {
  Deno.test(`a TypeScript job ${name}`, fn);
}

test("gets its arguments, may be of any type that can be cloned, and returns one", () =>
  withLab(
    `export function compute(map: Map<string, bigint>, date?: Date): unknown {
       return new Map([...map].map(([key, value]) => [key, { value: value * 2n, date }] as const));
     }`,
    async (lab) => {
      const date = new Date(0);
      assertEquals(
        await lab.value(new Map([["a", 4n]]), date),
        new Map([["a", { value: 8n, date }]]),
      );
    },
  ));

test("may be asynchronous, and may return nothing", () =>
  withLab(
    "export async function compute() { await new Promise((done) => setTimeout(done, 5)); }",
    async (lab) => assertEquals(await lab.value(), undefined),
  ));

test("knows its node", () =>
  withLab(
    "export const compute = () => [dispy.nodeName, dispy.nodeIpAddr];",
    async (lab) => assertEquals(await lab.value(), ["node7", "10.0.0.7"]),
  ));

test("imports other modules from its folder", () =>
  withLab(
    `export async function compute(n: number) {
       return (await import("./helper.ts")).double(n) + (await import("node:path")).basename("/x");
     }`,
    async (lab) => {
      const helper = "export const double = (n: number): string => String(2 * n);";
      await Deno.writeTextFile(`${lab.folder}/helper.ts`, helper);
      assertEquals(await lab.value(4), "8x");
    },
  ));

test("does not see what another job has done to the module or to globals", () =>
  withLab(
    `let calls = 0;
     export function compute() {
       globalThis.calls = (globalThis.calls ?? 0) + 1;
       return [++calls, globalThis.calls];
     }`,
    async (lab) => {
      for (let i = 0; i < 3; i++) assertEquals(await lab.value(), [1, 1]);
    },
  ));

test("gives back what it prints", () =>
  withLab(
    `export function compute() {
       console.log("one");
       console.error("two");
       Deno.stdout.writeSync(new TextEncoder().encode("three"));
     }`,
    async (lab) => {
      const { stdout, stderr } = await lab.run();
      assertEquals([stdout, stderr], ["one\nthree", "two\n"]);
    },
  ));

test("that prints a lot gets the beginning, and a line that says how much was dropped", () =>
  withLab(
    "export function compute() { for (let i = 0; i < 3000; i++) console.log('x'.repeat(999)); }",
    async (lab) => {
      const { stdout, status } = await lab.run();
      assertEquals(status, Finished);
      assertMatch(
        stdout as string,
        /^(x{999}\n)+\n\[2900000 more bytes of stdout were dropped: the node keeps 100000\]\n$/,
      );
    },
    { limits: { memoryBytes: null, outputBytes: 100_000 } },
  ));

test("finds the end of its input at once", () =>
  withLab(
    "export const compute = () => Deno.stdin.readSync(new Uint8Array(9));",
    async (lab) => assertEquals(await lab.value(), null),
  ));

test("that throws ends with the error's stack, which shows the module alone", () =>
  withLab(
    `function inner(): never {
  throw new RangeError("too far", { cause: new Error("no map") });
}
export const compute = () => inner();`,
    async (lab) => {
      const { status, exception, result } = await lab.run();
      assertEquals([status, loads(result)], [Terminated, null]);
      assertMatch(
        exception!,
        /^RangeError: too far\n +at inner \(file:.*dispy_computation_1\.ts:2:9\)\n +at compute \(file:.*:4:30\)\nCaused by: Error: no map\n +at inner/,
      );
      assertEquals(exception!.includes("data:"), false);
    },
  ));

const TROUBLES: Readonly<Record<string, readonly [code: string, says: RegExp]>> = {
  "that throws what is no error": ["throw { code: 5 }", /^Uncaught \{ code: 5 \}$/],
  "whose value cannot be cloned": ["return () => 5", /could not be cloned|DataCloneError/],
  "that calls Deno.exit": ["Deno.exit(3)", /^The job exited with code 3 before/],
  "that calls process.exit": [
    "process.exit(3)",
    /^The job exited with code 3 before/,
  ],
  "that throws where nobody catches it": [
    "setTimeout(() => { throw new Error('later') }); return new Promise(() => {})",
    /later/,
  ],
  "that recurses without end": [
    "const down = (n: number): number => down(n + 1) + 1; down(0)",
    /Maximum call stack size exceeded/,
  ],
};
for (const [name, [code, says]] of Object.entries(TROUBLES)) {
  test(`${name} ends Terminated, says so, and harms no other job`, () =>
    withLab(
      `import process from 'node:process';
       export function compute(fails: boolean): unknown { if (fails) { ${code} } return "fine"; }`,
      async (lab) => {
        const [bad, good] = await Promise.all([lab.run([true]), lab.value(false)]);
        assertEquals([bad.status, loads(bad.result), good], [Terminated, null, "fine"]);
        assertMatch(bad.exception!, says);
      },
    ));
}

test("beyond its memory limit ends Terminated and says so", () =>
  withLab(
    "export function compute() { const all = []; for (;;) all.push(new Array(1000).fill({})); }",
    async (lab) => {
      const { status, exception } = await lab.run();
      assertEquals(status, Terminated);
      assertMatch(
        exception!,
        /^The job's process was killed by SIG[A-Z]+: it was out of memory\.$/,
      );
    },
    { limits: { memoryBytes: 64 * 1024 * 1024, outputBytes: 10_000 } },
  ));

test("sends provisional results and files, and hears whether they arrived", () =>
  withLab(
    `export async function compute() {
       await dispy.provisionalResult({ best: 1n });
       Deno.mkdirSync("below", { recursive: true });
       Deno.writeTextFileSync("below/out.txt", "5");
       await dispy.sendFile("below/out.txt");
       return "all sent";
     }`,
    async (lab) => {
      assertEquals(await lab.value(), "all sent");
      assertEquals(lab.provisional, [{ best: 1n }]);
      const [file] = lab.files;
      assertEquals([file!.name, file!.path], ["below/out.txt", `${lab.folder}/below/out.txt`]);
      lab.clientHasIt = false;
      assertMatch((await lab.run()).exception!, /^Error: the provisional result was not delivered/);
    },
  ));

test("that does not wait for a provisional result goes on when it is lost", () =>
  withLab(
    `export async function compute() {
       dispy.provisionalResult(1);
       dispy.provisionalResult(() => {});
       await new Promise((done) => setTimeout(done, 20));
       return "still here";
     }`,
    async (lab: Lab) => {
      lab.clientHasIt = false;
      assertEquals(await lab.value(), "still here");
    },
  ));

test("may take and return much", () =>
  withLab("export const compute = (data: Uint8Array) => data.reverse();", async (lab) => {
    const data = new Uint8Array(10_000_000);
    data[0] = 1;
    const result = await lab.value(data) as Uint8Array;
    assertEquals([result.length, result.at(-1)], [data.length, 1]);
  }));

test("that writes nonsense to the node harms only itself", () =>
  withLab(
    `import { parentPort } from "node:worker_threads";
     export function compute(harms: boolean) {
       if (!harms) return "fine";
       for (const nonsense of [{ kind: "returned" }, { kind: "file" }, { kind: "x" }, "x"]) {
         parentPort!.postMessage(nonsense);
       }
       return "told";
     }`,
    async (lab) => {
      assertEquals(await lab.value(true), "told");
      assertEquals(await lab.value(false), "fine");
    },
  ));

test("with code of its own, or arguments of Python, is refused in words", () =>
  withLab("export function compute() {}", async (lab) => {
    const code = await lab.start([], { code: "class X: pass" }).ended;
    assertEquals(code.exception, "A TypeScript job cannot bring code of its own.");
    const args = await lab.start([], { args: Uint8Array.of(0x80, 4, 0x4e, 0x2e) }).ended;
    assertMatch(args.exception!, /^The arguments are not of TypeScript: /);
  }));
