/** What comes of the files of a test run is counted, whatever they do. */

import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { Children } from "../../../scripts/children.ts";
import { tallyOf } from "../../../scripts/test/junit.ts";
import { type Outcome, runTasks, type Task } from "../../../scripts/test/tasks.ts";

const FILES = {
  passes: "Deno.test('one', () => {}); Deno.test.ignore('two', () => {});",
  fails: "Deno.test('one', () => {}); Deno.test('two', () => { throw new Error('so it is'); });",
  "is-empty": "",
  "is-broken": "import './nowhere.ts'; Deno.test('one', () => {});",
  "dies": "Deno.test('one', () => { Deno.exit(0); });",
  "hangs": "Deno.test('one', () => new Promise((resolve) => setTimeout(resolve, 60_000)));",
};

/** Runs tasks for these files, `jobs` at a time; what came of each, by its name. */
async function outcomes(
  files: Record<string, string>,
  jobs: number,
  limitMs = 60_000,
): Promise<Map<string, Outcome>> {
  const folder = await Deno.makeTempDir();
  const done = new Map<string, Outcome>();
  try {
    await using children = new Children();
    const tasks: Task[] = [];
    for (const [name, text] of Object.entries(files)) {
      const path = `${folder}/${name}_test.ts`;
      await Deno.writeTextFile(path, text);
      tasks.push({ stage: "test", name: path, limitMs });
    }
    await runTasks(children, tasks, jobs, (outcome) => {
      done.set(/([^/]*)_test\.ts$/.exec(outcome.task.name)![1]!, outcome);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return done;
}

Deno.test("each file of a test run is counted: what passes, fails, cannot be loaded, or ends", async () => {
  const { hangs: _, ...files } = FILES;
  const done = await outcomes(files, 3);
  const counts = [...done].map(([name, { tally }]) => {
    return [name, tally.passed, tally.failed, tally.skipped] as const;
  });
  assertEquals(
    new Map(counts.map(([name, ...rest]) => [name, rest])),
    new Map([
      ["passes", [1, 0, 1]],
      ["fails", [1, 1, 0]],
      ["is-empty", [0, 0, 0]],
      ["is-broken", [0, 1, 0]],
      ["dies", [0, 1, 0]],
    ]),
  );
  assertMatch(done.get("fails")!.output, /so it is/);
});

Deno.test("a file that hangs is stopped at its limit, and the others are run", async () => {
  const { hangs, passes } = FILES;
  const done = await outcomes({ hangs, passes }, 1, 3_000);
  assertEquals([...done].map(([name, { tally }]) => [name, tally.failed]), [
    ["hangs", 1],
    ["passes", 0],
  ]);
  assertMatch(done.get("hangs")!.output, /stopped: not done after/);
});

Deno.test("a report's suites are added up", () => {
  const report = `<testsuites name="deno test" tests="5" failures="1" errors="0" time="0.7">
    <testsuite name="./a_test.ts" tests="3" disabled="1" errors="0" failures="1">
      <testcase name="&lt;testsuite tests=&quot;9&quot;>"></testcase></testsuite>
    <testsuite name="./b_test.ts" tests="2" disabled="0" errors="0" failures="0"></testsuite>
  </testsuites>`;
  assertEquals(tallyOf(report), { passed: 3, failed: 1, skipped: 1 });
});
