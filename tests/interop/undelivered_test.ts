/** Results whose clients are away: kept, brought later, fetched, and gone when they are taken. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { Driven, type DrivenJob } from "./harness/driven.ts";
import { JobStatus } from "./harness/jobs.ts";
import { type Lab, SCHEDULER, SCHEDULER_PERMISSIONS } from "./harness/lab.ts";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

const statuses = (jobs: readonly DrivenJob[]) => jobs.map((job) => job.status);
const finished = (count: number) => Array(count).fill(JobStatus.Finished);
const lines = (process: LabProcess, pattern: RegExp) =>
  process.lines.filter((line) => pattern.test(line)).length;

/** The modes of the files that schedulers keep for clients in the folders of `folder`. */
async function kept(folder: string): Promise<number[]> {
  const modes: number[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) modes.push(...await keptIn(`${folder}/${name}`));
  }
  return modes;
}

async function keptIn(folder: string): Promise<number[]> {
  const modes: number[] = await kept(folder);
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile || /^(lock|config|journal\..*|\d+_[0-9a-f]{40})$/.test(name)) continue;
    try {
      const { mode } = await Deno.stat(`${folder}/${name}`);
      modes.push((mode ?? 0) & 0o777);
    } catch (error) {
      // It was delivered meanwhile.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return modes;
}

scenario(
  "results of jobs that end while their client is stopped reach it when it goes on",
  { tier: "core" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1);
    const client = await Driven.ready(lab, { wait_nodes: 1 });
    await client.submit(6, [0.5]);
    await client.untilRunning(1);
    client.client.process.kill("SIGSTOP");
    await scheduler.until("a result cannot be brought", () => {
      return scheduler.lines.find((line) => /not delivered yet|Could not send reply/.test(line));
    });
    client.client.process.kill("SIGCONT");
    const jobs = await client.results();
    equal(statuses(jobs), finished(6));
    equal(jobs.map((job) => job.result.number), [0, 1, 2, 3, 4, 5]);
    await client.close();
  },
);

/** The file in which a client has noted what `recover_jobs` needs. */
async function recoverFile(client: Driven): Promise<string> {
  const { cwd } = client.client.process;
  for await (const { name } of Deno.readDir(cwd)) {
    const found = /^_dispy_\d+/.exec(name);
    if (found) return `${cwd}/${found[0]}`;
  }
  throw new Error("the client has noted nothing");
}

for (const size of [1000, 2_000_000]) {
  scenario(
    `recover_jobs fetches the results of a client that was killed (${size} bytes each), ` +
      "of jobs that were still to run, too; then its nodes are free",
    { tier: "core", referenceFails: "it holds the nodes until --zombie_interval is over" },
    async (lab) => {
      const scheduler = await lab.startScheduler();
      await lab.startNode(1, { cpus: 1 });
      const client = await Driven.ready(lab, {
        function: "answer_big",
        wait_nodes: 1,
        reentrant: true,
      });
      await client.submit(5, [0.6, size]);
      await client.untilRunning(1);
      client.client.process.kill("SIGKILL");
      await client.client.process.ended();
      await lab.until(
        "two jobs are done",
        () => lines(scheduler, /result received|Received reply/) >= 2,
      );
      if (SCHEDULER === "ours") {
        const large = size > 65536;
        await lab.until("large results are on disk", async () => {
          return (await kept(scheduler.cwd)).length >= (large ? 2 : 0);
        });
        const modes = await kept(scheduler.cwd);
        equal(modes, large ? modes.map(() => 0o600) : []);
      }
      const { events } = await lab.runClient("recover.py", { args: [await recoverFile(client)] });
      const jobs = events.filter((line) => line.event === "job");
      equal(jobs.map(({ status, size }) => [status, size]), [
        ...Array(5).fill([JobStatus.Finished, size]),
      ]);
      if (SCHEDULER === "ours") {
        await lab.until("the cluster is over", () => lines(scheduler, /computation is over/) === 1);
      }
      equal(await kept(scheduler.cwd), []);
      // Nobody holds the node any more, though the client has never closed its cluster.
      const next = await Driven.ready(lab, { wait_nodes: 1, exclusive: true });
      equal(statuses(await next.run(2)), finished(2));
      await next.close();
    },
  );
}

