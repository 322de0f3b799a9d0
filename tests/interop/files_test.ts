/** Files on all their ways: whole, in constant memory, cleaned up, and never elsewhere. */

import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import { statfsSync } from "node:fs";
import { Driven } from "./harness/driven.ts";
import { JobStatus } from "./harness/jobs.ts";
import { type Lab, SCHEDULER, SCHEDULER_PERMISSIONS } from "./harness/lab.ts";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

const MB = 1024 * 1024;

/** Names of all files in a folder and below. */
async function filesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) names.push(...await filesIn(`${folder}/${entry.name}`));
    else names.push(entry.name);
  }
  return names;
}

/** Names of the files that a scheduler keeps for clients, wherever it keeps them; not its own. */
async function kept(scheduler: LabProcess, folder: string = scheduler.cwd): Promise<string[]> {
  const names = await filesIn(folder);
  return names.filter((name) => !/^(lock|config|journal\..*|\d+_[0-9a-f]{40})$/.test(name));
}

/** The most memory that a process has had, in MB. */
async function peakMemory(process: LabProcess): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${process.pid}/status`);
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

const lines = (process: LabProcess, pattern: RegExp) =>
  process.lines.filter((line) => pattern.test(line)).length;

const WANTED = { mode: 0o640, changed: 1000000000 };

/** What a `read` job tells of a file. */
function checkRead(client: Driven, result: Record<string, unknown>, path: string, size: number) {
  const { mode, changed } = result;
  equal({ mode, changed, size: result.size }, { ...WANTED, size });
  if (size <= 1024 * MB) equal(result.digest, client.digest(path));
}

/** Sends a file of `size` there and back on all ways. */
async function allWays(lab: Lab, size: number): Promise<void> {
  const scheduler = await lab.startScheduler();
  await lab.startNode(1);
  const there = await Driven.ready(lab, {
    function: "read",
    wait_nodes: 1,
    make: { "own.bin": size, "brought.bin": size, "sent.bin": size },
    depends: ["own.bin"],
  });
  const read = async (path: string, depends: string[] = []) => {
    await there.submit(1, [path], null, depends);
    const [job] = await there.results();
    equal(job?.status, JobStatus.Finished, job?.exception ?? "");
    checkRead(there, job?.result, path, size);
  };
  await read("own.bin");
  await read("brought.bin", ["brought.bin"]);
  equal(await there.sendFile("sent.bin", lab.node(1), true), 0);
  await read("sent.bin");
  await there.close();

  const back = await Driven.ready(lab, { function: "send_back", wait_nodes: 1 });
  await back.submit(1, ["made.bin", size, true]);
  equal((await back.results())[0]?.result, 0);
  equal(await back.stat("made.bin"), { ...WANTED, size });
  await back.close();
  if (SCHEDULER === "ours") {
    const peak = await peakMemory(scheduler);
    ok(peak < 250, `the scheduler took ${peak} MB`);
  }
}

scenario(
  "files of 300 MB go all ways whole, with mode and time, in constant memory",
  { tier: "core", limitMs: 180_000 },
  (lab) => allWays(lab, 300 * MB),
);

/** Bytes that are free where scenarios keep their files. */
async function freeBytes(): Promise<number> {
  const folder = await Deno.makeTempDir();
  const { bavail, bsize } = statfsSync(folder);
  await Deno.remove(folder);
  return bavail * bsize;
}

/** Sizes beyond 32 bits take minutes and 12 GB: they must be asked for. */
const HUGE = "files of 2 GB and more go all ways, in constant memory";
const hugeWanted = Deno.env.get("DISPY_TEST_HUGE") === "1";
if (hugeWanted && await freeBytes() >= 12 * 1024 * MB) {
  scenario(HUGE, { tier: "more", limitMs: 900_000 }, (lab) => allWays(lab, 2 ** 31 + 12345));
} else {
  Deno.test.ignore(`[more] ${HUGE} (DISPY_TEST_HUGE=1, 12 GB free)`, () => {});
}

scenario(
  "a file that is there already is not sent again, neither to the scheduler nor to a node",
  { tier: "more" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    const node = await lab.startNode(1, { cpus: 1 });
    const client = await Driven.ready(lab, {
      function: "read",
      make: { "shared.bin": 3 * MB },
      depends: ["shared.bin"],
    });
    await client.submit(5, ["shared.bin"], null, ["shared.bin"]);
    for (const job of await client.results()) checkRead(client, job.result, "shared.bin", 3 * MB);
    equal(lines(node, /Copying file|file received/), 1);
    if (SCHEDULER === "ours") equal(lines(scheduler, /file received/), 1);
    await client.close();
  },
);

if (SCHEDULER === "ours") {
  scenario(
    "a job's file is kept while jobs need it and gone when they are done, a computation's stays",
    { tier: "core" },
    async (lab) => {
      const scheduler = await lab.startScheduler();
      const client = await Driven.ready(lab, {
        function: "read",
        make: { "own.bin": 1000, "a.bin": 2000, "b.bin": 3000 },
        depends: ["own.bin"],
      });
      await client.submit(3, ["a.bin"], null, ["a.bin"]);
      await client.submit(3, ["b.bin"], null, ["b.bin"]);
      equal((await kept(scheduler)).length, 3, "while the jobs wait");
      await lab.startNode(1, { cpus: 1 });
      equal(
        (await client.results()).map((job) => job.result.size),
        [2000, 2000, 2000, 3000, 3000, 3000],
      );
      await lab.until("job files are gone", async () => (await kept(scheduler)).length === 1);
      await client.close();
      await lab.until("all files are gone", async () => (await kept(scheduler)).length === 0);
    },
  );

  scenario(
    "a file of a job that is cancelled in the queue goes with it",
    { tier: "more" },
    async (lab) => {
      const scheduler = await lab.startScheduler();
      const client = await Driven.ready(lab, { function: "read", make: { "a.bin": 2000 } });
      await client.submit(3, ["a.bin"], null, ["a.bin"]);
      equal((await kept(scheduler)).length, 1);
      await client.cancel();
      equal((await client.results()).map((job) => job.status), Array(3).fill(JobStatus.Cancelled));
      await lab.until("it is gone", async () => (await kept(scheduler)).length === 0);
      await client.close();
    },
  );
}

scenario(
  "files stay within the computation's folder, whatever name, dest_path and sep say",
  { tier: "core", referenceFails: "it writes wherever the name says" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    const node = await lab.startNode(1);
    const outside = await lab.folder("outside");
    const { events } = await lab.runClient("hostile_files.py", { args: [outside] });
    const ways = events.filter((line) => line.event === "way");
    equal(ways.length, 20);
    for (const { way, answers } of ways) {
      equal(answers, [[-1], false, [-1]], JSON.stringify(way));
    }
    const windows = events.find((line) => line.event === "windows");
    equal(windows?.answers, [[0, 7], [0, 7]]);
    equal(events.find((line) => line.event === "job")?.result, "content");
    equal(events.filter((line) => line.event === "compute").map((line) => line.refused), [
      true,
      true,
      true,
    ]);
    equal(await filesIn(outside), []);
    for (const folder of [scheduler.cwd, node.cwd]) {
      const names = await filesIn(folder);
      ok(!names.some((name) => name.includes("escaped")), names.join(" "));
    }
  },
);

for (const how of ["grow", "shrink", "remove", "unreadable"] as const) {
  const what = {
    grow: "grows while it is sent",
    shrink: "shrinks while it is sent",
    remove: "vanishes",
    unreadable: "cannot be read",
  }[how];
  scenario(
    `a client's file that ${what} is an error there; no job runs without it, nothing is left`,
    {
      tier: how === "shrink" ? "core" : "more",
      ...(how === "grow"
        ? { referenceFails: "it takes what it gets, and schedules the computation" }
        : {}),
    },
    async (lab) => {
      const scheduler = await lab.startScheduler();
      await lab.startNode(1);
      const options = {
        function: "read",
        make: { "a.bin": 5000 },
        spoil: { "a.bin": how },
      } as const;
      const refused = await Driven.start(lab, { ...options, depends: ["a.bin"] });
      const { error } = await refused.client.event("refused");
      match(error, /could not be sent to scheduler/);
      if (SCHEDULER === "ours") {
        equal(lines(scheduler, /computation not scheduled.*a\.bin has not come/), 1);
      }

      const client = await Driven.ready(lab, { ...options, wait_nodes: 1 });
      equal(await client.submit(1, ["a.bin"], null, ["a.bin"]), [null]);
      await lab.until("nothing is left", async () => (await kept(scheduler)).length === 0);
      equal((await client.results()).length, 0);
      await client.close();
      const next = await Driven.ready(lab, {
        function: "read",
        make: { "a.bin": 5000 },
        depends: ["a.bin"],
      });
      equal((await next.run(2, ["a.bin"])).map((job) => job.status), [
        JobStatus.Finished,
        JobStatus.Finished,
      ]);
      await next.close();
    },
  );
}

