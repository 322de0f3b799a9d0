/**
 * Which faults a run has, and when: all of it follows from a seed.
 *
 * @module
 */

import { Prng } from "../../sim/prng.ts";
import type { NodeKind } from "../harness/lab.ts";

/** What can happen to a process or a machine. */
export type FaultKind = "kill -9" | "SIGTERM" | "SIGSTOP" | "cut";

/** Who it can happen to: `node 2`, `client 1`, `scheduler`. */
export type Target = string;

/** One fault: from when, and for how long. */
export interface Fault {
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly target: Target;
  /** A process that has ended is started again after so long. */
  readonly lastsMs: number;
}

/** What a plan is made for. */
export interface PlanOptions {
  readonly seed: number;
  /** The last fault is over by then. */
  readonly durationMs: number;
  readonly nodes: number;
  readonly nodeKind: NodeKind | "mixed";
  readonly clients: number;
  /** Whether the scheduler is killed (or ended with `--keep`) and started again, too. */
  readonly schedulerKills: boolean;
}

/** Until everything has started well, and between two faults. */
const FIRST_MS = 3_000;
const GAP_MS = [300, 2_700] as const;
/** A fault is short, for a moment in which messages get lost, or longer than five pulses. */
const SHORT_MS = [300, 2_500] as const;
const LONG_MS = [6_000, 12_000] as const;
const LONG_SHARE = 0.35;
/** How long a target is spared after a fault. */
const REST_MS = 3_000;

interface Choice {
  readonly kind: FaultKind;
  readonly who: "node" | "client" | "scheduler";
  readonly weight: number;
}

/** dispy's clients do not survive a kill; what is kept for them then has scenarios of its own. */
const CHOICES: readonly Choice[] = [
  { kind: "kill -9", who: "node", weight: 6 },
  { kind: "SIGTERM", who: "node", weight: 3 },
  { kind: "SIGSTOP", who: "node", weight: 3 },
  { kind: "cut", who: "node", weight: 4 },
  { kind: "SIGSTOP", who: "client", weight: 2 },
  { kind: "cut", who: "client", weight: 2 },
  { kind: "kill -9", who: "scheduler", weight: 4 },
  { kind: "SIGTERM", who: "scheduler", weight: 1 },
  { kind: "SIGSTOP", who: "scheduler", weight: 1 },
  { kind: "cut", who: "scheduler", weight: 1 },
];

/** The faults of a run, in the order of their times. */
export function planFaults(options: PlanOptions): Fault[] {
  const { seed, durationMs, nodes, nodeKind, clients, schedulerKills } = options;
  const prng = new Prng(seed);
  const between = ([low, high]: readonly [number, number]) => prng.int(low, high);
  const choices = CHOICES.filter(({ kind, who }) => {
    if (kind === "cut" || kind === "SIGSTOP") return true;
    if (who === "scheduler") return schedulerKills;
    // How a dispynode ends in order is its own affair.
    return kind === "kill -9" || nodeKind === "ours";
  });
  const total = choices.reduce((sum, { weight }) => sum + weight, 0);
  const restsUntil = new Map<Target, number>();
  const faults: Fault[] = [];
  for (let atMs = FIRST_MS; atMs < durationMs; atMs += between(GAP_MS)) {
    let at = prng.next() * total;
    const choice = choices.find(({ weight }) => (at -= weight) < 0) ?? choices[0]!;
    const target = choice.who === "node"
      ? `node ${prng.int(1, nodes)}`
      : choice.who === "client"
      ? `client ${prng.int(1, clients)}`
      : "scheduler";
    const lastsMs = between(prng.next() < LONG_SHARE ? LONG_MS : SHORT_MS);
    if ((restsUntil.get(target) ?? 0) > atMs || atMs + lastsMs > durationMs) continue;
    restsUntil.set(target, atMs + lastsMs + REST_MS);
    faults.push({ atMs, kind: choice.kind, target, lastsMs });
  }
  return faults;
}
