/**
 * The whole test run: format, lint, types, unit tests, simulation, fuzzing, the compile step, real
 * dispy; several tasks side by side. One line a task, and what it has printed where it failed.
 *
 * A failing task does not stop the others; few files that fail are run once more by themselves, and
 * named as unsteady where they pass then. The very last line is `N passed, N failed, N skipped`,
 * alone; the exit code is 1 when anything failed.
 *
 *     deno task test                       everything
 *     deno task test --only unit,sim       some stages
 *     deno task ok                         those that ask no network and no other program
 *
 * `DENO_JOBS` says how many tasks are to run side by side.
 *
 * @module
 */

import { type Children, withChildren } from "./children.ts";
import { add, noTally, type Tally } from "./test/junit.ts";
import {
  jobsOf,
  type Outcome,
  runTasks,
  type Task,
  type TaskKind,
  testFiles,
} from "./test/tasks.ts";

interface Stage {
  readonly name: string;
  /** Part of `deno task ok`. */
  readonly fast: boolean;
  /** Tasks that wait run after all that compute, more of them at a time. */
  readonly kind: TaskKind;
  /** For one task; long enough for a machine that is slow and busy. */
  readonly limitMs: number;
  /** Arguments for `deno`, of a stage that is one task. */
  readonly command?: readonly string[];
  /** The folder whose `*_test.ts` are tasks. */
  readonly tests?: string;
  /** Those that take long begin first, so that none is waited for alone at the end. */
  readonly first?: readonly string[];
}

const MINUTE_MS = 60_000;

/**
 * So many files that have failed are run once more, one after the other, when all others are done: on
 * a busy machine peers may be too slow for each other. Those that pass then are named as unsteady.
 */
const MAX_AGAIN = 6;

const STAGES: readonly Stage[] = [
  {
    ...{ name: "sim", fast: true, kind: "computes", limitMs: 20 * MINUTE_MS },
    tests: "tests/sim",
  },
  {
    ...{ name: "check", fast: true, kind: "computes", limitMs: 4 * MINUTE_MS },
    command: ["check", "--quiet", "main.ts", "src", "scripts", "tests"],
  },
  {
    ...{ name: "fmt", fast: true, kind: "computes", limitMs: 1 * MINUTE_MS },
    command: ["fmt", "--check"],
  },
  {
    ...{ name: "lint", fast: true, kind: "computes", limitMs: 1 * MINUTE_MS },
    command: ["lint", "--quiet"],
  },
  {
    ...{ name: "unit", fast: true, kind: "computes", limitMs: 4 * MINUTE_MS },
    tests: "tests/unit",
    first: ["node/typescript/ending", "node/python/ending", "pickle/random", "net/transport"],
  },
  {
    ...{ name: "fuzz", fast: true, kind: "computes", limitMs: 3 * MINUTE_MS },
    tests: "tests/fuzz",
  },
  {
    ...{ name: "compile", fast: false, kind: "computes", limitMs: 3 * MINUTE_MS },
    command: ["run", "--allow-all", "scripts/compile.ts", "--check"],
  },
  {
    ...{ name: "interop", fast: false, kind: "waits", limitMs: 30 * MINUTE_MS },
    tests: "tests/interop",
    first: [
      ...["pickle/roundtrip", "faults_network", "restart_state", "commands_submit"],
      ...["faults_nodes", "restart", "memory", "attack", "own_node_jobs", "pulses"],
      ...["node_control", "files", "chaos", "own_client_readme", "demo"],
    ],
  },
];

/** From here on, what Deno prints is of tests that failed. */
const DETAILS_FROM = / ERRORS |^error: /m;

async function tasksOf(stage: Stage): Promise<Task[]> {
  const { name, limitMs, command, tests, first = [] } = stage;
  if (tests === undefined) return [{ stage: name, name, limitMs, command: command ?? [] }];
  const files = await testFiles(tests);
  const place = (file: string) => {
    const at = first.findIndex((part) => file === `${tests}/${part}_test.ts`);
    return at < 0 ? first.length : at;
  };
  return files.sort((a, b) => place(a) - place(b))
    .map((file) => ({ stage: name, name: file, limitMs }));
}

