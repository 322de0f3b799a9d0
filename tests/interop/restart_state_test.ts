/** What a scheduler leaves for the next start, and what clients see of it at bad moments. */

import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import { runCommand } from "./harness/commands.ts";
import { Driven, type DrivenJob } from "./harness/driven.ts";
import { JobStatus } from "./harness/jobs.ts";
import { type Lab, NODE_CPUS, SCHEDULER, SCHEDULER_PERMISSIONS } from "./harness/lab.ts";
import { Ledger } from "./harness/ledger.ts";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

const referenceFails = "it forgets everything";

/** What the original has no option for is not asked of it. */
const only = SCHEDULER === "ours" ? scenario : () => {};

const statuses = (jobs: readonly DrivenJob[]) => jobs.map((job) => job.status);
const finished = (count: number) => Array(count).fill(JobStatus.Finished);
const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

/** The folders in which a scheduler keeps its state, without what all of them begin with. */
function folders({ cwd }: LabProcess): string[] {
  const names = [...Deno.readDirSync(cwd)].filter((entry) => entry.isDirectory);
  return names.map(({ name }) => name.replace("dispyscheduler_", "")).sort();
}

/** What a scheduler keeps of clients' files and results, in `folder` and below. */
function keptOfClients(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return keptOfClients(`${folder}/${name}`);
    return /^(lock|config|journal\..*|\d+_[0-9a-f]{40})$/.test(name) ? [] : [name];
  });
}

/** The files there are in the only folder of a scheduler. */
function files(scheduler: LabProcess): string[] {
  const [folder] = folders(scheduler);
  const path = `${scheduler.cwd}/dispyscheduler_${folder}`;
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

/** Runs a few jobs of a new client on the first node. */
async function checkServes(lab: Lab): Promise<void> {
  const client = await Driven.ready(lab, { wait_nodes: 1 }, { name: "next client" });
  equal(statuses(await client.run(3)), finished(3));
  await client.close();
}

/** Asks a scheduler to end, and waits until it has. */
async function end(scheduler: LabProcess, by: "SIGINT" | "SIGTERM" = "SIGINT"): Promise<void> {
  scheduler.signal(by);
  const { code, signal } = await scheduler.ended();
  equal([code, signal], [0, null]);
}

for (
  const [how, args, signal] of [
    ["with --keep", ["--keep"], "SIGINT"],
    ["by SIGTERM, as service managers do,", [], "SIGTERM"],
  ] as const
) {
  only(
    `ended ${how} and started again, clients and nodes go on as if nothing had happened`,
    { tier: "core" },
    async (lab) => {
      const options = { args };
      const scheduler = await lab.startScheduler(options);
      await lab.startNodes(2);
      const client = await Driven.ready(lab, { function: "mark", wait_nodes: 2 });
      const ledger = await Ledger.create(lab);
      await client.submit(4 * NODE_CPUS, [0.6, ledger.path]);
      await client.untilRunning(2 * NODE_CPUS);
      const asked = Date.now();
      await end(scheduler, signal);
      ok(Date.now() - asked < 3_000, `it took ${Date.now() - asked} ms to end`);
      const next = await lab.restartScheduler(scheduler, options);
      const jobs = await client.results(30);
      equal(statuses(jobs), finished(4 * NODE_CPUS));
      equal(await ledger.runs(), numbers(4 * NODE_CPUS));
      await client.close();
      await end(next);
    },
  );
}

only(
  "started as the README says, `deno task start`, it goes on after a kill where it was",
  { tier: "core" },
  async (lab) => {
    const start = () =>
      lab.startSchedulerAs(
        ["deno", "task", "start", "-d", "-i", "127.0.0.1", "-n", lab.node(1)],
        lab.root,
      );
    const scheduler = await start();
    await lab.startNode(1, { cpus: 1 });
    const client = await Driven.ready(lab, { wait_nodes: 1, reentrant: true });
    await client.submit(4, [0.5]);
    await client.untilRunning(1);
    await scheduler.stop();
    const next = await start();
    equal(statuses(await client.results(30)), finished(4));
    await client.close();
    ok(next.lines.every((line) => !/WARN.*(state|kept)/.test(line)), "it does not warn");
  },
);

only(
  "ended by SIGINT without --keep, clients are told which jobs will not run, and nothing is left",
  { tier: "core" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1);
    const client = await Driven.ready(lab, { wait_nodes: 1 });
    await client.submit(3 * NODE_CPUS, [120]);
    await client.untilRunning(NODE_CPUS);
    await end(scheduler);
    const jobs = await client.results(10);
    equal(statuses(jobs), Array(3 * NODE_CPUS).fill(JobStatus.Terminated));
    equal(folders(scheduler), []);
  },
);

