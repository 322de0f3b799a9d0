/** Arguments and results that are more than memory is to hold. */

import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { memoryKib } from "../../scripts/bench/proc.ts";
import { Driven, type DrivenJob } from "./harness/driven.ts";
import { JobStatus } from "./harness/jobs.ts";
import { SCHEDULER } from "./harness/lab.ts";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

/** The original has no such options. */
const only = SCHEDULER === "ours" ? scenario : () => {};

const MB = 1_000_000;
// Jobs take some time in all of this: dispynode may fail one that ends as soon as it begins.

/** What garbage and the journal's own buffers may take beside what is budgeted. */
const SLACK_MIB = 90;

const residentMib = ({ pid }: LabProcess) => memoryKib(pid, "RssAnon") / 1024;

/** Fails with what became of those that have not finished. */
function allFinished(jobs: readonly DrivenJob[], count: number): void {
  const others = jobs.filter(({ status }) => status !== JobStatus.Finished);
  equal(others, []);
  equal(jobs.length, count);
}

/** A text that is not all the same. */
function textOf(sizeBytes: number): string {
  return "0123456789abcdef-".repeat(Math.ceil(sizeBytes / 17)).slice(0, sizeBytes);
}

const digestOf = (text: string) => createHash("sha256").update(text).digest("hex");

function said(process: LabProcess, pattern: RegExp): Promise<string> {
  return process.until(`it says ${pattern}`, () => {
    return process.lines.find((line) => pattern.test(line));
  });
}

for (
  const [where, size, args] of [
    ["in the journal", 0.9 * MB, []],
    ["in files of their own", 1.5 * MB, []],
    ["in files, without a journal", 0.9 * MB, ["--durability", "off"]],
  ] as const
) {
  only(
    `jobs with large arguments that wait for a node are kept ${where}, and all run right`,
    { tier: "core", limitMs: 120_000 },
    async (lab) => {
      const scheduler = await lab.startScheduler({ args: ["--memory_budget", "16m", ...args] });
      const client = await Driven.ready(lab, { function: "weigh" });
      const before = residentMib(scheduler);
      const text = textOf(size);
      const count = Math.ceil(200 * MB / size);
      const ids = await client.submit(count, [0.05, text]);
      ok(!ids.includes(null), "all are taken");
      const grown = residentMib(scheduler) - before;
      ok(grown < SLACK_MIB, `memory has grown by ${Math.round(grown)} MiB`);
      await lab.startNode(1);
      const jobs = await client.results();
      allFinished(jobs, count);
      const digest = digestOf(text);
      equal(
        jobs.map(({ result }) => result),
        Array.from({ length: count }, (_, number) => ({ number, size, digest })),
      );
      await client.close();
      await lab.until("no file is left", () => {
        const [folder] = [...Deno.readDirSync(scheduler.cwd)].filter((each) => each.isDirectory);
        const left = [...Deno.readDirSync(`${scheduler.cwd}/${folder!.name}`)];
        return left.every(({ name }) => /^(lock|journal)/.test(name));
      });
    },
  );
}

only(
  "a scheduler that is started again does not load the arguments that wait, and the jobs run right",
  { tier: "core", limitMs: 120_000 },
  async (lab) => {
    const options = { args: ["--memory_budget", "16m"] };
    const scheduler = await lab.startScheduler(options);
    const before = residentMib(scheduler);
    const client = await Driven.ready(lab, { function: "weigh" });
    const texts = [textOf(0.9 * MB), textOf(1.5 * MB)];
    for (const text of texts) await client.submit(80, [0.05, text]);
    const next = await lab.restartScheduler(scheduler, options);
    const grown = residentMib(next) - before;
    ok(grown < SLACK_MIB, `memory is ${Math.round(grown)} MiB more than that of an idle one`);
    await lab.startNode(1);
    const jobs = await client.results();
    allFinished(jobs, 160);
    const digests = texts.flatMap((text) => Array(80).fill(digestOf(text)));
    equal(jobs.map(({ result }) => result.digest), digests);
    await client.close();
  },
);

only(
  "--disk_budget: a job beyond it is refused, the client's log says why; later ones are taken",
  { tier: "core" },
  async (lab) => {
    // Three quarters of it are for jobs, of which a client may have half.
    await lab.startScheduler({ args: ["--disk_budget", "20m"] });
    const client = await Driven.ready(lab, { function: "weigh" });
    const ids = await client.submit(10, [0.05, textOf(MB)]);
    equal(ids.map((id) => id !== null), [...Array(7).fill(true), ...Array(3).fill(false)]);
    const reason = await said(client.client.process, /job refused by dispyscheduler: what is kept/);
    match(reason, /for client 127·0·0·1 takes 7\d+ bytes already and this job 1\d+; the limit/);
    await lab.startNode(1);
    allFinished(await client.results(), 7);
    const again = await client.submit(2, [0.05, textOf(MB)]);
    ok(!again.includes(null));
    allFinished(await client.results(), 2);
    await client.close();
  },
);

only(
  "--max_jobs: jobs beyond it are refused, and the client's log says why",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler({ args: ["--max_jobs", "5"] });
    const client = await Driven.ready(lab);
    const ids = await client.submit(7, [0]);
    equal(ids.map((id) => id !== null), [...Array(5).fill(true), false, false]);
    await said(client.client.process, /5 jobs and results are here already; the limit is 5/);
    await client.close({ timeout: 0.1, terminate: true });
  },
);

only(
  "results of a client that is stopped take no memory, and arrive whole when it goes on",
  { tier: "core", limitMs: 120_000 },
  async (lab) => {
    const scheduler = await lab.startScheduler({ args: ["--memory_budget", "16m"] });
    await lab.startNode(1);
    const client = await Driven.ready(lab, { function: "answer_big", wait_nodes: 1 });
    const before = residentMib(scheduler);
    const [count, size] = [150, 0.9 * MB];
    await client.submit(count, [0.05, size]);
    client.client.process.kill("SIGSTOP");
    await scheduler.until("all results are here", () => {
      const results = scheduler.lines.filter((line) => /result received/.test(line));
      return results.length >= count || undefined;
    });
    const grown = residentMib(scheduler) - before;
    ok(grown < SLACK_MIB, `memory has grown by ${Math.round(grown)} MiB`);
    client.client.process.kill("SIGCONT");
    const jobs = await client.results();
    allFinished(jobs, count);
    equal(jobs.map(({ result }) => result), Array(count).fill(size));
    await client.close();
  },
);

only(
  "results beyond the budget stay with their nodes until there is room, and none is lost",
  { tier: "core", limitMs: 180_000 },
  async (lab) => {
    const args = ["--disk_budget", "8m", "--pulse_interval", "2"];
    const scheduler = await lab.startScheduler({ args });
    await lab.startNode(1);
    const client = await Driven.ready(lab, { function: "answer_big", wait_nodes: 1 });
    await client.submit(10, [1, MB]);
    await client.untilRunning(1);
    client.client.process.kill("SIGSTOP");
    const line = await said(scheduler, /a result is left with its node for now/);
    match(line, /bytes are kept for its client; the limit is 4194304/);
    client.client.process.kill("SIGCONT");
    const jobs = await client.results();
    allFinished(jobs, 10);
    equal(jobs.map(({ result }) => result), Array(10).fill(MB));
    await client.close();
  },
);
