/**
 * The scheduler itself: which cluster's job runs on which node, and what becomes of it.
 *
 * It does no I/O and knows no clock: what happens comes in as a call of an `on…` function with
 * the time in it, what is to be done comes out of {@linkcode Core.takeEffects}. Files:
 *
 * - `entities.ts` what there is; `state.ts` all of it in one object, with its indexes;
 * - `on_cluster.ts`, `on_job.ts`, `on_node.ts`, `on_operator.ts`, `deliver.ts`, `on_tick.ts` what
 *   can happen;
 * - `effects.ts` what can come of it;
 * - `dispatch.ts`, `policy.ts`, `allocation.ts`, `suitability.ts` who goes next, and where;
 * - `records.ts`, `restore.ts`, `inventory.ts` what survives an end of the scheduler;
 * - `waits.ts`, `node_state.ts` why a cluster waits, and how a node is, for people;
 * - `check_ups.ts` nodes that live and send no results;
 * - `standstill.ts` time in which the scheduler was stopped, or its clock was set;
 * - `transitions.ts` the states of a job; `held_steps.ts` what waits for jobs at a node;
 *   `jobs.ts`, `shares.ts`, `clusters.ts`, `nodes.ts` the larger steps that several events have in
 *   common.
 *
 * @module
 */

export {
  allocatedCpus,
  bySpecificity,
  findAllocation,
  type NodeAllocation,
  patternMatches,
} from "./allocation.ts";
export { type CheckUpAnswer, onNodeCheckedUp } from "./check_ups.ts";
export {
  onClientAlive,
  onDelivered,
  onDeliveryFailed,
  onDeliveryRefused,
  onResendRequested,
  onResultsExpired,
  PROVISIONAL_STATUS,
} from "./deliver.ts";
export type { Effect } from "./effects.ts";
export {
  Cluster,
  type ClusterOptions,
  type ClusterState,
  type Delivery,
  Job,
  type JobState,
  Node,
  type NodeInfo,
  Outcome,
  Share,
  type ShareState,
} from "./entities.ts";
export {
  onClusterAnnounced,
  onClusterClosed,
  onClusterLost,
  onClusterReceived,
  onNodeCloseRequested,
  onNodeCpusRequested,
  onNodeDeallocated,
  onNodesAllocated,
  onScheduleHeard,
  onScheduleRequested,
  onShareClosed,
} from "./on_cluster.ts";
export {
  type JobRefusal,
  type JobReplyNews,
  type JobRequest,
  onJobCancelled,
  onJobOffered,
  onJobRefused,
  onJobReply,
  onJobStarted,
  onJobSubmitted,
  onJobWithdrawn,
  refusesJob,
} from "./on_job.ts";
export {
  onNodeCpusChanged,
  onNodeFound,
  onNodeFoundElsewhere,
  onNodeProbed,
  onNodePulse,
  onNodeTerminated,
  onShareFailed,
  onShareReady,
  type SetupFailure,
} from "./on_node.ts";
export { onClusterCancelled, onJobEnded, onNodeLimited, OPERATOR_REASON } from "./on_operator.ts";
export { type NodeState, nodeState } from "./node_state.ts";
export { type InventoryAnswer, onNodeInventoried } from "./inventory.ts";
export { nodeBySign, type ProbeAnswer } from "./nodes.ts";
export { onShutdown, onShutdownOver, onTick, SHUTDOWN_REASON } from "./on_tick.ts";
export {
  type ClusterWaitKind,
  describeWait,
  isStuck,
  type NodeWaitKind,
  type Wait,
  waitsOf,
} from "./waits.ts";
export { earliestJob, earlyCluster, fairCluster, type Policy } from "./policy.ts";
export {
  type ClusterRecord,
  clusterRecord,
  type DeliveryRecord,
  deliveryRecord,
  type JobPlaceRecord,
  jobPlaceRecord,
  type JobRecord,
  jobRecord,
  type NodeRecord,
  nodeRecord,
  type ShareRecord,
  shareRecord,
  type Snapshot,
} from "./records.ts";
export { onRestored } from "./restore.ts";
export { Core, type CoreOptions, type Recorded } from "./state.ts";
export { unsuitability } from "./suitability.ts";
export { DEFAULT_TERMS, type Terms } from "./terms.ts";