only(
  "ended by SIGINT without --keep while a client is stopped, the next start tells it what became of its jobs",
  { tier: "core" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1);
    const client = await Driven.ready(lab, { wait_nodes: 1 });
    await client.submit(3 * NODE_CPUS, [120]);
    await client.untilRunning(NODE_CPUS);
    client.client.process.kill("SIGSTOP");
    await end(scheduler);
    await lab.restartScheduler(scheduler);
    client.client.process.kill("SIGCONT");
    const jobs = await client.results(30);
    equal(statuses(jobs), Array(3 * NODE_CPUS).fill(JobStatus.Terminated));
  },
);

scenario(
  "recover_jobs fetches the results of a client that was killed before the scheduler was",
  { tier: "core", referenceFails },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1, { cpus: 1 });
    const client = await Driven.ready(lab, {
      function: "answer_big",
      wait_nodes: 1,
      reentrant: true,
    });
    await client.submit(4, [0.5, 100_000]);
    await client.untilRunning(1);
    client.client.process.kill("SIGKILL");
    await client.client.process.ended();
    await scheduler.until("two jobs are done", () => {
      const said = scheduler.lines.filter((line) => /result received|Received reply/.test(line));
      return said.length >= 2 || undefined;
    });
    const next = await lab.restartScheduler(scheduler);
    const { cwd } = client.client.process;
    const noted = [...Deno.readDirSync(cwd)].map(({ name }) => /^_dispy_\d+/.exec(name)?.[0]);
    const file = `${cwd}/${noted.find((name) => name !== undefined)}`;
    const { events } = await lab.runClient("recover.py", { args: [file] });
    const jobs = events.filter((line) => line.event === "job");
    equal(
      jobs.map(({ status, size }) => [status, size]),
      Array(4).fill([
        JobStatus.Finished,
        100_000,
      ]),
    );
    await next.until("the cluster is over", () => {
      return next.lines.find((line) => /computation is over/.test(line));
    });
    await checkServes(lab);
  },
);

scenario(
  "a cluster that waits for another, which wants the nodes for itself, gets its turn after a kill",
  { tier: "core", referenceFails },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1);
    const first = await Driven.ready(lab, { exclusive: true, wait_nodes: 1 }, { name: "first" });
    await first.submit(2, [1]);
    const second = await Driven.start(lab, { wait_nodes: 1 }, { name: "second" });
    await scheduler.until("both clients wait or have waited", () => {
      const said = scheduler.lines.filter((line) =>
        /waits for its turn|New computation/.test(line)
      );
      return said.length === 2 || undefined;
    });
    await lab.restartScheduler(scheduler);
    equal(statuses(await first.results(30)), finished(2));
    equal(second.client.all("ready").length, 0);
    await first.close();
    await second.client.event("ready");
    equal(statuses(await second.run(2)), finished(2));
    await second.close();
  },
);

scenario(
  "a client whose scheduler is killed while it sends its files is told so, and nothing stays",
  { tier: "more", referenceFails: "what came of the file stays" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1);
    const client = await Driven.start(lab, {
      function: "read",
      make: { "a.bin": 400_000_000 },
      depends: ["a.bin"],
    });
    await lab.until("the file is on its way", () => keptOfClients(scheduler.cwd).length > 0);
    const next = await lab.restartScheduler(scheduler);
    const { code } = await client.client.ended();
    equal([code, client.client.all("refused").length], [3, 1]);
    await checkServes(lab);
    equal(keptOfClients(next.cwd), []);
  },
);

only(
  "a node that was drained by command is so after a kill, until it is taken back",
  { tier: "more" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNodes(2);
    const client = await Driven.ready(lab, { wait_nodes: 2 });
    equal((await runCommand(lab, ["nodes", "drain", lab.node(1)])).code, 0);
    await lab.restartScheduler(scheduler);
    const jobs = await client.run(8);
    ok(jobs.every(({ node }) => node === lab.node(2)), "only the other node runs jobs");
    equal((await runCommand(lab, ["nodes", "resume", lab.node(1)])).code, 0);
    await client.submit(1, [0.05], lab.node(1));
    equal(statuses(await client.results(30)), finished(1));
    await client.close();
  },
);

only(
  "with --durability off nothing is left, and the next start begins with nothing",
  { tier: "core" },
  async (lab) => {
    const options = { args: ["--durability", "off"] };
    const scheduler = await lab.startScheduler(options);
    const client = await Driven.ready(lab);
    equal(files(scheduler), ["lock"]);
    const next = await lab.restartScheduler(scheduler, options);
    ok(!next.lines.some((line) => /going on where/.test(line)));
    client.client.process.kill("SIGKILL");
    await lab.startNode(1);
    await checkServes(lab);
  },
);

