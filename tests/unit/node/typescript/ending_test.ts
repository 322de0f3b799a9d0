import { assert } from "@std/assert/assert.js";
import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { spawn } from "node:child_process";
import { JobStatus } from "../../../../src/wire/mod.ts";
import { decodeTypeScriptValue } from "../../../../src/wire/typescript_jobs.ts";
import { readMarked, readProcesses } from "../../../../src/node/process_table.ts";
import { findNamespace } from "../../../../src/node/containment/namespace.ts";
import { commandsWith } from "../containment/escaping_node.ts";
import { type Lab, withLab } from "./lab.ts";

const { Finished, Terminated } = JobStatus;

const namespace = await findNamespace();

/** Waits until a job has sent a provisional result, and tells it. */
async function word(lab: Lab): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  lab.onProvisional = resolve;
  return await promise;
}

function isAlive(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
}

Deno.test("a job that is terminated in an endless loop ends at once, and tells what it had printed", () =>
  withLab(
    `export async function compute() {
       console.log("begun");
       await dispy.provisionalResult("here");
       for (;;);
     }`,
    async (lab) => {
      const job = lab.start();
      await word(lab);
      job.terminate();
      job.terminate();
      const { status, exception, stdout } = await job.ended;
      assertEquals([status, exception, stdout], [Terminated, null, "begun\n"]);
      assert(!isAlive((await job.findPid())!));
    },
  ));

Deno.test("a job that listens to dispy.signal may still return its best value", () =>
  withLab(
    `export async function compute() {
       const cancelled = new Promise((resolve) => dispy.signal.addEventListener("abort", resolve));
       await dispy.provisionalResult("here");
       await cancelled;
       return [dispy.signal.aborted, "best so far"];
     }`,
    async (lab) => {
      const job = lab.start();
      await word(lab);
      job.terminate();
      const { status, result } = await job.ended;
      assertEquals([status, decodeTypeScriptValue(result)], [Finished, [true, "best so far"]]);
    },
  ));

Deno.test("a job that is killed from outside ends Terminated, and says so", () =>
  withLab(
    `export async function compute() {
       await dispy.provisionalResult("here");
       for (;;);
     }`,
    async (lab) => {
      const job = lab.start();
      await word(lab);
      Deno.kill((await job.findPid())!, "SIGKILL");
      assertEquals((await job.ended).exception, "The job's process was killed by SIGKILL.");
    },
  ));

Deno.test("a process that waits for a job and is killed harms no job", {
  ignore: Deno.build.os !== "linux" && Deno.env.get("CI") !== "true",
}, () => {
  // Other tests of this process have children as well.
  const mark = crypto.randomUUID();
  return withLab(`export const compute = () => "well";`, async (lab) => {
    const children = readMarked(await readProcesses(), `DISPY_TEST_MARK=${mark}`);
    for (const pid of children) {
      Deno.kill(pid, "SIGKILL");
      await gone(pid);
    }
    await anotherEnd();
    assertEquals([children.length, await lab.value()], [1, "well"]);
  }, { environment: { DISPY_TEST_MARK: mark } });
});

/** Resolves once Deno has told of all processes that have ended before. */
function anotherEnd(): Promise<void> {
  return new Promise((resolve) => spawn("true").on("close", () => resolve()));
}

Deno.test("programs that a job has started end with it", () =>
  withLab(
    `export async function compute() {
       const child = new Deno.Command("sleep", { args: ["600"] }).spawn();
       return child.pid;
     }`,
    async (lab) => await gone(await lab.value() as number),
    { permissions: ["run=sleep"] },
  ));

for (const how of ["without", "in"] as const) {
  Deno.test({
    name: `${how} a PID namespace, a job ends though a program has got away with its output`,
    ignore: namespace.kind === "none",
    fn: () =>
      withLab(
        `export async function compute(seconds) {
           const script = "setsid sleep " + seconds + " & sleep 0.1";
           await new Deno.Command("sh", {
             args: ["-c", script], clearEnv: true, stdout: "inherit", stderr: "inherit",
           }).output();
           console.log("said");
         }`,
        async (lab) => {
          const seconds = `9${crypto.getRandomValues(new Uint32Array(1))[0]}`;
          const end = await lab.run([seconds]);
          assertEquals([end.status, end.stdout, end.exception], [Finished, "said\n", null]);
          const left = commandsWith(seconds);
          if (how === "in") assertEquals(left, []);
          else for (const pid of left) Deno.kill(pid, "SIGKILL");
        },
        {
          permissions: ["run"],
          launcher: how === "in" && namespace.kind !== "none" ? namespace.launcher : [],
        },
      ),
  });
}

Deno.test("close ends jobs, and the process that waits", () =>
  withLab(
    `export async function compute() {
       await dispy.provisionalResult("here");
       for (;;);
     }`,
    async (lab) => {
      const job = lab.start();
      await word(lab);
      await lab.runner.close();
      assertMatch((await job.ended).exception!, /killed by SIGKILL/);
      assertEquals((await lab.run()).status, Terminated);
    },
  ));

Deno.test("when the node is killed, no job goes on", async () => {
  const node = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", new URL("doomed_node.ts", import.meta.url).pathname],
    stdout: "piped",
  }).spawn();
  let said = "";
  for await (const text of node.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (said.endsWith("\n")) node.kill("SIGKILL");
  }
  await node.status;
  assertMatch(said, /^\d+\n$/);
  await gone(Number(said));
});
