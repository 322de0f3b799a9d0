/**
 * The tasks of a test run, each a process of its own, several of them side by side.
 *
 * A test file in a process of its own costs no more than one in a worker of a common process, can be
 * stopped when it hangs, and harms no other when it crashes.
 *
 * @module
 */

import type { Children } from "../children.ts";
import { ROOT } from "../config.ts";
import { type Tally, tallyOf } from "./junit.ts";

/** Whether a task takes what a core gives, or waits most of the time for what others do. */
export type TaskKind = "computes" | "waits";

/** How many tasks of a kind are to run side by side on this machine. */
export function jobsOf(kind: TaskKind): number {
  const cores = navigator.hardwareConcurrency;
  return kind === "computes" ? cores + 1 : 3 * cores;
}

/** Something that is run. */
export interface Task {
  /** The stage that it counts for. */
  readonly stage: string;
  /** What its line is called: the path of a test file, or what a command does. */
  readonly name: string;
  /** Arguments for `deno`; of a test file, those are known. */
  readonly command?: readonly string[];
  /** A task that runs longer counts as failed and is stopped. */
  readonly limitMs: number;
}

/** What has come of a task. */
export interface Outcome {
  readonly task: Task;
  readonly tally: Tally;
  readonly tookMs: number;
  /** All that it has printed, or as much of the end as is kept. */
  readonly output: string;
}

/** Of what a task prints, this much of the end is kept. */
const MAX_OUTPUT_BYTES = 4 << 20;

/**
 * Runs `tasks` in their order, `jobs` at a time.
 *
 * @param onDone Told of each as soon as it is over.
 */
export async function runTasks(
  children: Children,
  tasks: readonly Task[],
  jobs: number,
  onDone: (outcome: Outcome) => void,
): Promise<void> {
  const waiting = [...tasks];
  const work = async () => {
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
      onDone(await run(children, task));
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
}

async function run(children: Children, task: Task): Promise<Outcome> {
  const startMs = performance.now();
  const report = await Deno.makeTempFile({ prefix: "dispyscheduler-test-", suffix: ".xml" });
  try {
    // The types are a task of their own: an error in one file need not keep others from running.
    const test = ["test", "--allow-all", "--no-check", `--junit-path=${report}`, task.name];
    const { ok, output } = await deno(children, task.command ?? test, task.limitMs);
    const tally = task.command !== undefined
      ? { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 }
      : tallyOf(await Deno.readTextFile(report));
    // Deno also fails when a file cannot be loaded, or ends Deno; no test case stands for that.
    if (!ok && tally.failed === 0) tally.failed = 1;
    return { task, tally, output, tookMs: performance.now() - startMs };
  } finally {
    await Deno.remove(report);
  }
}

/** Runs `deno` with `args`: whether it ended well within `limitMs`, and what it has printed. */
async function deno(
  children: Children,
  args: readonly string[],
  limitMs: number,
): Promise<{ ok: boolean; output: string }> {
  // The deno that runs this script: there may be none on PATH, or another one.
  const child = children.spawn(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  });
  const printed = new Tail(MAX_OUTPUT_BYTES);
  const reading = Promise.all([printed.read(child.stdout), printed.read(child.stderr)]);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    void children.stop(child);
  }, limitMs);
  const { success } = await child.status;
  clearTimeout(timer);
  // What it has left behind may hold its output open.
  const closed = await Promise.race([
    reading,
    new Promise((resolve) => setTimeout(resolve, 5_000)),
  ]);
  if (closed === undefined) await children.stop(child);
  const late = isLate ? `\nstopped: not done after ${limitMs / 60_000} minutes\n` : "";
  return { ok: success && !isLate, output: printed.text + late };
}

/** The end of what is read. */
class Tail {
  readonly #chunks: string[] = [];
  #length = 0;

  constructor(private readonly maxLength: number) {}

  async read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<true> {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      while (this.#length > this.maxLength) this.#length -= this.#chunks.shift()!.length;
    }
    return true;
  }

  get text(): string {
    return this.#chunks.join("");
  }
}

/** The paths of the test files in `folder`, below the checkout. */
export async function testFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory, isFile } of Deno.readDir(new URL(`${folder}/`, ROOT))) {
    const path = `${folder}/${name}`;
    if (isDirectory) files.push(...await testFiles(path));
    else if (isFile && name.endsWith("_test.ts")) files.push(path);
  }
  return files.sort();
}