if (SCHEDULER === "ours") {
  scenario(
    "where the scheduler's disk is full clients are told, nothing half is left, and it goes on",
    { tier: "core" },
    async (lab) => {
      const store = await lab.folder("store");
      // A file system of the scheduler's own; it sets 32 MiB aside.
      const scheduler = await lab.startSchedulerAs([
        ...["unshare", "-m", "sh", "-c"],
        'mount -t tmpfs -o size=36m small "$1" && shift && exec "$@"',
        ...["sh", store, "deno", "run", ...SCHEDULER_PERMISSIONS, `${lab.root}/main.ts`],
        ...["-d", "--daemon", "-i", "127.0.0.1", "--dest_path_prefix", store],
      ], lab.root);
      const inside = `/proc/${scheduler.pid}/root${store}`;
      await lab.startNode(1);
      const make = { "big.bin": 40 * MB, "small.bin": 1000 };
      const refused = await Driven.start(lab, { function: "read", make, depends: ["big.bin"] });
      match((await refused.client.event("refused")).error, /could not be sent to scheduler/);
      ok(lines(scheduler, /ERROR.*cannot be kept.*big\.bin.*[Nn]o space left/) === 1);

      const client = await Driven.ready(lab, {
        function: "read",
        make,
        depends: ["small.bin"],
        wait_nodes: 1,
      });
      equal(await client.submit(1, ["big.bin"], null, ["big.bin"]), [null]);
      await lab.until("only the small one is kept", async () => {
        return (await kept(scheduler, inside)).length === 1;
      });
      await client.submit(2, ["small.bin"]);
      equal((await client.results()).map((job) => job.result.size), [1000, 1000]);
      await client.close();
    },
  );
}