only(
  "a damaged journal is put aside with a message that says where, and the scheduler serves",
  { tier: "core" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    const client = await Driven.ready(lab);
    await scheduler.stop();
    client.client.process.kill("SIGKILL");
    const [folder] = folders(scheduler);
    const journal = `${scheduler.cwd}/dispyscheduler_${folder}/journal.sqlite3`;
    await Deno.writeTextFile(journal, "this is not what was written here");
    await Deno.writeTextFile(`${journal}-wal`, "neither is this");
    const next = await lab.restartScheduler(scheduler);
    const said = next.lines.find((line) => /put aside/.test(line));
    match(said ?? "", /reason="it is not a database" aside=\S+_unusable_\d+/);
    const [, aside] = folders(next);
    match(aside ?? "", /_unusable_\d+$/);
    const text = await Deno.readTextFile(`${next.cwd}/dispyscheduler_${aside}/journal.sqlite3`);
    equal(text, "this is not what was written here");
    await lab.startNode(1);
    await checkServes(lab);
    const third = await lab.restartScheduler(next);
    ok(!third.lines.some((line) => /put aside/.test(line)), "once is enough");
    await checkServes(lab);
  },
);

only(
  "with a full disk jobs go on and results come; new jobs are refused with the reason, until " +
    "there is room",
  { tier: "core" },
  async (lab) => {
    const folder = await lab.folder("scheduler");
    // Ends by no signal where a file may not become larger.
    const scheduler = await lab.startSchedulerAs([
      ...["sh", "-c", 'trap "" XFSZ; exec "$@"', "sh"],
      ...["deno", "run", ...SCHEDULER_PERMISSIONS, `${lab.root}/main.ts`, "-d", "--daemon"],
      ...["-i", "127.0.0.1", "--dest_path_prefix", folder],
    ], folder);
    const limitFiles = async (size: string) => {
      const args = [`--pid=${scheduler.pid}`, `--fsize=${size}:unlimited`];
      const { code } = await new Deno.Command("prlimit", { args }).output();
      equal(code, 0);
    };
    await lab.startNode(1);
    const client = await Driven.ready(lab, { wait_nodes: 1, reentrant: true });
    // No file of it may become larger: the answer to a write is an error, as of a full disk.
    await limitFiles("600000");
    const text = "x".repeat(20_000);
    let taken: (number | null)[] = [];
    while (!taken.includes(null)) taken = [...taken, ...await client.submit(2, [0.3, text])];
    const said = (pattern: RegExp) => scheduler.lines.find((line) => pattern.test(line));
    ok(said(/new jobs are refused until there is room reason="the disk with .* is nearly full/));
    ok(said(/job refused .*reason="the scheduler could not keep it: the disk with /));
    const kept = taken.filter((id) => id !== null).length;
    equal(statuses(await client.results(30)), finished(kept));

    await limitFiles("unlimited");
    await lab.until("it takes jobs again", async () => {
      const [id] = await client.submit(1, [0.05, text]);
      return id !== null;
    });
    ok(said(/there is room for new jobs again/));
    await client.submit(19, [0.05, text]);
    const next = await lab.restartScheduler(scheduler);
    equal(statuses(await client.results(30)), finished(20));
    await client.close();
    await end(next);
  },
);

only(
  "a disk that waiting jobs have filled serves them all, also after a kill, and then takes new ones",
  { tier: "core" },
  async (lab) => {
    const store = await lab.folder("store");
    // All in the folder is on a small file system, which outlives the scheduler.
    const held = await lab.startSchedulerAs([
      ...["unshare", "-m", "sh", "-c"],
      'mount -t tmpfs -o size=80m small "$1" && shift && "$@"; echo ended; "$@"',
      ...["sh", store, "deno", "run", ...SCHEDULER_PERMISSIONS, `${lab.root}/main.ts`],
      ...["-d", "--daemon", "-i", "127.0.0.1", "--dest_path_prefix", store],
    ], lab.root);
    const said = (pattern: RegExp) => held.lines.filter((line) => pattern.test(line)).length;
    const client = await Driven.start(lab, { reentrant: true, function: "weigh" });
    const text = "x".repeat(200_000);
    let taken: (number | null)[] = [];
    while (!taken.includes(null)) taken = [...taken, ...await client.submit(10, [0.05, text])];
    equal(said(/new jobs are refused until there is room/), 1);
    const kept = taken.filter((id) => id !== null).length;
    ok(kept > 50, `${kept} jobs`);
    // The kill of the program is that of the shell's child.
    const children = await Deno.readTextFile(`/proc/${held.pid}/task/${held.pid}/children`);
    Deno.kill(Number(children.trim()), "SIGKILL");
    await lab.until("it is there again", () => said(/going on where/) === 1);
    await lab.startNode(1);
    equal(statuses(await client.results(60)), finished(kept));
    await client.close();
    await lab.until("there is room", () => said(/there is room for new jobs again/) > 0);
    await checkServes(lab);
  },
);
