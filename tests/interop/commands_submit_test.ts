/** `submit` with a running scheduler and its nodes. */

import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import {
  type Command,
  commandJson,
  type CommandOptions,
  runCommand,
  startCommand,
} from "./harness/commands.ts";
import { type Lab, NODES, SCHEDULER } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

/** A result as `--json` tells it. */
interface Result {
  readonly line: number;
  readonly command: string;
  readonly outcome: string;
  readonly exit_code: number;
  readonly reason: string | null;
  readonly node: string | null;
  readonly attempts: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `submit --json`; tells its exit code, and the results in order. */
async function submitJson(
  lab: Lab,
  args: readonly (string | number)[],
  options: CommandOptions = {},
): Promise<{ code: number; results: Result[]; stderr: string }> {
  const run = await runCommand(lab, ["submit", "--json", "--keep_order", ...args], options);
  const lines = run.stdout.split("\n").slice(0, -1);
  return { code: run.code, results: lines.map((line) => JSON.parse(line)), stderr: run.stderr };
}

/** Command lines whose exit codes and outputs are all known, and what is to come of them. */
function manyLines(count: number): { text: string; expected: [number, number, string][] } {
  const lines: string[] = [];
  const expected: [number, number, string][] = [];
  for (let number = 1; number <= count; number++) {
    const code = number % 97;
    lines.push(`echo "out ${number}"; exit ${code}`);
    expected.push([number, code, `out ${number}\n`]);
  }
  return { text: lines.join("\n") + "\n", expected };
}

async function pushesLines(lab: Lab, count: number, kind?: "dispynode" | "ours"): Promise<void> {
  await lab.startScheduler({ debug: false });
  await lab.startNodes(2, kind === undefined ? {} : { kind });
  const { text, expected } = manyLines(count);
  const startedMs = Date.now();
  const { code, results } = await submitJson(lab, ["-a", "lines"], { files: { lines: text } });
  const tookS = (Date.now() - startedMs) / 1000;
  if (count > 1000) console.log(`${count} lines in ${tookS} s, ${Math.round(count / tookS)}/s`);
  equal(
    results.map(({ line, exit_code, stdout }) => [line, exit_code, stdout]),
    expected,
  );
  ok(results.every(({ outcome, attempts }) => outcome === "exited" && attempts === 1));
  equal([...new Set(results.map(({ node }) => node))].sort(), [lab.node(1), lab.node(2)]);
  equal(code, Math.max(...expected.map(([, exitCode]) => exitCode)));
}

/** Waits until no process of a scenario runs this command line any more, or until one does. */
async function untilProcesses(lab: Lab, mark: string, exist: boolean): Promise<void> {
  await lab.until(`a process ${exist ? "runs" : "no longer runs"} ${mark}`, async () => {
    const { success } = await new Deno.Command("pgrep", { args: ["-f", `^sleep ${mark}$`] })
      .output();
    return success === exist;
  });
}

/** A time to sleep that no other process sleeps. */
function longSleep(): string {
  return `1${String(Deno.pid).padStart(7, "0")}.${Math.floor(Math.random() * 1e6)}`;
}

async function untilRunning(lab: Lab, count: number): Promise<void> {
  await lab.until(`${count} jobs run`, async () => {
    return (await commandJson(lab, ["status"])).totals.jobs_running === count;
  });
}

/** Waits until its standard error says something. */
async function untilSays(lab: Lab, command: Command, what: RegExp): Promise<void> {
  await lab.until(`it says ${what}`, async () => what.test((await command.output()).stderr));
}

if (SCHEDULER === "ours") {
  for (const kind of ["dispynode", "ours"] as const) {
    scenario(
      `300 command lines through two nodes (${kind}): every exit code and output is right`,
      { tier: "core" },
      (lab) => pushesLines(lab, 300, kind),
    );

    scenario(
      `exit codes, signals, output and working folder of command lines are told (${kind})`,
      { tier: "core" },
      async (lab) => {
        await lab.startScheduler();
        await lab.startNode(1, { kind });
        const lines: [line: string, exitCode: number, stdout: string, stderr: RegExp][] = [
          ["true", 0, "", /^$/],
          ["false", 1, "", /^$/],
          ["exit 255", 255, "", /^$/],
          ["kill -KILL $$", 137, "", /^$/],
          ["kill -INT $$", 130, "", /^$/],
          ["kill -SEGV $$", 139, "", /^$/],
          ["no-such-program", 127, "", /no-such-program/],
          ["printf 'a\\nb'; printf c >&2; exit 2", 2, "a\nb", /^c$/],
          ["echo 'quoted  text' \"$((1 + 2))\" | tr a-z A-Z", 0, "QUOTED  TEXT 3\n", /^$/],
          ["cat; echo read", 0, "read\n", /^$/],
          ["ls", 0, "", /^$/],
          ["echo ünïcödé", 0, "ünïcödé\n", /^$/],
        ];
        const { code, results } = await submitJson(lab, ["-j", 1], {
          stdin: lines.map(([line]) => `${line}\n`).join("\n"),
        });
        equal(
          results.map(({ command, exit_code, stdout }) => [command, exit_code, stdout]),
          lines.map(([line, exitCode, stdout]) => [line, exitCode, stdout]),
        );
        for (const [index, [, , , stderr]] of lines.entries()) {
          match(results[index]!.stderr, stderr);
        }
        equal(code, 255);
        const binary = await submitJson(lab, ["printf '\\377\\000'"]);
        equal(
          (binary.results[0] as Result & { stdout_base64?: string }).stdout_base64,
          "/wA=",
        );
      },
    );

    scenario(
      `Ctrl-C cancels everything: exit code 130, and nothing is left running (${kind})`,
      { tier: "core" },
      async (lab) => {
        await lab.startScheduler();
        await lab.startNodes(2, { kind });
        const mark = longSleep();
        const submit = await startCommand(lab, [
          ...["submit", `sleep ${mark}; echo {}`, ":::"],
          ...Array.from({ length: 20 }, (_, index) => index),
        ]);
        await untilProcesses(lab, mark, true);
        await untilRunning(lab, 4);
        submit.process.kill("SIGINT");
        const { code, stdout, stderr } = await submit.ended();
        equal([code, stdout], [130, ""]);
        match(stderr, /0 of 20 succeeded, 20 cancelled; worst exit code 130/);
        await untilProcesses(lab, mark, false);
        await lab.until("the cluster is gone", async () => {
          return (await commandJson(lab, ["status"])).clusters.length === 0;
        });
      },
    );

    scenario(
      `--timeout ends a command line with all that it has started: exit code 124 (${kind})`,
      { tier: "more" },
      async (lab) => {
        await lab.startScheduler();
        await lab.startNode(1, { kind });
        const mark = longSleep();
        const { code, results } = await submitJson(lab, [
          ...["--timeout", "0.7", "if [ {} = slow ]; then sleep {1}; sleep", mark],
          ...["& wait; else exit 3; fi", ":::", "quick", "slow"],
        ]);
        equal(code, 124);
        equal(results.map(({ outcome, exit_code }) => [outcome, exit_code]), [
          ["exited", 3],
          ["timed_out", 124],
        ]);
        await untilProcesses(lab, mark, false);
      },
    );
  }

  const LARGE = "10,000 command lines through two nodes: every exit code and output is right";
  if (Deno.env.get("DISPY_TEST_SUBMIT_10000") === "1") {
    scenario(
      LARGE,
      { tier: "more", limitMs: 600_000 },
      (lab) => pushesLines(lab, 10_000),
    );
  } else {
    Deno.test.ignore(`[more] ${LARGE} (DISPY_TEST_SUBMIT_10000=1)`, () => {});
  }

  scenario(
    "inputs come from :::, a file, standard input or NUL-separated; placeholders quote them",
    { tier: "core" },
    async (lab) => {
      await lab.startScheduler();
      await lab.startNode(1);
      const words = ["a b", "it's", 'x"y', "$HOME", "*", "a;b"];
      const fromArguments = await runCommand(lab, [
        ...["submit", "-k", "printf '%s|'", "{}", "{#}", ":::", ...words],
      ]);
      const expected = words.map((word, index) => `${word}|${index + 1}|`).join("");
      equal([fromArguments.code, fromArguments.stdout, fromArguments.stderr], [0, expected, ""]);
      const stdin = words.map((word) => `${word}\n`).join("");
      const fromInput = await runCommand(lab, ["submit", "-k", "printf '%s|' {} {#}"], { stdin });
      equal([fromInput.code, fromInput.stdout], [0, expected]);
      const fromFile = await runCommand(lab, ["submit", "-k", "-a", "in", "printf '%s|' {} {#}"], {
        files: { in: stdin },
      });
      equal([fromFile.code, fromFile.stdout], [0, expected]);
      const nul = await runCommand(lab, ["submit", "-k", "-0", "-a", "-", "printf '<%s>'"], {
        stdin: "two\nlines\0one",
      });
      equal([nul.code, nul.stdout], [0, "<two\nlines><one>"]);
      const product = await runCommand(lab, [
        ...["submit", "-k", "echo", "{2}{1}", "{1/.}", ":::", "x/a.c", "b", ":::", "1", "2"],
      ]);
      equal(product.stdout, "1x/a.c a\n2x/a.c a\n1b b\n2b b\n");
    },
  );

  scenario(
    "--depends sends files to each node once, or with each command line its own",
    { tier: "core" },
    async (lab) => {
      await lab.startScheduler();
      await lab.startNodes(2);
      const { code, results } = await submitJson(lab, [
        ...["-d", "shared", "-d", "{}", "cat shared {}; sleep 0.1", ":::", "one", "two", "three"],
      ], { files: { shared: "S\n", one: "1\n", two: "2\n", three: "3\n" } });
      equal([code, results.map(({ stdout }) => stdout)], [0, ["S\n1\n", "S\n2\n", "S\n3\n"]]);
      const none = await runCommand(lab, ["submit", "-d", "missing", "true"]);
      equal([none.code, none.stdout], [125, ""]);
      match(none.stderr, /^dispyscheduler submit: cannot read .*missing: .*\n$/);
      const some = await submitJson(lab, ["-d", "{}", "cat", ":::", "one", "missing"], {
        files: { one: "1\n" },
      });
      equal(some.results.map(({ outcome, exit_code }) => [outcome, exit_code]), [
        ["exited", 0],
        ["lost", 125],
      ]);
    },
  );

  scenario(
    "--retries runs a command line that failed again; results come in order or as they end",
    { tier: "more" },
    async (lab) => {
      await lab.startScheduler();
      await lab.startNode(1, { cpus: 2 });
      const count = `${await lab.folder("count")}/runs`;
      const until3 = `echo x >>${count}; test $(wc -l <${count}) -ge 3`;
      const { code, results } = await submitJson(lab, ["--retries", 5, until3]);
      equal([code, results[0]?.attempts, results[0]?.exit_code], [0, 3, 0]);
      const failing = await submitJson(lab, ["--retries", 2, "exit 9"]);
      equal([failing.code, failing.results[0]?.attempts], [9, 3]);
      const lines = ["submit", "sleep {}; echo {}", ":::", "0.6", "0"];
      equal((await runCommand(lab, lines)).stdout, "0\n0.6\n");
      equal((await runCommand(lab, [...lines.toSpliced(1, 0, "-k")])).stdout, "0.6\n0\n");
    },
  );

  scenario(
    "a node that dies: its command line is lost, exit code 125; with --retries it runs elsewhere",
    { tier: "more" },
    async (lab) => {
      await lab.startScheduler({ args: ["--pulse_interval", "1"] });
      const first = await lab.startNode(1, { cpus: 2 });
      const mark = longSleep();
      const done = `${await lab.folder("done")}/done`;
      const line = `if [ -e ${done} ]; then echo elsewhere; else sleep ${mark}; fi`;
      const lost = await startCommand(lab, ["submit", "--json", "-n", lab.node(1), line]);
      const retried = await startCommand(lab, ["submit", "--json", "--retries", 1, line]);
      await untilRunning(lab, 2);
      await untilProcesses(lab, mark, true);
      await lab.startNode(2);
      await Deno.writeTextFile(done, "");
      first.kill("SIGKILL");
      const [one, other] = [await lost.ended(), await retried.ended()];
      const loss: Result = JSON.parse(one.stdout);
      equal([one.code, loss.outcome, loss.exit_code], [125, "lost", 125]);
      match(loss.reason ?? "", /node 127\.0\.0\.2 is gone/);
      const success: Result = JSON.parse(other.stdout);
      equal(
        [other.code, success.stdout, success.attempts, success.node],
        [0, "elsewhere\n", 2, lab.node(2)],
      );
    },
  );

  scenario(
    "with --retries, a scheduler that is killed and started anew in the middle costs no command line",
    { tier: "more", limitMs: 120_000 },
    async (lab) => {
      let scheduler = await lab.startScheduler();
      await lab.startNodes(2);
      const runs = `${await lab.folder("runs")}/runs`;
      const submit = await startCommand(lab, [
        ...["submit", "--json", "-k", "-j", 60, "-r", 5],
        ...[`sleep 0.05; echo {} | tee -a ${runs}`, ":::"],
        ...Array(200).keys(),
      ]);
      for (const enough of [20, 100]) {
        await lab.until(`${enough} lines were run`, async () => {
          const text = await Deno.readTextFile(runs).catch(() => "");
          return text.split("\n").length > enough;
        });
        scheduler = await lab.restartScheduler(scheduler);
      }
      const { code, stdout } = await submit.ended();
      const results: Result[] = stdout.trim().split("\n").map((line) => JSON.parse(line));
      equal(results.filter(({ line, stdout }) => stdout !== `${line - 1}\n`), []);
      equal([results.length, code], [200, 0]);
      // What was on its way to a node at that moment is run again; it was not run before.
      const ran = (await Deno.readTextFile(runs)).trim().split("\n").map(Number);
      equal(ran.sort((a, b) => a - b), [...Array(200).keys()]);
    },
  );

  scenario(
    "a cluster that is cancelled at the scheduler ends `submit`: exit code 125, and it says why",
    { tier: "more" },
    async (lab) => {
      await lab.startScheduler();
      await lab.startNode(1, { cpus: 1 });
      const submit = await startCommand(lab, [
        ...["submit", "--name", "mine", "-j", 3, "sleep 60; echo {}", ":::", 1, 2, 3, 4, 5, 6],
      ]);
      await untilRunning(lab, 1);
      await runCommand(lab, ["cancel", "mine"]);
      const { code, stdout, stderr } = await submit.ended();
      equal([code, stdout], [125, ""]);
      match(stderr, /line 1 at .*: cancelled by the operator \(dispyscheduler cancel\): sleep 60/);
      match(stderr, /0 of \d succeeded, .*3 cancelled; worst exit code 125/);
      match(stderr, /no more lines were submitted: /);
    },
  );

  scenario(
    "a limit of jobs at the scheduler slows `submit` down, and nothing else",
    { tier: "more" },
    async (lab) => {
      await lab.startScheduler({ args: ["--max_client_jobs", "3"] });
      await lab.startNode(1, { cpus: 2 });
      const { code, results } = await submitJson(lab, ["echo", ":::", ...Array(12).keys()]);
      equal([code, results.length], [0, 12]);
      ok(results.every(({ outcome, attempts }) => outcome === "exited" && attempts === 1));
    },
  );

  scenario(
    "`submit` says what is wrong: no scheduler, wrong secret, no nodes; a reader that leaves",
    { tier: "core" },
    async (lab) => {
      const none = await runCommand(lab, ["submit", "true"]);
      equal([none.code, none.stdout], [125, ""]);
      match(none.stderr, /^dispyscheduler submit: cannot connect to 127\.0\.0\.1 port 9702: .*\n$/);
      await lab.startScheduler({ args: ["--cluster_secret", "s3cret"] });
      const secret = ["--cluster_secret", "s3cret"];
      const wrong = await runCommand(lab, ["submit", "true"]);
      equal([wrong.code, wrong.stdout], [125, ""]);
      match(wrong.stderr, /its cluster secret is another one \(--cluster_secret_file\)\n$/);
      const waiting = await startCommand(lab, ["submit", ...secret, "echo found"]);
      await untilSays(lab, waiting, /the scheduler has no node for us yet; waiting/);
      await lab.startNode(1);
      equal((await waiting.ended()).stdout, "found\n");
      const folder = await lab.folder("pipe");
      const program = `deno run -A ${lab.root}/main.ts submit ${secret.join(" ")} echo {}`;
      const pipe = lab.start("pipe", [
        ...["bash", "-c", `seq 500 | ${program} | head -n 1; echo "codes \${PIPESTATUS[*]}"`],
      ], folder);
      await pipe.ended();
      ok(pipe.lines.includes("codes 0 141 0"), pipe.lines.join("\n"));
    },
  );

  scenario(
    "`submit` works with dispy's own scheduler as well",
    { tier: "more", unavailable: NODES === "dispynode" ? undefined : "needs dispy's own nodes" },
    async (lab) => {
      const folder = await lab.folder("original");
      await lab.startSchedulerAs([
        ...[lab.venv.python, `${lab.venv.bin}/dispyscheduler.py`, "--daemon", "-i", "127.0.0.1"],
        ...["--dest_path_prefix", folder],
      ], folder);
      await lab.startNode(1);
      const { code, results } = await submitJson(lab, ["exit", ":::", 0, 3, 5]);
      equal([code, results.map(({ exit_code }) => exit_code)], [5, [0, 3, 5]]);
    },
  );
}
