/** State that is damaged between two runs, or goes while the scheduler runs. */

import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import { Driven } from "./harness/driven.ts";
import { JobStatus } from "./harness/jobs.ts";
import { SCHEDULER } from "./harness/lab.ts";
import { Ledger } from "./harness/ledger.ts";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

/** The folder of a scheduler's state. */
function stateOf({ cwd }: LabProcess): string {
  const [entry] = [...Deno.readDirSync(cwd)].filter(({ isDirectory }) => isDirectory);
  return `${cwd}/${entry!.name}`;
}

const logOf = (scheduler: LabProcess) => `${stateOf(scheduler)}/journal.sqlite3-wal`;

/** Changes a bit of a log: a low one of a word, which can always be told from others. */
async function flip(path: string, at: number): Promise<void> {
  const bytes = await Deno.readFile(path);
  bytes[at - at % 4]! ^= 4;
  await Deno.writeFile(path, bytes);
}

/** How much of a log is in use: it keeps the room that it had once. */
const usedBytes = (path: string) => Deno.statSync(path).size;

if (SCHEDULER === "ours") {
  for (const fraction of [0.1, 0.5, 0.9]) {
    scenario(
      `a bit that changes at ${
        fraction * 100
      } % of the journal's log while the scheduler is down ` +
        "loses no job",
      { tier: fraction === 0.5 ? "core" : "more" },
      async (lab) => {
        const scheduler = await lab.startScheduler();
        await lab.startNode(1, { cpus: 1 });
        const client = await Driven.ready(lab, { wait_nodes: 1, reentrant: true });
        await client.submit(60, [0.02]);
        await scheduler.stop();
        await flip(logOf(scheduler), Math.floor(usedBytes(logOf(scheduler)) * fraction));
        const next = await lab.restartScheduler(scheduler);
        const jobs = await client.results(40);
        equal(jobs.map(({ status }) => status), Array(60).fill(JobStatus.Finished));
        ok(next.lines.some((line) => /WARN.*log was damaged, and has been mended/.test(line)));
        await client.close();
      },
    );
  }

  scenario(
    "a log that has lost its end while the scheduler was down is told of; no job runs twice, and " +
      "each that is known has an outcome",
    { tier: "core" },
    async (lab) => {
      const scheduler = await lab.startScheduler();
      await lab.startNode(1, { cpus: 1 });
      const client = await Driven.ready(lab, { function: "mark", wait_nodes: 1 });
      const ledger = await Ledger.create(lab);
      await client.submit(1, [1.5, (await Ledger.create(lab)).path]);
      await client.untilRunning(1);
      await client.submit(19, [0.2, ledger.path]);
      const bytes = usedBytes(logOf(scheduler));
      await client.client.process.until("two jobs are done", () => {
        return client.told(JobStatus.Finished).length >= 2 || undefined;
      });
      await scheduler.stop();
      await Deno.truncate(logOf(scheduler), bytes);
      const next = await lab.restartScheduler(scheduler);
      const said = next.lines.find((line) => /journal is not complete/.test(line));
      match(said ?? "", /ERROR.*reason="its log was cut off.* missing_commits=\d+ effect=/);
      const jobs = await client.results(40);
      const of = (status: number) => jobs.filter((job) => job.status === status);
      equal(of(JobStatus.Finished).length + of(JobStatus.Abandoned).length, 20);
      ok(of(JobStatus.Finished).length >= 8, "those that cannot have started run");
      ok(of(JobStatus.Abandoned).every(({ exception }) => /latest records/.test(exception!)));
      const runs = await ledger.runs();
      equal(runs, [...new Set(runs)], "none ran twice");
      await client.close();
    },
  );

  const saysWritten = (scheduler: LabProcess) =>
    scheduler.until("the state is written anew", () => {
      return scheduler.lines.find((line) => /state is in its folder again/.test(line));
    });

  for (const how of ["removed", "moved"] as const) {
    scenario(
      `a state folder that is ${how} while jobs run is written anew: after a kill all jobs go on`,
      { tier: how === "removed" ? "core" : "more" },
      async (lab) => {
        const scheduler = await lab.startScheduler();
        await lab.startNode(1, { cpus: 1 });
        const client = await Driven.ready(lab, { function: "mark", wait_nodes: 1 });
        const ledger = await Ledger.create(lab);
        await client.submit(30, [0.2, ledger.path]);
        await client.untilRunning(1);
        const folder = stateOf(scheduler);
        if (how === "removed") await Deno.remove(folder, { recursive: true });
        else await Deno.rename(folder, await lab.folder("elsewhere") + "/state");
        await saysWritten(scheduler);
        ok(scheduler.lines.some((line) => /ERROR.*state is gone from its folder/.test(line)));
        await client.submit(2, [0.1, (await Ledger.create(lab)).path]);
        const next = await lab.restartScheduler(scheduler);
        const jobs = await client.results(50);
        equal(jobs.map(({ status }) => status), Array(32).fill(JobStatus.Finished));
        equal(await ledger.runs(), Array.from({ length: 30 }, (_, number) => number));
        ok(!next.lines.some((line) => /ERROR/.test(line)));
        await client.close();
      },
    );
  }

  scenario(
    "files of a client that go with the state folder end the jobs that need them, with the reason",
    { tier: "core" },
    async (lab) => {
      const scheduler = await lab.startScheduler();
      const make = { "a.bin": 50_000, "b.bin": 70_000 };
      const client = await Driven.ready(lab, { function: "read", make });
      await client.submit(1, ["a.bin"], null, ["a.bin"]);
      await Deno.remove(stateOf(scheduler), { recursive: true });
      await saysWritten(scheduler);
      await scheduler.until("the loss is told", () => {
        return scheduler.lines.find((line) => /ERROR.*is lost.*files_of_clients=1/.test(line));
      });
      await client.submit(1, ["b.bin"], null, ["b.bin"]);
      await lab.startNode(1);
      const [lost, well] = await client.results(30);
      equal([lost!.status, well!.status], [JobStatus.Terminated, JobStatus.Finished]);
      match(lost!.exception ?? "", /a\.bin of the client is lost: it was removed/);
      equal(well!.result.digest, client.digest("b.bin"));
      await client.close();
    },
  );

  scenario(
    "a folder of our node that is removed while it works is made anew, and its scheduler's jobs run",
    { tier: "core" },
    async (lab) => {
      await lab.startScheduler();
      const node = await lab.startNode(1, { kind: "ours", cpus: 1 });
      const options = { function: "read", make: { "a.bin": 50_000 }, depends: ["a.bin"] } as const;
      const client = await Driven.ready(lab, { ...options, wait_nodes: 1 });
      await client.submit(2, ["a.bin"]);
      await client.results(20);
      await Deno.remove(`${node.cwd}/dispy`, { recursive: true });
      await client.submit(5, ["a.bin"]);
      const jobs = await client.results(30);
      equal(jobs.map(({ status }) => status), Array(5).fill(JobStatus.Finished));
      equal([...new Set(jobs.map(({ result }) => result.digest))], [client.digest("a.bin")]);
      ok(node.lines.some((line) => /ERROR.*folder of a computation is gone/.test(line)));
      await node.until("its own folder is there again", () => {
        return node.lines.find((line) => /ERROR.*node's folder was removed/.test(line));
      });
      await client.close();
    },
  );
}
