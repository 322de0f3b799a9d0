/**
 * The benchmark's results as a table, and as a file.
 *
 * @module
 */

import type { Load } from "./load.ts";
import { type Contender, PEER_CORES, type TrialResult } from "./trial.ts";

/** All trials under one load. */
export interface Case {
  readonly name: string;
  readonly load: Load;
  readonly results: Record<Contender, TrialResult[]>;
  /** Why a trial gave no result. */
  readonly failures: string[];
}

/** From this share of a core on, a process counts as busy all the time. */
const SATURATED = 0.9;

/** From this share of the cores on, other programs disturb the measurement. */
const BUSY_MACHINE = 0.1;

interface Row {
  readonly name: string;
  readonly value: (result: TrialResult) => number;
  readonly digits: number;
  /** Whether a ratio between the contenders says something, and which way round. */
  readonly better?: "more" | "less";
}

const ROWS: readonly Row[] = [
  { name: "jobs/s", value: (r) => r.jobsPerS, digits: 0, better: "more" },
  { name: "submissions/s", value: (r) => r.submissionsPerS, digits: 0, better: "more" },
  { name: "CPU ms/job", value: (r) => r.cpuMsPerJob, digits: 3, better: "less" },
  { name: "submit p50 ms", value: (r) => r.submitP50Ms, digits: 2, better: "less" },
  { name: "submit p99 ms", value: (r) => r.submitP99Ms, digits: 2, better: "less" },
  { name: "peak memory MiB", value: (r) => r.peakMemoryKib / 1024, digits: 0, better: "less" },
  { name: "set-up ms", value: (r) => r.setUpMs, digits: 0, better: "less" },
  { name: "lost", value: (r) => r.lost, digits: 0 },
  { name: "doubled", value: (r) => r.doubled, digits: 0 },
  { name: "refused", value: (r) => r.refused, digits: 0 },
  { name: "scheduler's core %", value: (r) => r.schedulerLoad * 100, digits: 0 },
  { name: "peers' cores %", value: (r) => peersLoad(r) * 100, digits: 0 },
  { name: "others' cores %", value: (r) => r.otherLoad * 100, digits: 0 },
];

function peersLoad(result: TrialResult): number {
  return (result.nodesLoad + result.clientLoad) / PEER_CORES;
}

function isPeersLimit(result: TrialResult): boolean {
  return Math.max(peersLoad(result), result.nodesLoad, result.clientLoad) >= SATURATED &&
    result.schedulerLoad < SATURATED;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** The table of one case: medians over the rounds, and by what factor ours is better. */
export function table(one: Case): string {
  const { reference, ours } = one.results;
  const lines = [
    `${one.name} (${one.load.jobs} jobs, ${one.load.nodes} x ${one.load.cpusPerNode} CPUs, ` +
    `rounds: ${Math.max(reference.length, ours.length)})`,
    ["", "dispyscheduler.py", "ours", "ours is better by"].map((head, i) =>
      i === 0 ? head.padEnd(20) : head.padStart(18)
    ).join(""),
  ];
  for (const row of ROWS) {
    const values = [reference, ours].map((results) => median(results.map(row.value)));
    const [theirs = NaN, own = NaN] = values;
    const factor = row.better === "more" ? own / theirs : theirs / own;
    const cells = values.map((value) => Number.isNaN(value) ? "-" : value.toFixed(row.digits));
    cells.push(row.better && Number.isFinite(factor) ? `x ${factor.toFixed(2)}` : "");
    lines.push(row.name.padEnd(20) + cells.map((cell) => cell.padStart(18)).join(""));
  }
  for (const [name, results] of [["dispyscheduler.py", reference], ["ours", ours]] as const) {
    if (results.some(isPeersLimit)) {
      const capacity = 1000 / median(results.map((result) => result.cpuMsPerJob));
      lines.push(
        `  ${name}: the fake peers were at their limit; by its CPU time it could have done ` +
          `${capacity.toFixed(0)} jobs/s`,
      );
    }
    if (results.some((result) => result.otherLoad >= BUSY_MACHINE)) {
      lines.push(
        `  ${name}: the machine had other work, so rates and latencies are worse than they could be`,
      );
    }
    for (const trouble of new Set(results.flatMap((result) => result.troubles))) {
      lines.push(`  ${name}: ${trouble}`);
    }
  }
  for (const failure of one.failures) lines.push(`  failed: ${failure}`);
  return lines.map((line) => line.trimEnd()).join("\n");
}

/** Where and with what the numbers were made. */
export interface Machine {
  readonly date: string;
  readonly os: string;
  readonly cpu: string;
  readonly cores: number;
  readonly deno: string;
  readonly v8: string;
  readonly python: string;
  readonly dispy: string;
}

/** Writes everything that was measured to a new file in `folder`; returns the file's name. */
export async function write(
  folder: URL,
  machine: Machine,
  cases: readonly Case[],
): Promise<string> {
  await Deno.mkdir(folder, { recursive: true });
  const name = `${machine.date.replaceAll(":", "").replace(/\.\d+Z$/, "Z")}.json`;
  await Deno.writeTextFile(
    new URL(name, folder),
    JSON.stringify({ machine, cases }, null, 2) + "\n",
  );
  return name;
}
