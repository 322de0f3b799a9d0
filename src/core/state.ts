/**
 * All that the scheduler knows, in one object, and how its indexes are kept true.
 *
 * @module
 */

import type { Effect } from "./effects.ts";
import type { Cluster, Delivery, Job, Node, PinnedEntry, Share } from "./entities.ts";
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
  /** Changes are noted, for a journal to be written. */
  readonly isJournaled?: boolean;
}

/** Whatever a journal keeps a record of. */
export type Recorded = Cluster | Job | Node | Share | Delivery;

/** The state of the scheduler. Changed by the `on_*` functions only. */
export class Core {
  readonly nodes = new Map<string, Node>();
  /** Limits of CPUs that were set for nodes, by address, whether the nodes are there or not. */
  readonly cpuLimits = new Map<string, number>();
  /** Clusters in all states, by id. */
  readonly clusters = new Map<number, Cluster>();
  /** Clusters that wait for their turn to be scheduled, in order. */
  readonly waiting: Cluster[] = [];
  /** Jobs that are not done, by uid. */
  readonly jobs = new Map<number, Job>();
  /** Jobs whose clients have yet to acknowledge their uids. */
  readonly offered = new Map<number, Job>();
  /** Clusters with jobs in their queue that may use more CPUs. */
  readonly runnable = new Set<Cluster>();
  /** How many of them have a weight other than 1. */
  weightedRunnable = 0;
  /**
   * By priority: the `pass` of the cluster that was last given a CPU, at that time. What clusters of
   * another priority were given does not count, as that is not shared by weight.
   */
  readonly passes = new Map<number, number>();
  /** How often a CPU was given to a job. */
  assignments = 0;
  /** Shares with pinned jobs that could start now, by their node's load. */
  readonly pinnedReady = new LoadIndex<PinnedEntry>();
  /** Jobs that their nodes were told to end. */
  readonly terminating = new Set<Job>();
  /** Nodes that have yet to tell what they have of their jobs; see `inventory.ts`. */
  readonly inventoried = new Set<Node>();
  /** Shares whose numbers have changed since the client was told. */
  readonly changedShares = new Set<Share>();
  /** Sums since the start, over nodes and clusters that are gone, too. */
  readonly totals = { jobsDone: 0, cpuTimeS: 0 };
  /** No more clusters or jobs are accepted. */
  shuttingDown = false;
  /** Up to when time has passed for all that waits; `null` = nothing has waited yet. */
  lastTickMs: number | null = null;

  #effects: Effect[] = [];
  #changes = new Set<Recorded>();
  #nextId: number;
  #nextSeq = 1;

  constructor(readonly options: CoreOptions) {
    this.#nextId = options.firstId;
  }

  /** A number that was never given out before: a job's uid, a cluster's or a delivery's id. */
  newId(): number {
    return this.#nextId++;
  }

  /** No id as high as this was given out. */
  get nextId(): number {
    return this.#nextId;
  }

  /** Everything from here on comes after what had these numbers. */
  skipPast(id: number, seq: number): void {
    this.#nextId = Math.max(this.#nextId, id + 1);
    this.#nextSeq = Math.max(this.#nextSeq, seq + 1);
  }

  /** The record of `thing` is another one than before, or none any more: see `records.ts`. */
  note(thing: Recorded): void {
    if (this.options.isJournaled) this.#changes.add(thing);
  }

  /** What was noted since the last call. */
  takeChanges(): ReadonlySet<Recorded> {
    const changes = this.#changes;
    if (changes.size > 0) this.#changes = new Set();
    return changes;
  }

  /** Whether anything was noted since {@linkcode takeChanges}. */
  get hasChanges(): boolean {
    return this.#changes.size > 0;
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
    // Never the list that grows further: the caller may carry them out later.
    if (this.#effects.length === 0) return [];
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}

/** Whether `share`'s node has a CPU for its cluster, whatever the cluster's own limit says. */
export function hasRoom(share: Share): boolean {
  const { node } = share;
  return share.state === "ready" && node.busy < node.cpus && node.busy < node.cpuLimit &&
    share.busy < share.maxCpus &&
    node.pausedUntilMs === 0 && (node.inventory === null || node.inventory.isConfirmed);
}

/** Whether a job of `share`'s cluster could start on its node at this moment. */
export function canStart(share: Share): boolean {
  return hasRoom(share) && !share.cluster.isAtLimit;
}

/** Whether a job that is pinned to `share`'s node may still get to run there. */
export function takesPinned(share: Share): boolean {
  if (share.cluster.excludedNodes.has(share.node.ipAddr)) return false;
  if (share.state === "failed") return share.retryAtMs < Infinity;
  return share.state === "ready" || share.state === "setting_up" || share.state === "dropped";
}

/** Puts `share` into the indexes that it belongs in now; called whenever that may change. */
export function reindexShare(core: Core, share: Share): void {
  const load = share.node.load;
  // A cluster's own limit is kept out of this index: reaching it would change all shares at once.
  if (hasRoom(share)) share.cluster.free.set(share, load);
  else share.cluster.free.delete(share);
  if (share.pinned.size > 0 && canStart(share)) core.pinnedReady.set(share.pinnedEntry, load);
  else core.pinnedReady.delete(share.pinnedEntry);
}

/** {@linkcode reindexShare} for all clusters that use `node`. */
export function reindexNode(core: Core, node: Node): void {
  for (const share of node.shares.values()) reindexShare(core, share);
}

/** Notes whether `cluster` has jobs that any of its nodes may run. */
export function reindexCluster(core: Core, cluster: Cluster): void {
  const isRunnable = cluster.queue.size > 0 && !cluster.isAtLimit;
  if (isRunnable === core.runnable.has(cluster)) return;
  const isWeighted = cluster.terms.weight !== 1;
  if (isRunnable) {
    core.runnable.add(cluster);
    if (isWeighted) core.weightedRunnable++;
  } else {
    core.runnable.delete(cluster);
    if (isWeighted) core.weightedRunnable--;
  }
}

/** Changes how many CPUs `cluster` uses; where that takes it over or under its limit, reindexes. */
export function useCpus(core: Core, cluster: Cluster, change: 1 | -1): void {
  const wasAtLimit = cluster.isAtLimit;
  cluster.busy += change;
  if (cluster.isAtLimit === wasAtLimit) return;
  reindexCluster(core, cluster);
  for (const share of cluster.shares.values()) {
    if (share.pinned.size > 0) reindexShare(core, share);
  }
}
