/**
 * Pushes a great many jobs through one scheduler and watches what it takes: memory, disk, handles.
 *
 * Nodes and client are the fakes of the benchmark, in a private network on this machine; the
 * scheduler is the real one, with its journal. Memory has to be flat once it is warm.
 *
 *     deno task soak                                     a million jobs
 *     deno task soak --jobs 10000000 --every 60          ten million, a line a minute
 *     deno task soak --jobs 50000 -- --durability off    options for the scheduler
 *
 * @module
 */

import { Namespace } from "../tests/interop/harness/namespace.ts";
import { LabProcess } from "../tests/interop/harness/process.ts";
import { type ClientEvent, type Load, type NodesEvent, SCHEDULER } from "./bench/load.ts";
import { cpuMs, memoryKib } from "./bench/proc.ts";
import { type Children, withChildren } from "./children.ts";
import { cacheModules, ROOT, schedulerCommand } from "./config.ts";

const START_LIMIT_MS = 60_000;
const POLL_MS = 100;

/** Memory at the end may be this much above what it was after a tenth of the jobs. */
const GROWTH_LIMIT_KIB = 96 * 1024;

/** As many ports as there are, for connections that linger after their end. */
const WIDEN_PORTS = "echo 1024 65535 >/proc/sys/net/ipv4/ip_local_port_range 2>/dev/null; ";

interface Options {
  readonly jobs: number;
  readonly everyS: number;
  readonly schedulerArgs: readonly string[];
}

function parseOptions(args: readonly string[]): Options {
  const end = args.indexOf("--", args[0] === "--" ? 1 : 0);
  const own = args.slice(args[0] === "--" ? 1 : 0, end < 0 ? undefined : end);
  let jobs = 1_000_000;
  let everyS = 10;
  for (let i = 0; i < own.length; i += 2) {
    const number = Number(own[i + 1]);
    if (!Number.isInteger(number) || number < 1) usage();
    if (own[i] === "--jobs") jobs = number;
    else if (own[i] === "--every") everyS = number;
    else usage();
  }
  return { jobs, everyS, schedulerArgs: end < 0 ? [] : args.slice(end + 1) };
}

function usage(): never {
  console.error("usage: deno task soak [--jobs N] [--every SECONDS] [-- scheduler options]");
  Deno.exit(2);
}

function loadOf(jobs: number): Load {
  return {
    nodes: 4,
    cpusPerNode: 64,
    jobs,
    warmUpJobs: 1_000,
    submitters: 8,
    outstanding: 512,
    serviceMs: 20,
    queue: false,
  };
}

/** What the scheduler takes at one moment. */
interface Sample {
  readonly jobs: number;
  readonly residentKib: number;
  readonly anonymousKib: number;
  readonly peakKib: number;
  readonly handles: number;
  readonly diskKib: number;
}

async function sample(pid: number, folder: string, jobs: number): Promise<Sample> {
  return {
    jobs,
    residentKib: memoryKib(pid, "VmRSS"),
    anonymousKib: memoryKib(pid, "RssAnon"),
    peakKib: memoryKib(pid, "VmHWM"),
    handles: [...Deno.readDirSync(`/proc/${pid}/fd`)].length,
    diskKib: Math.ceil(await sizeOf(folder) / 1024),
  };
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    bytes += isDirectory ? await sizeOf(path) : (await Deno.stat(path)).size;
  }
  return bytes;
}

const COLUMNS = ["after s", "jobs", "jobs/s", "RSS MiB", "anon MiB", "disk MiB", "handles"];

function row(cells: readonly (string | number)[]): string {
  return cells.map((cell) => String(cell).padStart(10)).join("");
}

const mib = (kib: number) => (kib / 1024).toFixed(1);

async function soak(namespace: Namespace, scratch: string, options: Options): Promise<void> {
  const load = loadOf(options.jobs);
  const start = (name: string, argv: readonly string[]) =>
    new LabProcess({
      name,
      argv: namespace.command(["sh", "-c", `${WIDEN_PORTS}exec "$@"`, "sh", ...argv]),
      cwd: scratch,
      env: { NO_COLOR: "1" },
    });
  const peer = (name: string) =>
    start(name, [
      ...[Deno.execPath(), "run", "--no-prompt", "--allow-net"],
      ...[new URL(`scripts/bench/${name}.ts`, ROOT).pathname, JSON.stringify(load)],
    ]);
  const folder = `${scratch}/files`;
  const args = ["--daemon", "-i", SCHEDULER.hostname, "--dest_path_prefix", folder];
  const scheduler = start("scheduler", await schedulerCommand([...args, ...options.schedulerArgs]));
  const processes = [scheduler];
  try {
    await listening(namespace, scheduler);
    const nodes = peer("nodes");
    processes.push(nodes);
    await told(nodes, "registered");
    const client = peer("client");
    processes.push(client);
    await told(client, "warm");
    const before = cpuMs(scheduler.pid);
    await client.send("go");
    await watch(scheduler, client, folder, options);
    const usedMs = cpuMs(scheduler.pid) - before;
    console.log(`CPU ${(usedMs / options.jobs).toFixed(3)} ms a job`);
    for (const { lines, name } of [nodes, client]) {
      const troubles = lines.filter((line) => line.startsWith('{"event":"trouble"'));
      if (troubles.length > 0) console.log(`${name}: ${troubles.length} troubles; ${troubles[0]}`);
    }
    console.log(`the scheduler has logged ${scheduler.lines.length} lines`);
  } catch (error) {
    const said = processes.map((process) => process.report()).join("\n");
    throw new Error(`${error instanceof Error ? error.message : error}\n${said}`);
  } finally {
    await Promise.all(processes.map((process) => process.stop()));
  }
}

