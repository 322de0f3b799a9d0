/**
 * A chaos run: real nodes and clients at work while faults befall them and the scheduler, and then
 * the question what became of every job.
 *
 * @module
 */

import { messageOf } from "../../../src/log/error_message.ts";
import type { NodeKind } from "../harness/lab.ts";
import type { Network } from "../harness/network.ts";
import { ChaosCluster } from "./cluster.ts";
import { audit, type Tally, type Verdict, WRONGS } from "./ledger.ts";
import { type Fault, planFaults, type Target } from "./plan.ts";

/** What a run is to be. */
export interface ChaosOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly nodes: number;
  /** Which program the nodes are; `mixed`: every second one is ours. */
  readonly nodeKind: NodeKind | "mixed";
  readonly clients: number;
  readonly schedulerKills: boolean;
  /** Where everything is written down. */
  readonly dir: string;
  /** More options for the scheduler. */
  readonly schedulerArgs: readonly string[];
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
const WATCH_EVERY_MS = 2_000;
/** So many jobs of a kind are named. */
const NAMED = 12;

/**
 * Plays a run to its end.
 *
 * @throws {Error} where a process ends that nobody has killed, or cannot be started again, or where
 *   a client that comes afterwards is not served by all nodes
 */
export async function runChaos(net: Network, options: ChaosOptions): Promise<ChaosOutcome> {
  const { tell } = options;
  const plan = planFaults(options);
  const cluster = new ChaosCluster(net, options);
  await cluster.start();
  const run = new Run(cluster);
  const teller = setInterval(() => tell(progress(cluster, run.elapsedMs, plan)), TELL_EVERY_MS);
  const over = new AbortController();
  try {
    await Promise.all([
      run.restartMaimed(over.signal),
      playAll(cluster, run, plan, options).finally(() => over.abort()),
    ]);
  } catch (error) {
    throw new Error(`${messageOf(error)}\n${run.story.join("\n")}`, { cause: error });
  } finally {
    clearInterval(teller);
  }
  const verdict = audit(await cluster.books());
  const found = [...verdict.faults.values()].some((jobs) => jobs.length > 0);
  const isGood = !found && cluster.fallen.length === 0;
  return {
    isGood,
    summary: summaryOf(options, plan, verdict, run, cluster.fallen),
    story: run.story,
  };
}

async function playAll(
  cluster: ChaosCluster,
  run: Run,
  plan: readonly Fault[],
  { durationMs, tell }: ChaosOptions,
): Promise<void> {
  await Promise.all([...plan.map((fault) => run.play(fault)), after(durationMs)]);
  run.note("all is healed");
  tell("all faults are over; clients wait for their last jobs");
  for (const client of cluster.clients) await client.process.send("stop");
  run.note(await settle(cluster) ? "all outcomes are there" : "outcomes are missing");
  for (const client of cluster.clients) await client.process.ended();
  await cluster.serveNewcomer();
  run.note("a new client was served by all nodes");
}

/** What happens in a run, in turn where it happens to the same target. */
class Run {
  readonly story: string[] = [];
  /** Nodes that were restarted because they had ended half. */
  maimed = 0;
  readonly #started = Date.now();
  readonly #turns = new Map<Target, Promise<void>>();
  readonly #cluster: ChaosCluster;

  constructor(cluster: ChaosCluster) {
    this.#cluster = cluster;
  }

  get elapsedMs(): number {
    return Date.now() - this.#started;
  }

  /** Writes a line of the story. */
  note(what: string): void {
    const at = `${(this.elapsedMs / 1000).toFixed(1).padStart(7)} s`;
    this.story.push(`${new Date().toISOString()} ${at}  ${what}`);
  }

  /** Lets a fault happen when its time has come. */
  async play(fault: Fault): Promise<void> {
    const { kind, target, lastsMs } = fault;
    await after(fault.atMs - this.elapsedMs);
    await this.#inTurn(target, async () => {
      this.note(`${target}: ${kind}, for ${lastsMs} ms`);
      await this.#cluster.begin(fault);
      await after(lastsMs);
      await this.#cluster.end(fault);
      this.note(`${target}: ${kind} is over`);
    });
  }

  /** Restarts nodes that have ended half, until `signal`. */
  async restartMaimed(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const target of await this.#cluster.maimedNodes()) {
        this.maimed++;
        await this.#inTurn(target, async () => {
          this.note(`${target}: a thread of its own has died; restarting it`);
          const fault: Fault = { atMs: 0, kind: "kill -9", target, lastsMs: 0 };
          await this.#cluster.begin(fault);
          await this.#cluster.end(fault);
        });
      }
      await after(WATCH_EVERY_MS);
    }
  }

  async #inTurn(target: Target, act: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(target) ?? Promise.resolve()).then(act);
    this.#turns.set(target, turn);
    await turn;
  }
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

function progress(cluster: ChaosCluster, now: number, plan: readonly Fault[]): string {
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
  { seed, durationMs, nodes, nodeKind, clients }: ChaosOptions,
  plan: readonly Fault[],
  { tally, faults }: Verdict,
  { maimed }: Run,
  fallen: readonly string[],
): string {
  const counts = WRONGS.map((wrong) => `${wrong} ${faults.get(wrong)?.length ?? 0}`);
  const named = WRONGS.flatMap((wrong) => {
    const jobs = faults.get(wrong) ?? [];
    const more = jobs.length > NAMED ? `, and ${jobs.length - NAMED} more` : "";
    return jobs.length === 0 ? [] : [`  ${wrong}: ${jobs.slice(0, NAMED).join(", ")}${more}`];
  });
  return [
    `chaos: ${minutes(durationMs)} minutes, seed ${seed}, ${nodes} nodes (${nodeKind}), ` +
    `${clients} clients`,
    `faults: ${faultCounts(plan)}`,
    `jobs: ${jobCounts(tally)}`,
    `${counts.join(", ")}`,
    ...(maimed > 0 ? [`dispynodes restarted, as a thread of theirs had died: ${maimed}`] : []),
    ...(fallen.length > 0 ? [`ended by themselves: ${fallen.join(", ")}`] : []),
    ...named,
  ].join("\n");
}

function jobCounts(tally: Tally): string {
  const { accepted, notAccepted, outcomes, ranAgain, givenUp, races } = tally;
  const ends = Object.entries(outcomes).map(([status, count]) => `${status} ${count}`);
  return `${accepted} accepted (${notAccepted} submissions found nobody): ${ends.join(", ")}; ` +
    `${ranAgain} reentrant ones ran again, ${givenUp} others were given up` +
    (races > 0 ? `, dispynode itself has lost ${races}` : "");
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
