/**
 * The jobs of a cluster.
 *
 * @module
 */

import type { JobReply } from "../wire/mod.ts";
import type { ClusterJob } from "./cluster_job.ts";

/** Ended jobs that are remembered: their replies may come again, and have to be confirmed. */
const MAX_REMEMBERED = 10_000;

/** Jobs by the hash that the scheduler repeats. */
export class JobTable<Result> {
  readonly #unfinished = new Map<string, ClusterJob<Result>>();
  readonly #ended = new Set<string>();
  #idle: PromiseWithResolvers<void> | null = null;

  /** Jobs that have not ended. */
  get unfinished(): Iterable<ClusterJob<Result>> {
    return this.#unfinished.values();
  }

  /** How many jobs have not ended. */
  get size(): number {
    return this.#unfinished.size;
  }

  /** Whether the scheduler has jobs of ours and none of them runs. */
  get areWaiting(): boolean {
    let isAccepted = false;
    for (const { status, uid } of this.#unfinished.values()) {
      if (status === "Running") return false;
      isAccepted ||= uid !== null;
    }
    return isAccepted;
  }

  add(job: ClusterJob<Result>): void {
    this.#unfinished.set(job.hash, job);
  }

  /** The job of a message, `null` where it is not ours or has ended. */
  find(hash: string, uid: number): ClusterJob<Result> | null {
    const job = this.#unfinished.get(hash);
    return job !== undefined && (job.uid === null || job.uid === uid) ? job : null;
  }

  /** Whether a reply is that of a job which has ended: it was confirmed, but that got lost. */
  hasEnded({ hash }: JobReply): boolean {
    return this.#ended.has(hash);
  }

  /** The job with this number. */
  byUid(uid: number): ClusterJob<Result> | undefined {
    for (const job of this.#unfinished.values()) {
      if (job.uid === uid) return job;
    }
    return undefined;
  }

  /** Takes out a job that has ended. */
  onEnd(job: ClusterJob<Result>): void {
    if (!this.#unfinished.delete(job.hash)) return;
    this.#ended.add(job.hash);
    if (this.#ended.size > MAX_REMEMBERED) {
      for (const oldest of this.#ended) {
        this.#ended.delete(oldest);
        break;
      }
    }
    if (this.#unfinished.size > 0) return;
    this.#idle?.resolve();
    this.#idle = null;
  }

  /** Resolves as soon as no job is left that has not ended. */
  untilIdle(): Promise<void> {
    if (this.#unfinished.size === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers();
    return this.#idle.promise;
  }
}
