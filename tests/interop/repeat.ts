/**
 * Runs the scenarios many times and prints how often each passed, to find the ones that do so only
 * sometimes.
 *
 *     deno run -A tests/interop/repeat.ts --times 10 [--filter x]
 *
 * Several files run side by side, as in a test run; `DENO_JOBS` says how many.
 *
 * @module
 */

import { jobsOf } from "../../scripts/test/tasks.ts";

/** How often a scenario passed and failed. */
interface Tally {
  passed: number;
  failed: number;
  ignored: number;
}

const HERE = new URL(".", import.meta.url).pathname;

function parsed(args: readonly string[]): { times: number; filter: string | undefined } {
  let times = 10;
  let filter: string | undefined;
  for (let index = 0; index < args.length; index += 2) {
    const [name, value] = [args[index], args[index + 1]];
    if (name === "--times" && /^[1-9]\d*$/.test(value ?? "")) times = Number(value);
    else if (name === "--filter" && value !== undefined) filter = value;
    else throw new Error(`usage: repeat.ts [--times N] [--filter TEXT], not ${args.join(" ")}`);
  }
  return { times, filter };
}

/** The test files of the scenarios, which are beside this program. */
function scenarioFiles(): string[] {
  return [...Deno.readDirSync(HERE)].map((entry) => entry.name)
    .filter((name) => name.endsWith("_test.ts")).sort().map((name) => HERE + name);
}

/** Runs the suite once and adds its outcome, as Deno writes it in JUnit's format, to the tallies. */
async function round(filter: string | undefined, tallies: Map<string, Tally>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".xml" });
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "-A", "--no-check", "--parallel", `--junit-path=${path}`],
      ...(filter === undefined ? [] : [`--filter=${filter}`]),
      ...scenarioFiles(),
    ],
    env: { DENO_JOBS: Deno.env.get("DENO_JOBS") ?? String(jobsOf("waits")) },
    stdout: "piped",
    stderr: "inherit",
  }).output();
  const xml = await Deno.readTextFile(path);
  await Deno.remove(path);
  if (code !== 0) await Deno.stdout.write(stdout);
  // Only what failed or was ignored has something inside its element.
  for (const [, open = "", inside = ""] of xml.matchAll(TEST_CASE)) {
    const name = unescaped(/ name="([^"]*)"/.exec(open)?.[1] ?? "");
    const tally = tallies.get(name) ?? { passed: 0, failed: 0, ignored: 0 };
    // What the filter leaves out is in the list as skipped too.
    if (inside.includes("<skipped") && filter !== undefined) continue;
    if (inside.includes("<skipped")) tally.ignored++;
    else if (/<(failure|error)/.test(inside)) tally.failed++;
    else tally.passed++;
    tallies.set(name, tally);
  }
}

const TEST_CASE = /<testcase\b((?:[^>"]|"[^"]*")*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g;

function unescaped(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'").replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}

if (import.meta.main) {
  const { times, filter } = parsed(Deno.args);
  const tallies = new Map<string, Tally>();
  for (let run = 1; run <= times; run++) {
    const started = Date.now();
    await round(filter, tallies);
    console.error(`run ${run} of ${times}: ${((Date.now() - started) / 1000).toFixed()} s`);
  }
  console.log("passed  failed  ignored  scenario");
  for (const [name, tally] of [...tallies].sort(([, a], [, b]) => b.failed - a.failed)) {
    const counts = [[tally.passed, 6], [tally.failed, 6], [tally.ignored, 7]] as const;
    console.log(`${counts.map(([n, width]) => String(n).padStart(width)).join("  ")}  ${name}`);
  }
  if ([...tallies.values()].some((tally) => tally.failed > 0)) Deno.exit(1);
}