for (const [limit, bytes] of [["1m", MB], ["1000k", 1024_000]] as const) {
  scenario(
    `--max_file_size ${limit}: larger files are truncated on all ways from the client, which ` +
      "is told, and smaller ones are not",
    { tier: "more", referenceFails: "it refuses them, against its manual" },
    async (lab) => {
      const scheduler = await lab.startScheduler({ args: ["--max_file_size", limit] });
      await lab.startNode(1);
      const client = await Driven.ready(lab, {
        function: "read",
        make: { "own.bin": 3 * MB, "sent.bin": 3 * MB + 5, "fits.bin": bytes },
        depends: ["own.bin", "fits.bin"],
        wait_nodes: 1,
      });
      equal(lines(client.client.process, /Could not transfer .*own\.bin/), 1);
      equal(await client.sendFile("sent.bin", lab.node(1), true), -1);
      // dispy's client does not submit a job whose file it could not send.
      equal(await client.submit(1, ["own.bin"], null, ["sent.bin"]), [null]);
      for (const path of ["own.bin", "sent.bin", "fits.bin"]) {
        await client.submit(1, [path]);
        const [job] = await client.results();
        equal([job?.result?.size, job?.result?.mode], [bytes, 0o640], path);
      }
      for (const [name, size] of [["own", 3 * MB], ["sent", 3 * MB + 5]] as const) {
        const warning = `truncated file=\\S*/${name}\\.bin size_bytes=${size} limit_bytes=${bytes}`;
        ok(lines(scheduler, new RegExp(`WARN.*${warning}`)) >= 1, `warning of ${name}.bin`);
      }
      equal(lines(scheduler, /truncated.*fits/), 0);
      await client.close();
    },
  );
}

if (SCHEDULER === "ours") {
  scenario(
    "--max_file_size --oversize refuse: larger files are refused with dispy's own words",
    { tier: "more" },
    async (lab) => {
      await lab.startScheduler({ args: ["--max_file_size", "1m", "--oversize", "refuse"] });
      await lab.startNode(1);
      const make = { "big.bin": 2 * MB };
      const refused = await Driven.start(lab, { function: "read", make, depends: ["big.bin"] });
      const { error } = await refused.client.event("refused");
      match(
        error,
        /Scheduler refused computation: File "\S*\/big\.bin" is too big; limit is 1048576/,
      );
      const client = await Driven.ready(lab, { function: "read", make, wait_nodes: 1 });
      equal(await client.submit(1, ["big.bin"], null, ["big.bin"]), [null]);
      equal(await client.sendFile("big.bin", lab.node(1), true), -1);
      await client.close();
    },
  );
}
