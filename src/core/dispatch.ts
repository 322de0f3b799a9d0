/**
 * Gives free CPUs to waiting jobs: the least loaded node that any waiting job may use, then
 * the job that the policy puts first among the clusters that may use that node.
 *
 * The cost of a decision depends on the number of clusters with waiting jobs, not on the
 * number of nodes or jobs.
 *
 * @module
 */

import type { Cluster, Job, Node, Share } from "./entities.ts";
import type { Candidate } from "./policy.ts";
import { canStart, type Core } from "./state.ts";
import { assign } from "./transitions.ts";

/** Assigns jobs to nodes until no job could start anywhere. Ends every event. */
export function dispatch(core: Core): void {
  for (;;) {
    const node = leastLoadedNode(core);
    if (node === null) return;
    const { cluster, job } = nextJob(core, node);
    const share = cluster.shares.get(node.ipAddr)!;
    assign(core, job, share);
    cluster.lastServedSeq = ++core.assignments;
    core.passes.set(cluster.terms.priority, Math.max(passOf(core, cluster), cluster.pass));
    cluster.pass += 1 / cluster.terms.weight;
    core.emit({ kind: "runJob", job, share });
  }
}

/** The least loaded node on which some waiting job could start now. */
function leastLoadedNode(core: Core): Node | null {
  let best: Share | null = core.pinnedReady.first()?.share ?? null;
  for (const cluster of core.runnable) {
    const share = cluster.free.first();
    if (share !== null && (best === null || share.node.load < best.node.load)) best = share;
  }
  return best === null ? null : best.node;
}

/** The job that goes first on `node`, on which at least one could start. */
function nextJob(core: Core, node: Node): Candidate {
  let best: Candidate | null = null;
  const consider = (cluster: Cluster, job: Job | null) => {
    if (job === null) return;
    // Time without waiting jobs, or without nodes for them, is not saved up.
    cluster.pass = Math.max(cluster.pass, passOf(core, cluster));
    const candidate = { cluster, job };
    if (best === null || compare(core, candidate, best) < 0) best = candidate;
  };
  for (const cluster of core.runnable) {
    const share = cluster.shares.get(node.ipAddr);
    if (share !== undefined && canStart(share)) consider(cluster, cluster.queue.first);
  }
  // Few clusters pin jobs: only where this node has some are all its shares looked at.
  if (core.pinnedReady.size > 0) {
    for (const share of node.shares.values()) {
      if (share.pinned.size > 0 && canStart(share)) consider(share.cluster, share.pinned.first);
    }
  }
  if (best === null) throw new Error(`no job for ${node.ipAddr}, which was said to have one`);
  return best;
}

/** Where the clusters of `cluster`'s priority stand. */
function passOf(core: Core, cluster: Cluster): number {
  return core.passes.get(cluster.terms.priority) ?? 0;
}

/** Negative where `a` goes before `b`. */
function compare(core: Core, a: Candidate, b: Candidate): number {
  return b.cluster.terms.priority - a.cluster.terms.priority ||
    core.options.policy(a, b, core.weightedRunnable > 0);
}
