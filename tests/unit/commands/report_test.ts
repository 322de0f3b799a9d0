import { assertEquals } from "@std/assert/equals.js";
import { assertThrows } from "@std/assert/throws.js";
import { CommandError } from "../../../src/commands/command_error.ts";
import type { Job } from "../../../src/client/mod.ts";
import { renderProgress } from "../../../src/cli/progress_bar.ts";
import type { Outcome } from "../../../src/commands/submit/outcome.ts";
import { Report, type ReportOptions } from "../../../src/commands/submit/report.ts";
import type { LineResult } from "../../../src/commands/submit/runner.ts";

/** Keeps what is printed; takes only a few bytes at a time, as a pipe may. */
class Printed {
  readonly #bytes: number[] = [];

  writeSync(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, 3);
    this.#bytes.push(...taken);
    return taken.length;
  }

  get text(): string {
    return new TextDecoder().decode(Uint8Array.from(this.#bytes));
  }
}

function report(options: Partial<ReportOptions> = {}) {
  const [stdout, stderr] = [new Printed(), new Printed()];
  const made = new Report({
    stdout,
    stderr,
    json: false,
    keepOrder: false,
    columns: null,
    ...options,
  });
  return { report: made, stdout, stderr };
}

function result(number: number, outcome: Partial<Outcome>, stdout: string | Uint8Array = "") {
  const job = {
    ipAddr: "10.0.0.1",
    startedAt: new Date(0),
    endedAt: new Date(1500),
    stdoutBytes: typeof stdout === "string" ? new TextEncoder().encode(stdout) : stdout,
    stderrBytes: new TextEncoder().encode(typeof stdout === "string" ? `e${stdout}` : ""),
  } as unknown as Job<number>;
  const line = { number, command: `line ${number}`, depends: [] };
  const whole: Outcome = { kind: "exited", exitCode: 0, reason: null, ...outcome };
  return { line, outcome: whole, attempts: 1, job } satisfies LineResult;
}

Deno.test("what lines print is printed as it was; without failures nothing else", () => {
  const { report: made, stdout, stderr } = report();
  made.add(result(2, {}, "two"));
  made.add(result(1, {}, "one\n"));
  made.finish(1000);
  assertEquals([stdout.text, stderr.text, made.worst], ["twoone\n", "etwoeone\n", 0]);
});

Deno.test("in order, results wait for those of earlier lines", () => {
  const { report: made, stdout } = report({ keepOrder: true });
  made.add(result(3, {}, "3"));
  made.add(result(1, {}, "1"));
  assertEquals(stdout.text, "1");
  made.add(result(5, {}, "5"));
  made.add(result(2, {}, "2"));
  assertEquals(stdout.text, "123");
  made.finish(0); // line 4 never came
  assertEquals(stdout.text, "1235");
});

Deno.test("the worst exit code is the highest; the summary counts what went wrong", () => {
  const { report: made, stderr } = report();
  made.add(result(1, { exitCode: 3 }));
  made.add(result(2, {}));
  made.add(result(3, { kind: "timed_out", exitCode: 124, reason: "it took too long" }));
  made.add(result(4, { kind: "lost", exitCode: 125, reason: "its node\x1b[31m is gone" }));
  made.finish(61_000);
  assertEquals(made.worst, 125);
  assertEquals(stderr.text.replaceAll(/^e+/gm, "").split("\n"), [
    "dispyscheduler submit: line 3 at 10.0.0.1: it took too long: line 3",
    "dispyscheduler submit: line 4 at 10.0.0.1: its node\\u001b[31m is gone: line 4",
    "dispyscheduler submit: 1 of 4 succeeded, 1 failed, 1 timed out, 1 could not be run, or were " +
    "lost; worst exit code 125; 00:01:01",
    "",
  ]);
});

Deno.test("after twenty lines that could not be run, the others are only counted", () => {
  const { report: made, stderr } = report();
  for (let number = 1; number <= 50; number++) {
    made.add({ ...result(number, { kind: "lost", exitCode: 125, reason: "gone" }), job: null });
  }
  assertEquals(stderr.text.split("\n").length - 1, 21);
  assertEquals(stderr.text.includes("more lines could not be run"), true);
});

Deno.test("--json: an object a line, with bytes in base64 where they are no text", () => {
  const { report: made, stdout, stderr } = report({ json: true });
  made.add(result(1, { exitCode: 7 }, "a\nb"));
  made.add({ ...result(2, { kind: "cancelled", exitCode: 130, reason: "why" }), job: null });
  made.add(result(3, {}, Uint8Array.of(0xff, 0x41)));
  const [first, second, third] = stdout.text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(first, {
    line: 1,
    command: "line 1",
    outcome: "exited",
    exit_code: 7,
    reason: null,
    node: "10.0.0.1",
    attempts: 1,
    started_at: "1970-01-01T00:00:00.000Z",
    ended_at: "1970-01-01T00:00:01.500Z",
    stdout: "a\nb",
    stderr: "ea\nb",
  });
  assertEquals([second.node, second.exit_code, second.stdout, second.started_at], [
    null,
    130,
    "",
    null,
  ]);
  assertEquals([third.stdout, third.stdout_base64, third.stderr], ["\ufffdA", "/0E=", ""]);
  assertEquals(stderr.text, "");
});

Deno.test("a progress bar makes room for results, and for the summary", () => {
  const { report: made, stdout, stderr } = report({ columns: () => 60 });
  const progress = { done: 0, failed: 0, running: 1, total: 2, elapsedMs: 0 };
  made.progress(progress);
  assertEquals(stderr.text.startsWith("\r\x1b[K[----"), true);
  made.add(result(1, {}, "out\n"));
  assertEquals([stdout.text, stderr.text.endsWith("\r\x1b[Keout\n")], ["out\n", true]);
  made.finish(0);
  assertEquals(
    stderr.text.split("\n").at(-2),
    "dispyscheduler submit: 1 of 1 succeeded; 00:00:00",
  );
});

Deno.test("the progress bar as text, cut to the terminal", () => {
  const progress = { done: 250, failed: 3, running: 4, total: 1000, elapsedMs: 20_000 };
  assertEquals(
    renderProgress(progress, 200),
    "[######------------------]  25% 250 of 1000, 4 running, 3 failed, 12.5/s, 00:01:00 left",
  );
  assertEquals(renderProgress(progress, 30), "[######------------------]  2");
  assertEquals(
    renderProgress({ ...progress, total: null, failed: 0 }, 200),
    "250 done, 4 running, 12.5/s",
  );
  assertEquals(
    renderProgress({ done: 0, failed: 0, running: 0, total: 0, elapsedMs: 0 }, 80),
    "[########################] 100% 0 of 0, 0 running",
  );
});

Deno.test("output that the disk does not take is one line for the user; a reader that left is none", () => {
  const failing = (error: Error) => ({
    writeSync(): number {
      throw error;
    },
  });
  const full = failing(new Error("No space left on device (os error 28)"));
  assertThrows(
    () => report({ stdout: full }).report.add(result(1, {}, "a")),
    CommandError,
    "cannot write the output: No space left on device",
  );
  const gone = failing(new Deno.errors.BrokenPipe("Broken pipe"));
  assertThrows(
    () => report({ stdout: gone }).report.add(result(1, {}, "a")),
    Deno.errors.BrokenPipe,
  );
});

Deno.test("a terminal that takes nothing gets no bars that nobody will see", () => {
  const stderr = { ...new Printed(), isBusy: true, writes: 0, writeSync: () => stderr.writes++ };
  const { report: made } = report({ columns: () => 80, stderr });
  for (let done = 0; done < 100; done++) {
    made.progress({ done, failed: 0, running: 1, total: 100, elapsedMs: done });
  }
  assertEquals(stderr.writes, 0);
});
