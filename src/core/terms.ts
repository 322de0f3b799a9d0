/**
 * On what terms a cluster gets CPUs: its standing among other clusters, and its limits.
 *
 * @module
 */

/** A cluster's terms. */
export interface Terms {
  /** Clusters of higher priority go first, wherever they may run; the default is 0. */
  readonly priority: number;
  /** Share of the CPUs relative to other clusters, under `--fair_cluster_scheduler`; above 0. */
  readonly weight: number;
  /** Most CPUs that the cluster uses at a time, over all nodes; `null` = no limit. */
  readonly maxCpus: number | null;
}

/** What a cluster gets when nobody says otherwise. */
export const DEFAULT_TERMS: Terms = { priority: 0, weight: 1, maxCpus: null };
