/**
 * What of the scheduler's state survives it: each thing as a plain record, and back in
 * `restore.ts`. Records hold numbers, strings, booleans and lists of them, and what the server
 * has put in (`unknown` here), which it knows how to write down itself.
 *
 * @module
 */

import type { NodeAllocation } from "./allocation.ts";
import type {
  Cluster,
  ClusterState,
  Delivery,
  Job,
  Node,
  NodeInfo,
  Share,
  ShareState,
} from "./entities.ts";
import type { Core } from "./state.ts";
import type { Terms } from "./terms.ts";

/** A node. */
export interface NodeRecord {
  /** What was last measured there (`availInfo`) is not kept. */
  readonly info: Omit<NodeInfo, "availInfo">;
  readonly name: string;
  readonly cpus: number;
  readonly availCpus: number;
}

/** A cluster. */
export interface ClusterRecord {
  readonly id: number;
  readonly name: string;
  readonly state: ClusterState;
  readonly allocations: readonly NodeAllocation[];
  readonly reentrant: boolean;
  readonly exclusive: boolean;
  readonly terms: Terms;
  /** `null` = any. */
  readonly platform: string | null;
  /** `null` = any. Absent in journals of versions of this program that knew of one only. */
  readonly generation?: string | null;
  readonly createdSeq: number;
  readonly createdMs: number;
  readonly scheduleSeq: number;
  readonly excludedNodes: readonly string[];
  readonly isRecovering: boolean;
  readonly wantsResults: boolean;
  readonly jobsDone: number;
  readonly cpuTimeS: number;
}

/** A cluster's use of a node. */
export interface ShareRecord {
  readonly clusterId: number;
  readonly nodeIpAddr: string;
  readonly state: ShareState;
  /** Which of the cluster's allocations it is by. */
  readonly pattern: string;
  readonly maxCpus: number;
  /** A share that failed is tried again without being asked for. */
  readonly isRetried: boolean;
  /** The node was told to end the jobs of a share that is closing. */
  readonly terminatePending: boolean;
  readonly jobsDone: number;
  readonly cpuTimeS: number;
}

/** What of a job never changes. */
export interface JobRecord {
  readonly uid: number;
  readonly clusterId: number;
  readonly hash: string;
  readonly seq: number;
  readonly pinnedTo: string | null;
  readonly submitTimeMs: number;
}

/** Where a job is that has a CPU. */
export interface JobPlaceRecord {
  readonly uid: number;
  readonly nodeIpAddr: string;
  /** The mark that the node knows the job by. */
  readonly runHash: string;
  readonly isRunning: boolean;
  readonly startTimeMs: number;
  readonly cancelRequested: boolean;
}

/** A result that its client has not acknowledged. */
export interface DeliveryRecord {
  readonly id: number;
  readonly clusterId: number;
  readonly uid: number;
  readonly hash: string;
  readonly nodeIpAddr: string | null;
  readonly status: number;
  readonly reason: string | null;
  readonly startTimeMs: number;
  readonly createdMs: number;
}

/** All that an earlier run has left. */
export interface Snapshot {
  readonly nodes: readonly NodeRecord[];
  readonly clusters: readonly ClusterRecord[];
  readonly shares: readonly ShareRecord[];
  /** With the `payload` that the server has made of what it had written down. */
  readonly jobs: readonly (JobRecord & { readonly payload: unknown })[];
  readonly places: readonly JobPlaceRecord[];
  readonly deliveries: readonly (DeliveryRecord & { readonly payload: unknown })[];
}

/** The record of a node, or `null` where it is not known any more. */
export function nodeRecord(core: Core, node: Node): NodeRecord | null {
  if (core.nodes.get(node.ipAddr) !== node) return null;
  const { availInfo: _measured, ...info } = node.info;
  return { info, name: node.name, cpus: node.cpus, availCpus: node.availCpus };
}

/** The record of a cluster, or `null` where nothing is left of it. */
export function clusterRecord(core: Core, cluster: Cluster): ClusterRecord | null {
  if (core.clusters.get(cluster.id) !== cluster) return null;
  const { id, name, state, allocations, terms, createdSeq, createdMs, scheduleSeq } = cluster;
  const { isRecovering, wantsResults, jobsDone, cpuTimeS, options } = cluster;
  return {
    id,
    name,
    state,
    allocations,
    reentrant: options.reentrant,
    exclusive: options.exclusive,
    terms,
    platform: options.platform ?? null,
    generation: options.generation ?? null,
    createdSeq,
    createdMs,
    scheduleSeq,
    excludedNodes: [...cluster.excludedNodes],
    isRecovering,
    wantsResults,
    jobsDone,
    cpuTimeS,
  };
}

/** The record of a share, or `null` where its cluster uses its node no longer. */
export function shareRecord(core: Core, share: Share): ShareRecord | null {
  const { cluster, node, state, maxCpus, terminatePending, jobsDone, cpuTimeS } = share;
  if (cluster.shares.get(node.ipAddr) !== share || !core.clusters.has(cluster.id)) return null;
  return {
    clusterId: cluster.id,
    nodeIpAddr: node.ipAddr,
    state,
    pattern: share.allocation.pattern,
    maxCpus,
    isRetried: state === "failed" && share.retryAtMs < Infinity,
    terminatePending,
    jobsDone,
    cpuTimeS,
  };
}

/** The record of a job, or `null` where it is done or was withdrawn. */
export function jobRecord(core: Core, job: Job): JobRecord | null {
  if (core.jobs.get(job.uid) !== job && core.offered.get(job.uid) !== job) return null;
  const { uid, hash, seq, pinnedTo, submitTimeMs } = job;
  return { uid, clusterId: job.cluster.id, hash, seq, pinnedTo, submitTimeMs };
}

/** Where a job has a CPU, or `null` where it has none. */
export function jobPlaceRecord(core: Core, job: Job): JobPlaceRecord | null {
  if (job.share === null || core.jobs.get(job.uid) !== job) return null;
  return {
    uid: job.uid,
    nodeIpAddr: job.share.node.ipAddr,
    runHash: job.runHash,
    isRunning: job.state === "running",
    startTimeMs: job.startTimeMs,
    cancelRequested: job.cancelRequested,
  };
}

/** The record of a result, or `null` where nobody waits for it any more. */
export function deliveryRecord(core: Core, delivery: Delivery): DeliveryRecord | null {
  const { id, cluster, uid, hash, nodeIpAddr, status, reason, startTimeMs, createdMs } = delivery;
  if (cluster.deliveries.get(id) !== delivery || !core.clusters.has(cluster.id)) return null;
  const { id: clusterId } = cluster;
  return { id, clusterId, uid, hash, nodeIpAddr, status, reason, startTimeMs, createdMs };
}