/** Prints a line every so often until the client has all results; judges at the end. */
async function watch(
  scheduler: LabProcess,
  client: LabProcess,
  folder: string,
  { jobs, everyS }: Options,
): Promise<void> {
  const startMs = performance.now();
  const samples: Sample[] = [];
  const look = async () => {
    const done = progressOf(client);
    const before = samples.at(-1);
    const now = await sample(scheduler.pid, folder, done);
    samples.push(now);
    const s = (performance.now() - startMs) / 1000;
    const rate = before === undefined ? NaN : (done - before.jobs) / everyS;
    const { residentKib, anonymousKib, diskKib, handles } = now;
    console.log(row([
      ...[s.toFixed(0), done, Math.round(rate), mib(residentKib), mib(anonymousKib)],
      ...[mib(diskKib), handles],
    ]));
  };
  console.log(row(COLUMNS));
  await look();
  let looking = Promise.resolve();
  const timer = setInterval(() => looking = looking.then(look), everyS * 1000);
  try {
    const end = await told(client, "end");
    console.log(`${jobs} jobs: ${end.lost} lost, ${end.doubled} doubled, ${end.refused} refused`);
    if (end.lost + end.doubled + end.refused > 0) Deno.exitCode = 1;
  } finally {
    clearInterval(timer);
    await looking;
  }
  await look();
  const warm = samples.find((each) => each.jobs >= jobs / 10);
  const last = samples.at(-1);
  if (warm === undefined || last === undefined) return;
  const growthKib = last.anonymousKib - warm.anonymousKib;
  console.log(
    `memory: ${mib(warm.anonymousKib)} MiB after ${warm.jobs} jobs, ${
      mib(last.anonymousKib)
    } MiB ` +
      `after ${last.jobs}; most ever ${mib(last.peakKib)} MiB`,
  );
  if (growthKib > GROWTH_LIMIT_KIB) {
    console.error(`memory has grown by ${mib(growthKib)} MiB`);
    Deno.exitCode = 1;
  }
}

type Told = NodesEvent | ClientEvent;

function eventsOf(peer: LabProcess): Told[] {
  return peer.lines.filter((line) => line.startsWith('{"event"')).map((line) => JSON.parse(line));
}

/** How many results the client has, as it last said. */
function progressOf(client: LabProcess): number {
  for (const event of eventsOf(client).reverse()) {
    if (event.event === "progress") return event.results;
  }
  return 0;
}

async function told<E extends Told["event"]>(
  peer: LabProcess,
  event: E,
): Promise<Extract<Told, { event: E }>> {
  return await peer.until(
    `told "${event}"`,
    () => eventsOf(peer).find((each) => each.event === event) as Extract<Told, { event: E }>,
  );
}

async function listening(namespace: Namespace, scheduler: LabProcess): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  while (!await namespace.listens("tcp", SCHEDULER.clientPort, SCHEDULER.hostname)) {
    if (scheduler.exit) throw new Error(`the scheduler ended at its start\n${scheduler.report()}`);
    if (performance.now() > deadline) throw new Error("the scheduler does not listen");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function run(children: Children, options: Options): Promise<void> {
  await cacheModules(children, ["main.ts", "scripts/bench/nodes.ts", "scripts/bench/client.ts"]);
  const namespace = await Namespace.open();
  if ("unavailable" in namespace) {
    throw new Error(`a network of its own is needed: ${namespace.unavailable}`);
  }
  const close = children.onStop(() => namespace.close());
  const scratch = await Deno.makeTempDir({ prefix: "dispyscheduler-soak-" });
  try {
    await soak(namespace, scratch, options);
  } finally {
    await close();
    await Deno.remove(scratch, { recursive: true });
  }
}

const options = parseOptions(Deno.args);
if (Deno.build.os !== "linux") {
  console.error("The soak needs Linux: it reads /proc and makes a network of its own.");
  Deno.exit(1);
}
await withChildren((children) => run(children, options));