/** The line of a task that is over; where it failed, also what it has printed. */
function tell({ task, tally, tookMs, output }: Outcome): void {
  const { passed, failed, skipped } = tally;
  const counts = [
    ...(task.command === undefined && passed > 0 ? [`${passed} passed`] : []),
    ...(task.command === undefined && failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(passed + failed + skipped === 0 ? ["no tests"] : []),
  ];
  const seconds = (tookMs / 1000).toFixed(1).padStart(6);
  const what = [task.name, ...counts.length > 0 ? [counts.join(", ")] : []].join(": ");
  console.log(`${failed > 0 ? "FAILED" : "ok    "} ${seconds} s  ${what}`);
  if (failed > 0) {
    // The tests that passed are no news, as far as Deno says where the others begin.
    const at = task.command === undefined ? output.search(DETAILS_FROM) : 0;
    console.log(output.slice(Math.max(0, at)).trimEnd().replaceAll(/^/gm, "    ") + "\n");
  }
}

/** Why tests were left out, as they say themselves. */
function reasons({ output }: Outcome): string[] {
  return output.split("\n").filter((line) => / (is|are) ignored: /.test(line));
}

function chooseStages(args: readonly string[]): readonly Stage[] {
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

/** How many tasks are to run side by side, where `DENO_JOBS` says so. */
function wantedJobs(): number | undefined {
  const text = Deno.env.get("DENO_JOBS");
  if (text === undefined || text === "") return undefined;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  console.error(`DENO_JOBS is "${text}", it must be a number from 1 on`);
  Deno.exit(2);
}

async function main(children: Children): Promise<void> {
  const stages = chooseStages(Deno.args);
  const jobs = wantedJobs();
  const startMs = performance.now();
  const tallies = new Map<string, Tally>(stages.map(({ name }) => [name, noTally()]));
  const why = new Set<string>();
  const unsteady: string[] = [];
  try {
    const count = (outcome: Outcome) => {
      add(tallies.get(outcome.task.stage)!, outcome.tally);
      if (outcome.tally.skipped > 0) { for (const reason of reasons(outcome)) why.add(reason); }
    };
    const failed: Outcome[] = [];
    for (const kind of ["computes", "waits"] as const) {
      const tasks = (await Promise.all(stages.filter((stage) => stage.kind === kind).map(tasksOf)))
        .flat();
      await runTasks(children, tasks, jobs ?? jobsOf(kind), (outcome) => {
        tell(outcome);
        if (outcome.tally.failed > 0 && outcome.task.command === undefined) failed.push(outcome);
        else count(outcome);
      });
    }
    if (failed.length > MAX_AGAIN) { for (const outcome of failed) count(outcome); }
    else {
      await runTasks(children, failed.map(({ task }) => task), 1, (outcome) => {
        tell(outcome);
        count(outcome);
        if (outcome.tally.failed === 0) unsteady.push(outcome.task.name);
      });
    }
  } finally {
    const total = noTally();
    console.log("");
    for (const [name, tally] of tallies) {
      // A file may have tests for other schedulers only, but a stage without any has not run.
      if (tally.passed + tally.failed + tally.skipped === 0) tally.failed = 1;
      add(total, tally);
      const { passed, failed, skipped } = tally;
      const verdict = failed > 0 ? "FAILED" : "ok";
      console.log(`${name}: ${verdict}, ${passed} passed, ${failed} failed, ${skipped} skipped`);
    }
    for (const reason of why) console.log(reason);
    for (const name of unsteady) {
      console.log(`UNSTEADY ${name}: failed beside others (see above), passed by itself`);
    }
    console.log(`took ${((performance.now() - startMs) / 1000).toFixed(0)} s\n`);
    console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
    Deno.exitCode = total.failed > 0 ? 1 : 0;
  }
}

await withChildren(main);
