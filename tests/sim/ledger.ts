/**
 * Keeps an account of every job, beside the core's own, over the whole of a simulation.
 *
 * @module
 */

import type { Cluster, Delivery, Effect, JobRequest } from "../../src/core/mod.ts";
import type { FakeClient } from "./fake_client.ts";

/** A job that the scheduler has taken on. */
export interface Entry {
  readonly uid: number;
  readonly hash: string;
  readonly cluster: Cluster;
  readonly client: FakeClient;
  runs: number;
  /** Its client was told that it runs. */
  wasRunning: boolean;
  isForgotten: boolean;
  /** The scheduler knows that its client has the final result. */
  isAcknowledged: boolean;
  /** Its client said that it does not want the result. */
  isGivenUp: boolean;
}

const PROVISIONAL = 7;

export class Ledger {
  readonly entries = new Map<number, Entry>();
  /** Clusters whose clients have closed them: they want nothing more. */
  readonly closed = new Set<Cluster>();
  /** How often a node did not take a job. */
  refusals = 0;

  accept({ uid, hash }: JobRequest, cluster: Cluster, client: FakeClient): void {
    this.entries.set(uid, {
      uid,
      hash,
      cluster,
      client,
      runs: 0,
      wasRunning: false,
      isForgotten: false,
      isAcknowledged: false,
      isGivenUp: false,
    });
  }

  acknowledge(delivery: Delivery): void {
    const entry = this.entries.get(delivery.uid);
    if (entry !== undefined && delivery.status !== PROVISIONAL) entry.isAcknowledged = true;
  }

  giveUp(uid: number): void {
    const entry = this.entries.get(uid);
    if (entry !== undefined) entry.isGivenUp = true;
  }

  /** Enters what the core wants done; adds to `problems` what it must not want. */
  note(effect: Effect, problems: string[]): void {
    if (effect.kind === "runJob") {
      const { job } = effect;
      const entry = this.entries.get(job.uid);
      if (entry === undefined) return;
      entry.runs++;
      if (entry.isForgotten) problems.push(`job ${job.uid} is run although it was forgotten`);
      if (entry.wasRunning && !job.cluster.options.reentrant) {
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
      if (!cluster.wantsResults || this.closed.has(cluster)) {
        problems.push(`job ${uid}: nobody wants its result`);
      }
      if (status !== PROVISIONAL && this.entries.get(uid)?.isAcknowledged) {
        problems.push(`job ${uid}: its result is sent again, though it was acknowledged`);
      }
    }
  }
}