scenario(
  "a client that no result reaches fetches them (poll_interval)",
  { tier: "more" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1);
    const client = await Driven.ready(lab, {
      function: "answer_big",
      wait_nodes: 1,
      deaf: true,
      poll_interval: 5,
    });
    await client.submit(4, [0.1, 2_000_000]);
    const jobs = await client.results(30);
    equal(
      jobs.map((job) => [job.status, job.result]),
      Array(4).fill([
        JobStatus.Finished,
        2_000_000,
      ]),
    );
    await lab.until("nothing is kept", async () => (await kept(scheduler.cwd)).length === 0);
    await client.close();
  },
);

scenario(
  "results of a client that closes its cluster without them are gone, on disk too",
  { tier: "more", referenceFails: "it keeps them for ever" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1);
    const client = await Driven.ready(lab, { function: "answer_big", wait_nodes: 1, deaf: true });
    await client.submit(3, [0.1, 2_000_000]);
    await lab.until("they are kept", async () => (await kept(scheduler.cwd)).length === 3);
    await client.close({ timeout: 0.1, terminate: true });
    await lab.until("they are gone", async () => (await kept(scheduler.cwd)).length === 0);
  },
);

if (SCHEDULER === "ours") {
  /** A scheduler that shares its folder for files with others. */
  const start = (lab: Lab, store: string, ...args: string[]) =>
    lab.startSchedulerAs(
      [
        ...["deno", "run", ...SCHEDULER_PERMISSIONS, `${lab.root}/main.ts`, "-d", "--daemon"],
        ...["-i", "127.0.0.1", "--dest_path_prefix", store, ...args],
      ],
      lab.root,
      args.includes("-p") ? Number(args[args.indexOf("-p") + 1]) : undefined,
    );

  scenario(
    "--clean removes what earlier runs have left, and nothing of a scheduler that runs, or of others",
    { tier: "core" },
    async (lab) => {
      const store = await lab.folder("store");
      await Deno.writeTextFile(`${store}/mine.txt`, "mine");
      await Deno.mkdir(`${store}/files_of_mine`);
      await Deno.writeTextFile(`${store}/files_of_mine/a.txt`, "mine");
      const options = { function: "read", make: { "a.bin": 2000 }, depends: ["a.bin"] } as const;
      const isMine = (modes: number[]) => modes.length - 1;

      const crashed = await start(lab, store, "--durability", "off");
      const lost = await Driven.ready(lab, options, { name: "client lost" });
      equal(isMine(await kept(store)), 1);
      crashed.kill("SIGKILL");
      await crashed.ended();
      lost.client.process.kill("SIGKILL");

      const running = await start(lab, store);
      const client = await Driven.ready(lab, options);
      equal(isMine(await kept(store)), 2);
      await start(lab, store, "--clean", "-p", "9800");
      equal(isMine(await kept(store)), 1, "the crashed one's file is gone, the other is not");
      equal(await Deno.readTextFile(`${store}/mine.txt`), "mine");
      equal(await Deno.readTextFile(`${store}/files_of_mine/a.txt`), "mine");
      const folders = [...Deno.readDirSync(store)].filter((entry) => entry.isDirectory);
      equal(folders.length, 3, "of the two that run, and the user's own");
      for (const { name } of folders) {
        if (name === "files_of_mine") continue;
        equal(((await Deno.stat(`${store}/${name}`)).mode ?? 0) & 0o777, 0o700);
      }

      await lab.startNode(1);
      await client.submit(2, ["a.bin"]);
      equal(statuses(await client.results()), finished(2));
      await client.close();
      running.signal("SIGINT");
      await running.ended();
      ok([...Deno.readDirSync(store)].length === 3, "it takes its own folder with it");
    },
  );
}
