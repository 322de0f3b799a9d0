/**
 * The whole test run: format, lint, types, unit tests, simulation, the compile step, real dispy.
 *
 * A failing stage does not stop the ones after it. The very last line is
 * `N passed, N failed, N skipped`, alone; the exit code is 1 when anything failed.
 *
 *     deno task test                       everything
 *     deno task test --only unit,sim       some stages
 *     deno task ok                         the fast ones
 *
 * @module
 */

import { type Children, withChildren } from "./children.ts";
import { ROOT } from "./config.ts";

/** What came out of a stage, or of all of them. */
interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

interface Stage {
  name: string;
  /** Part of `deno task ok`, which is to take seconds. */
  fast: boolean;
  /** A stage that runs longer counts as failed and is stopped. */
  limitMs: number;
  /** Arguments for `deno`, of a stage that counts as one test. */
  command?: string[];
  /** The folder whose `*_test.ts` run, of a stage that counts as many. */
  tests?: string;
}

const MINUTE_MS = 60_000;

// The limits add up to less than the 90 minutes that a CI run may take.
const STAGES: Stage[] = [
  { name: "fmt", fast: true, limitMs: 1 * MINUTE_MS, command: ["fmt", "--check"] },
  { name: "lint", fast: true, limitMs: 1 * MINUTE_MS, command: ["lint"] },
  {
    name: "check",
    fast: true,
    limitMs: 4 * MINUTE_MS,
    command: ["check", "main.ts", "src", "scripts", "tests"],
  },
  { name: "unit", fast: true, limitMs: 8 * MINUTE_MS, tests: "tests/unit" },
  { name: "sim", fast: true, limitMs: 8 * MINUTE_MS, tests: "tests/sim" },
  { name: "fuzz", fast: true, limitMs: 3 * MINUTE_MS, tests: "tests/fuzz" },
  {
    name: "compile",
    fast: false,
    limitMs: 3 * MINUTE_MS,
    command: ["run", "--allow-all", "scripts/compile.ts", "--check"],
  },
  { name: "interop", fast: false, limitMs: 56 * MINUTE_MS, tests: "tests/interop" },
];

/** Runs `deno` with `args`; the answer is whether it ended well within `limitMs`. */
async function deno(children: Children, args: string[], limitMs: number): Promise<boolean> {
  // The deno that runs this script: there may be none on PATH, or another one.
  const child = children.spawn(Deno.execPath(), { args, cwd: ROOT });
  const timer = setTimeout(() => {
    console.error(`\nstopped: not done after ${limitMs / MINUTE_MS} minutes`);
    children.stop(child);
  }, limitMs);
  const status = await child.status;
  clearTimeout(timer);
  return status.success;
}

/** Adds up what the JUnit report at `path` tells; null when deno wrote none. */
async function readReport(path: string): Promise<Tally | null> {
  let report: string;
  try {
    report = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
  // A `<` in a test's name or output is escaped, so each of these is a real element.
  for (const [suite] of report.matchAll(/<testsuite\s[^>]*>/g)) {
    const count = (name: string) => Number(suite.match(` ${name}="(\\d+)"`)?.[1] ?? 0);
    const failed = count("failures") + count("errors");
    tally.failed += failed;
    tally.skipped += count("disabled");
    tally.passed += count("tests") - failed - count("disabled");
  }
  return tally;
}

async function hasTests(folder: URL): Promise<boolean> {
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (entry.isDirectory && await hasTests(new URL(`${entry.name}/`, folder))) return true;
      if (entry.isFile && entry.name.endsWith("_test.ts")) return true;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return false;
}

async function runTests(children: Children, folder: string, limitMs: number): Promise<Tally> {
  if (!await hasTests(new URL(`${folder}/`, ROOT))) {
    console.log(`no tests in ${folder}`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  const scratch = await Deno.makeTempDir({ prefix: "dispyscheduler-test-" });
  try {
    const report = `${scratch}/report.xml`;
    // The types are a stage of their own: an error in one file need not keep the others from running.
    const args = ["test", "--allow-all", "--no-check", `--junit-path=${report}`, folder];
    const ok = await deno(children, args, limitMs);
    const tally = await readReport(report) ?? { passed: 0, failed: 0, skipped: 0 };
    // Deno also fails when a file cannot be loaded or leaks; no test case stands for that.
    if (!ok && tally.failed === 0) tally.failed = 1;
    if (ok && tally.passed + tally.skipped === 0) tally.failed = 1;
    return tally;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function runStage(children: Children, stage: Stage): Promise<Tally> {
  if (stage.tests !== undefined) return await runTests(children, stage.tests, stage.limitMs);
  const ok = await deno(children, stage.command ?? [], stage.limitMs);
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

function chooseStages(args: string[]): Stage[] {
  const names = STAGES.map((stage) => stage.name);
  if (args.length === 0) return STAGES;
  if (args.length === 1 && args[0] === "--fast") return STAGES.filter((stage) => stage.fast);
  const only = args.length === 2 && args[0] === "--only" ? args[1]?.split(",") : undefined;
  const chosen = only ?? args[0]?.match(/^--only=(.+)$/)?.[1]?.split(",");
  if (chosen === undefined || !chosen.every((name) => names.includes(name))) {
    console.error(`usage: deno task test [--fast | --only STAGE,…]; stages: ${names.join(", ")}`);
    Deno.exit(2);
  }
  return STAGES.filter((stage) => chosen.includes(stage.name));
}

async function main(children: Children): Promise<void> {
  const total: Tally = { passed: 0, failed: 0, skipped: 0 };
  const failures: string[] = [];
  try {
    for (const stage of chooseStages(Deno.args)) {
      console.log(`\n== ${stage.name}`);
      const start = performance.now();
      const tally = await runStage(children, stage);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      console.log(
        `== ${stage.name}: ${tally.failed > 0 ? "FAILED" : "ok"}, ${tally.passed} passed, ` +
          `${tally.failed} failed, ${tally.skipped} skipped (${seconds} s)`,
      );
      if (tally.failed > 0) failures.push(stage.name);
      total.passed += tally.passed;
      total.failed += tally.failed;
      total.skipped += tally.skipped;
    }
  } finally {
    console.log(failures.length > 0 ? `\nfailed: ${failures.join(", ")}` : "");
    console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
    Deno.exitCode = failures.length > 0 ? 1 : 0;
  }
}

await withChildren(main);
