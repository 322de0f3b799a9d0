/**
 * Watches whether clusters that compete for the same CPUs get their shares of them, where
 * `--fair_cluster_scheduler` says so.
 *
 * @module
 */

import type { Cluster, Core, Effect } from "../../src/core/mod.ts";

/** Clusters are never nearer to each other than one job each; rounding takes a little more. */
const JOBS = 1.001;

/**
 * Over any time in which two clusters of the same priority have jobs waiting and may use the same
 * nodes, what they are given for their weights differs by no more than one job of each.
 */
export class Fairness {
  /** Who competes, and for what. */
  #contest = "";
  /** Addresses of the nodes that all of them may use. */
  #nodes = new Set<string>();
  /** CPUs that were given since then, by cluster. */
  readonly #served = new Map<Cluster, number>();
  /** How many CPUs were given in contests. */
  watched = 0;

  /** Looks at what an event has brought about; returns what is unfair, a sentence each. */
  watch(core: Core, effects: readonly Effect[]): string[] {
    const problems: string[] = [];
    for (const effect of effects) {
      if (effect.kind !== "runJob") continue;
      const served = this.#served.get(effect.job.cluster);
      if (served === undefined || !this.#nodes.has(effect.share.node.ipAddr)) continue;
      this.#served.set(effect.job.cluster, served + 1);
      this.watched++;
    }
    // One that has run out of jobs meanwhile had no claim to what the others got since.
    const rivals = [...this.#served].filter(([cluster]) => core.runnable.has(cluster));
    for (const [a, servedA] of rivals) {
      for (const [b, servedB] of rivals) {
        if (a.id >= b.id || a.terms.priority !== b.terms.priority) continue;
        const lead = Math.abs(servedA / a.terms.weight - servedB / b.terms.weight);
        if (lead <= JOBS * (1 / a.terms.weight + 1 / b.terms.weight)) continue;
        problems.push(
          `cluster ${a.id} (weight ${a.terms.weight}) got ${servedA} CPUs while cluster ${b.id} ` +
            `(weight ${b.terms.weight}) got ${servedB}`,
        );
      }
    }
    this.#followContest(core);
    return problems;
  }

  /** Begins to count anew where others compete than before, or for other nodes. */
  #followContest(core: Core): void {
    const rivals = [...core.runnable];
    const nodesOf = ({ shares }: Cluster) =>
      [...shares.values()].filter(({ state }) => state === "ready").map(({ node }) => node.ipAddr);
    const nodes = rivals.map((cluster) => nodesOf(cluster).sort());
    const names = nodes.map((each) => each.join(" "));
    const isEven = rivals.length > 1 && names.every((each) => each === names[0]);
    const contest = isEven ? `${rivals.map(({ id }) => id).sort().join(" ")}: ${names[0]}` : "";
    if (contest === this.#contest && isEven) return;
    this.#contest = contest;
    this.#nodes = new Set(nodes[0]);
    this.#served.clear();
    if (isEven) { for (const cluster of rivals) this.#served.set(cluster, 0); }
  }
}
