/**
 * Measures our scheduler against dispy's own `dispyscheduler.py`: the same load on both, in turn.
 *
 * Nodes and client are fakes that do no work, so that the scheduler is what is measured. All of it
 * runs in a private network on this machine.
 *
 *     deno task bench                          takes about ten minutes
 *     deno task bench --quick                  about one, and rougher
 *     deno task bench --sizes 1,600,queue      some cases; --rounds 5  more rounds of each
 *     deno task bench --durability power       what our scheduler keeps of its state
 *
 * @module
 */

import { type Children, withChildren } from "./children.ts";
import { cacheModules, ROOT } from "./config.ts";
import type { Load } from "./bench/load.ts";
import { DISPY_VERSION } from "./bench/load.ts";
import { type Case, type Machine, table, write } from "./bench/report.ts";
import { type Contender, runTrial } from "./bench/trial.ts";
import { ensureVenv, type Venv } from "./venv.ts";

/** Numbers of nodes, and the case of a long queue. */
const SIZES = ["1", "4", "50", "200", "600", "queue"];
const QUICK_SIZES = ["4", "200", "queue"];

/** Enough CPUs that nodes are never what jobs wait for. */
const TOTAL_CPUS = 256;

const QUEUE_NODES = 4;

interface Options {
  readonly sizes: readonly string[];
  readonly rounds: number;
  readonly quick: boolean;
  readonly contenders: readonly Contender[];
  /** Of our scheduler; `null` = its default. */
  readonly durability: string | null;
}

function parseOptions(args: string[]): Options {
  let sizes: string[] | undefined;
  let rounds: number | undefined;
  let quick = false;
  let durability: string | null = null;
  let contenders: Contender[] = ["reference", "ours"];
  const words = args.flatMap((arg) => arg.startsWith("--") ? arg.split("=", 2) : [arg]);
  for (let i = 0; i < words.length; i++) {
    if (words[i] === "--quick") quick = true;
    else if (words[i] === "--sizes") sizes = words[++i]?.split(",");
    else if (words[i] === "--rounds") rounds = Number(words[++i]);
    else if (words[i] === "--durability") durability = words[++i] ?? usage();
    else if (words[i] === "--only") {
      const only = words[++i];
      if (only !== "reference" && only !== "ours") usage();
      contenders = [only];
    } else usage();
  }
  sizes ??= quick ? QUICK_SIZES : SIZES;
  rounds ??= quick ? 1 : 3;
  const areSizes = sizes.every((size) => size === "queue" || /^[1-9]\d{0,3}$/.test(size));
  if (!areSizes || !Number.isInteger(rounds) || rounds < 1 || rounds > 100) usage();
  return { sizes, rounds, quick, contenders, durability };
}

function usage(): never {
  console.error(
    "usage: deno task bench [--quick] [--rounds N] [--sizes N,…,queue] [--only reference|ours] " +
      "[--durability off|crash|power]",
  );
  console.error(`sizes: numbers of nodes below 10000, or "queue"; normally ${SIZES.join(",")}`);
  Deno.exit(2);
}

function loadOf(size: string, quick: boolean): Load {
  if (size === "queue") {
    const jobs = quick ? 4_000 : 20_000;
    return {
      nodes: QUEUE_NODES,
      cpusPerNode: TOTAL_CPUS / QUEUE_NODES,
      jobs,
      warmUpJobs: quick ? 500 : 1_000,
      submitters: 8,
      outstanding: jobs,
      serviceMs: 20,
      queue: true,
    };
  }
  const nodes = Number(size);
  const cpusPerNode = Math.ceil(TOTAL_CPUS / nodes);
  return {
    nodes,
    cpusPerNode,
    jobs: quick ? 1_500 : 5_000,
    warmUpJobs: quick ? 500 : 1_000,
    submitters: 8,
    outstanding: 2 * TOTAL_CPUS,
    serviceMs: 20,
    queue: false,
  };
}

async function describeMachine(venv: Venv): Promise<Machine> {
  const cpuInfo = await Deno.readTextFile("/proc/cpuinfo");
  const python = await new Deno.Command(venv.python, { args: ["--version"] }).output();
  return {
    date: new Date().toISOString(),
    os: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    cpu: cpuInfo.match(/^model name\s*:\s*(.+)$/m)?.[1] ?? "unknown",
    cores: navigator.hardwareConcurrency,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    python: new TextDecoder().decode(python.stdout).trim().replace("Python ", ""),
    dispy: DISPY_VERSION,
  };
}

async function runCase(
  children: Children,
  venv: Venv,
  size: string,
  { rounds, quick, contenders, durability }: Options,
): Promise<Case> {
  const load = loadOf(size, quick);
  const name = load.queue
    ? `${load.jobs} jobs queued, then run by ${load.nodes} nodes`
    : `${load.nodes} node${load.nodes === 1 ? "" : "s"}`;
  const one: Case = { name, load, results: { reference: [], ours: [] }, failures: [] };
  for (let round = 0; round < rounds; round++) {
    // In turn, and each first in every other round: the machine may be slower at one time.
    const order = round % 2 === 0 ? contenders : contenders.toReversed();
    for (const contender of order) {
      children.checkStopped();
      try {
        one.results[contender].push(await runTrial(children, venv, contender, load, durability));
      } catch (error) {
        one.failures.push(`${contender}: ${error instanceof Error ? error.message : error}`);
      }
    }
  }
  return one;
}

await withChildren(async (children) => {
  const options = parseOptions(Deno.args);
  if (Deno.build.os !== "linux") {
    console.error("The benchmark needs Linux: it reads /proc and makes a network of its own.");
    Deno.exitCode = 1;
    return;
  }
  const venv = await ensureVenv();
  if ("unavailable" in venv) {
    console.error(`The benchmark needs Python and the real dispy: ${venv.unavailable}`);
    Deno.exitCode = 1;
    return;
  }
  const programs = ["scripts/bench/nodes.ts", "scripts/bench/client.ts"];
  if (options.contenders.includes("ours")) programs.push("main.ts");
  await cacheModules(children, programs);
  const machine = await describeMachine(venv);
  console.log(Object.entries(machine).map(([key, value]) => `${key} ${value}`).join(", "));

  const cases: Case[] = [];
  for (const size of options.sizes) {
    const one = await runCase(children, venv, size, options);
    cases.push(one);
    console.log(`\n${table(one)}`);
    if (one.failures.length > 0) Deno.exitCode = 1;
  }
  console.log(`\nbench-results/${await write(new URL("bench-results/", ROOT), machine, cases)}`);
});
