/**
 * Keeps an account of every job, beside the core's own, over the whole of a simulation.
 *
 * @module
 */

import type { Cluster, Core, Delivery, Effect, Snapshot } from "../../src/core/mod.ts";
import type { FakeClient } from "./fake_client.ts";

/** A job whose client was told its uid. */
export interface Entry {
  readonly uid: number;
  readonly hash: string;
  readonly clusterId: number;
  readonly isReentrant: boolean;
  readonly client: FakeClient;
  /** The scheduler has taken it on. */
  isAccepted: boolean;
  /** The scheduler believes that its client has not heard the uid. */
  isWithdrawn: boolean;
  /** How often it was sent to a node. */
  runs: number;
  /** How often a node has started it. */
  starts: number;
  /** Its client was told that it runs. */
  wasRunning: boolean;
  isForgotten: boolean;
  /** The scheduler knows that its client has the final result. */
  isAcknowledged: boolean;
  /** Its client said that it does not want the result. */
  isGivenUp: boolean;
  /** The scheduler was killed while it could not write: what became of the job is open. */
  isLoose: boolean;
}

const PROVISIONAL = 7;

export class Ledger {
  readonly entries = new Map<number, Entry>();
  /** Ids of clusters whose clients have closed them: they want nothing more. */
  readonly closed = new Set<number>();
  /** How often a node did not take a job. */
  refusals = 0;

  /** A client is told the uid of its job. Returns whether that is a new one. */
  offer(uid: number, hash: string, cluster: Cluster, client: FakeClient): boolean {
    if (this.entries.has(uid)) return false;
    this.entries.set(uid, {
      uid,
      hash,
      clusterId: cluster.id,
      isReentrant: cluster.options.reentrant,
      client,
      isAccepted: false,
      isWithdrawn: false,
      runs: 0,
      starts: 0,
      wasRunning: false,
      isForgotten: false,
      isAcknowledged: false,
      isGivenUp: false,
      isLoose: false,
    });
    return true;
  }

  acknowledge(delivery: Delivery): void {
    const entry = this.entries.get(delivery.uid);
    if (entry !== undefined && delivery.status !== PROVISIONAL) entry.isAcknowledged = true;
  }

  giveUp(uid: number): void {
    const entry = this.entries.get(uid);
    if (entry !== undefined) entry.isGivenUp = true;
  }

  /** The client of a job has not confirmed that it has heard the uid. */
  withdraw(uid: number): void {
    const entry = this.entries.get(uid);
    if (entry !== undefined) entry.isWithdrawn = true;
  }

  /** A node starts a job. Returns what is wrong with that, or `null`. */
  start(uid: number): string | null {
    const entry = this.entries.get(uid);
    if (entry === undefined) return null;
    const isAgain = ++entry.starts > 1 && !entry.isReentrant && !entry.isLoose;
    return isAgain ? `nodes started job ${uid} twice, which its client did not allow` : null;
  }

  /** The scheduler ends while it could not write: it may have done what it will not know. */
  loosen(): void {
    for (const entry of this.entries.values()) entry.isLoose = true;
  }

  /** The scheduler is about to go on from `snapshot`. */
  restart({ jobs }: Snapshot): void {
    const uids = new Set(jobs.map(({ uid }) => uid));
    for (const entry of this.entries.values()) entry.isForgotten = !uids.has(entry.uid);
  }

  /** The scheduler was started again, as `core`. Returns what it has forgotten. */
  restarted(core: Core): string[] {
    const problems: string[] = [];
    const results = new Set<number>();
    for (const cluster of core.clusters.values()) {
      // That its client has closed it was not written: nobody can know.
      if (cluster.wantsResults) this.closed.delete(cluster.id);
      for (const { uid, status } of cluster.deliveries.values()) {
        if (status !== PROVISIONAL) results.add(uid);
      }
    }
    for (const entry of this.entries.values()) {
      const { uid, hash } = entry;
      const job = core.jobs.get(uid);
      if (job !== undefined) {
        if (job.hash !== hash) problems.push(`job ${uid} is another one since the restart`);
        // One whose uid its client may have heard counts.
        entry.isAccepted ||= job.cluster.wantsResults;
        entry.isWithdrawn = false;
      } else if (results.has(uid)) {
        entry.isAccepted = true;
        entry.isAcknowledged = entry.isGivenUp = false;
      } else if (this.#isOpen(entry)) {
        problems.push(`job ${uid} is forgotten since the restart`);
      } else if (!entry.isAccepted) {
        entry.isWithdrawn = true;
      }
    }
    return problems;
  }

  /** Enters what is about to be done; adds to `problems` what must not be. */
  note(effect: Effect, problems: string[]): void {
    if (effect.kind === "runJob") {
      const { job } = effect;
      const entry = this.entries.get(job.uid);
      if (entry === undefined || entry.isLoose) return;
      entry.runs++;
      if (entry.isForgotten) problems.push(`job ${job.uid} is run although it was forgotten`);
      if (entry.wasRunning && !entry.isReentrant) {
        problems.push(`job ${job.uid} runs twice, which its client did not allow`);
      }
    } else if (effect.kind === "tellJobRunning") {
      const entry = this.entries.get(effect.job.uid);
      if (entry !== undefined) entry.wasRunning = true;
    } else if (effect.kind === "forgetJob") {
      const entry = this.entries.get(effect.job.uid);
      if (entry === undefined) return;
      if (entry.isForgotten) problems.push(`job ${entry.uid} is forgotten twice`);
      entry.isForgotten = true;
    } else if (effect.kind === "deliver") {
      const { uid, status, cluster } = effect.delivery;
      const entry = this.entries.get(uid);
      if (status !== PROVISIONAL && entry?.isAcknowledged && !entry.isLoose) {
        problems.push(`job ${uid}: its result is sent again, though it was acknowledged`);
      }
      if (this.closed.has(cluster.id) && cluster.wantsResults) {
        problems.push(`job ${uid}: nobody wants its result`);
      }
    }
  }

  /** Whether the scheduler owes the job's client a result. */
  #isOpen(entry: Entry): boolean {
    return entry.isAccepted && !entry.isAcknowledged && !entry.isGivenUp && !entry.isLoose &&
      !this.closed.has(entry.clusterId);
  }
}
