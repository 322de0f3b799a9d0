/**
 * All that the scheduler knows, in one object, and how its indexes are kept true.
 *
 * @module
 */

import type { Effect } from "./effects.ts";
import type { Cluster, Job, Node, PinnedEntry, Share } from "./entities.ts";
import { LoadIndex } from "./load_index.ts";
import type { Policy } from "./policy.ts";

/** Settings of the scheduler, fixed for its life. */
export interface CoreOptions {
  readonly policy: Policy;
  /** Nodes send a sign of life this often; one that is silent for five times as long is dead. */
  readonly pulseIntervalMs: number | null;
  /** A client silent for as long has gone; `null` = wait for ever. */
  readonly zombieIntervalMs: number | null;
  /** Clients may change the CPUs of nodes that they share with others. */
  readonly cooperative: boolean;
  /** First job uid and computation id: higher than any that an earlier run gave out. */
  readonly firstId: number;
}

/** The state of the scheduler. Changed by the `on_*` functions only. */
export class Core {
  readonly nodes = new Map<string, Node>();
  /** Clusters in all states, by id. */
  readonly clusters = new Map<number, Cluster>();
  /** Clusters that wait for their turn to be scheduled, in order. */
  readonly waiting: Cluster[] = [];
  /** Jobs that are not done, by uid. */
  readonly jobs = new Map<number, Job>();
  /** Clusters with jobs in their queue. */
  readonly runnable = new Set<Cluster>();
  /** Shares with pinned jobs that could start now, by their node's load. */
  readonly pinnedReady = new LoadIndex<PinnedEntry>();
  /** Jobs that their nodes were told to end. */
  readonly terminating = new Set<Job>();
  /** Shares whose numbers have changed since the client was told. */
  readonly changedShares = new Set<Share>();
  /** Sums since the start, over nodes and clusters that are gone, too. */
  readonly totals = { jobsDone: 0, cpuTimeS: 0 };
  /** No more clusters or jobs are accepted. */
  shuttingDown = false;

  #effects: Effect[] = [];
  #nextId: number;
  #nextSeq = 1;

  constructor(readonly options: CoreOptions) {
    this.#nextId = options.firstId;
  }

  /** A number that was never given out before: a job's uid, a cluster's or a delivery's id. */
  newId(): number {
    return this.#nextId++;
  }

  /** The next position in whatever order is being kept. */
  newSeq(): number {
    return this.#nextSeq++;
  }

  /** Adds something to be done. */
  emit(effect: Effect): void {
    this.#effects.push(effect);
  }

  /** What is to be done since the last call, in order. */
  takeEffects(): Effect[] {
    const effects = this.#effects;
    if (effects.length > 0) this.#effects = [];
    return effects;
  }
}

/** Whether a job of `share`'s cluster could start on its node at this moment. */
export function canStart(share: Share): boolean {
  const { node } = share;
  return share.state === "ready" && node.busy < node.cpus && share.busy < share.maxCpus &&
    node.pausedUntilMs === 0;
}

/** Whether a job that is pinned to `share`'s node may still get to run there. */
export function takesPinned(share: Share): boolean {
  if (share.cluster.excludedNodes.has(share.node.ipAddr)) return false;
  if (share.state === "failed") return share.retryAtMs < Infinity;
  return share.state === "ready" || share.state === "setting_up";
}

/** Puts `share` into the indexes that it belongs in now; called whenever that may change. */
export function reindexShare(core: Core, share: Share): void {
  const load = share.node.load;
  if (canStart(share)) {
    share.cluster.free.set(share, load);
    if (share.pinned.size > 0) core.pinnedReady.set(share.pinnedEntry, load);
    else core.pinnedReady.delete(share.pinnedEntry);
  } else {
    share.cluster.free.delete(share);
    core.pinnedReady.delete(share.pinnedEntry);
  }
}

/** {@linkcode reindexShare} for all clusters that use `node`. */
export function reindexNode(core: Core, node: Node): void {
  for (const share of node.shares.values()) reindexShare(core, share);
}

/** Notes whether `cluster` has jobs that any of its nodes may run. */
export function reindexCluster(core: Core, cluster: Cluster): void {
  if (cluster.queue.size > 0) core.runnable.add(cluster);
  else core.runnable.delete(cluster);
}
