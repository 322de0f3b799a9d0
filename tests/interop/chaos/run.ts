/**
 * A chaos run: real nodes and clients at work while faults befall them and the scheduler, and then
 * the question what became of every job.
 *
 * @module
 */

import type { Network } from "../harness/network.ts";
import { ChaosCluster } from "./cluster.ts";
import { audit, type Tally, type Verdict, WRONGS } from "./ledger.ts";
import { type Fault, planFaults } from "./plan.ts";

/** What a run is to be. */
export interface ChaosOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly nodes: number;
  readonly clients: number;
  readonly schedulerKills: boolean;
  /** Where everything is written down. */
  readonly dir: string;
  /** More options for the scheduler. */
  readonly schedulerArgs?: readonly string[];
  /** Told what happens, as it happens. */
  readonly tell: (line: string) => void;
}

/** How a run went. */
export interface ChaosOutcome {
  readonly isGood: boolean;
  /** All that is to be said, in some lines. */
  readonly summary: string;
  /** The faults with their times. */
  readonly story: readonly string[];
}

/** How long clients may wait for their last outcomes once all faults are over. */
const SETTLE_MS = 120_000;
const TELL_EVERY_MS = 30_000;
/** So many jobs of a kind are named. */
const NAMED = 12;

/**
 * Plays a run to its end.
 *
 * @throws {Error} where a process ends that nobody has killed, or cannot be started again, or where
 *   a client that comes afterwards is not served by all nodes
 */
export async function runChaos(net: Network, options: ChaosOptions): Promise<ChaosOutcome> {
  const { seed, durationMs, nodes, clients, schedulerKills, dir, tell } = options;
  const plan = planFaults({ seed, durationMs, nodes, clients, schedulerKills });
  const schedulerArgs = options.schedulerArgs ?? [];
  const cluster = new ChaosCluster(net, { seed, nodes, clients, dir, schedulerArgs });
  await cluster.start();
  const started = Date.now();
  const story: string[] = [];
  const note = (what: string) => {
    const line = `${((Date.now() - started) / 1000).toFixed(1).padStart(7)} s  ${what}`;
    story.push(`${new Date().toISOString()} ${line}`);
  };
  const teller = setInterval(() => tell(progress(cluster, started, plan)), TELL_EVERY_MS);
  try {
    await playFaults(cluster, plan, started, durationMs, note);
    note("all is healed");
    tell(`all faults are over; clients wait for their last jobs`);
    for (const client of cluster.clients) await client.process.send("stop");
    const isSettled = await settle(cluster);
    note(isSettled ? "all outcomes are there" : "outcomes are missing");
    for (const client of cluster.clients) await client.process.ended();
    await cluster.serveNewcomer();
    note("a new client was served by all nodes");
  } finally {
    clearInterval(teller);
  }
  const verdict = audit(await cluster.books());
  const found = [...verdict.faults.values()].some((jobs) => jobs.length > 0);
  const isGood = !found && cluster.fallen.length === 0;
  return { isGood, summary: summaryOf(options, plan, verdict, cluster.fallen), story };
}

/** Waits until clients have all their outcomes, or have waited long enough. Tells which it is. */
async function settle(cluster: ChaosCluster): Promise<boolean> {
  let isTimeUp = false;
  const timer = setTimeout(async () => {
    isTimeUp = true;
    const waiting = cluster.clients.filter((client) => client.all("end").length === 0);
    await Promise.all(waiting.map(({ process }) => process.send("give up")));
  }, SETTLE_MS);
  await Promise.all(cluster.clients.map((client) => client.event("end")));
  clearTimeout(timer);
  return !isTimeUp;
}

async function playFaults(
  cluster: ChaosCluster,
  plan: readonly Fault[],
  started: number,
  durationMs: number,
  note: (what: string) => void,
): Promise<void> {
  const play = async (fault: Fault) => {
    const { kind, target, lastsMs } = fault;
    await after(started + fault.atMs - Date.now());
    note(`${target}: ${kind}, for ${lastsMs} ms`);
    await cluster.begin(fault);
    await after(lastsMs);
    await cluster.end(fault);
    note(`${target}: ${kind} is over`);
  };
  await Promise.all([...plan.map(play), after(durationMs)]);
}

function progress(cluster: ChaosCluster, started: number, plan: readonly Fault[]): string {
  const now = Date.now() - started;
  const jobs = cluster.clients.map((client) => {
    const last = client.all("progress").at(-1);
    return `${last?.accepted ?? 0} (${last?.waiting ?? 0})`;
  });
  const past = plan.filter(({ atMs }) => atMs <= now).length;
  return `${(now / 1000).toFixed()} s: ${past} faults; jobs accepted (not done): ${
    jobs.join(", ")
  }`;
}

function summaryOf(
  { seed, durationMs, nodes, clients }: ChaosOptions,
  plan: readonly Fault[],
  { tally, faults }: Verdict,
  fallen: readonly string[],
): string {
  const counts = WRONGS.map((wrong) => `${wrong} ${faults.get(wrong)?.length ?? 0}`);
  const named = WRONGS.flatMap((wrong) => {
    const jobs = faults.get(wrong) ?? [];
    const more = jobs.length > NAMED ? `, and ${jobs.length - NAMED} more` : "";
    return jobs.length === 0 ? [] : [`  ${wrong}: ${jobs.slice(0, NAMED).join(", ")}${more}`];
  });
  return [
    `chaos: ${minutes(durationMs)} minutes, seed ${seed}, ${nodes} nodes, ${clients} clients`,
    `faults: ${faultCounts(plan)}`,
    `jobs: ${jobCounts(tally)}`,
    `${counts.join(", ")}`,
    ...(fallen.length > 0 ? [`ended by themselves: ${fallen.join(", ")}`] : []),
    ...named,
  ].join("\n");
}

function jobCounts({ accepted, notAccepted, outcomes, ranAgain, givenUp }: Tally): string {
  const ends = Object.entries(outcomes).map(([status, count]) => `${status} ${count}`);
  return `${accepted} accepted (${notAccepted} submissions found nobody): ${ends.join(", ")}; ` +
    `${ranAgain} reentrant ones ran again, ${givenUp} others were given up`;
}

function faultCounts(plan: readonly Fault[]): string {
  const counts = new Map<string, number>();
  for (const { kind, target } of plan) {
    const what = `${kind} ${target.split(" ")[0]}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  const list = [...counts].sort(([a], [b]) => a < b ? -1 : 1);
  return `${plan.length} (${list.map(([what, count]) => `${what} ${count}`).join(", ")})`;
}

const minutes = (ms: number) => Number((ms / 60_000).toFixed(1));

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
