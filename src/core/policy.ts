/**
 * Which job gets a free CPU. The node is chosen before (the least loaded one, see
 * `dispatch.ts`); a policy says which of the clusters that may use it goes first.
 *
 * @module
 */

import type { Cluster, Job } from "./entities.ts";

/** A cluster's next job for some node. */
export interface Candidate {
  readonly cluster: Cluster;
  readonly job: Job;
}

/**
 * Compares two candidates: negative where `a` goes first. Never 0 for different jobs. Both have
 * the same priority. `isWeighted` where some cluster with waiting jobs has a weight other than 1.
 */
export type Policy = (a: Candidate, b: Candidate, isWeighted?: boolean) => number;

/** The default: the job that was submitted first, whosever it is. */
export const earliestJob: Policy = (a, b) => a.job.seq - b.job.seq;

/**
 * `--fair_cluster_scheduler`: the cluster that was last given a CPU longest ago. Where clusters
 * have weights, the one that has been given least for its weight (stride scheduling: Waldspurger
 * and Weihl, 1995).
 */
export const fairCluster: Policy = (a, b, isWeighted = false) =>
  (isWeighted ? a.cluster.pass - b.cluster.pass : 0) ||
  a.cluster.lastServedSeq - b.cluster.lastServedSeq || earliestJob(a, b);

/** `--early_cluster_scheduler`: the cluster that was created first. */
export const earlyCluster: Policy = (a, b) =>
  a.cluster.createdSeq - b.cluster.createdSeq || earliestJob(a, b);
