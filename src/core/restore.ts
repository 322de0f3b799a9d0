/**
 * Takes up where an earlier run has ended, from what its journal holds. Peers were not told that
 * there was an end: clients go on to wait for results and nodes to run jobs.
 *
 * @module
 */

import { findAllocation } from "./allocation.ts";
import { closeIfIdle, scheduleWaiting } from "./clusters.ts";
import { finishDelivery, forgetIfDone } from "./deliver.ts";
import { Cluster, Job, Node, Outcome, Share } from "./entities.ts";
import { beginInventory, takeInventories } from "./inventory.ts";
import { applyLimit } from "./on_operator.ts";
import type { JobPlaceRecord, ShareRecord, Snapshot } from "./records.ts";
import { type Core, reindexShare, takesPinned } from "./state.ts";
import { enqueue, resume } from "./transitions.ts";

/** Why a job is given up of which it is not known any more whether it has run. */
const LOST_TRACK =
  "the scheduler has lost its latest records: the job may have run, and must not " +
  "run twice";

/**
 * Fills a new core with what an earlier run has left. What is to be done first comes out as
 * effects.
 *
 * @param onCluster Told of each cluster before anything happens to it.
 * @param lostStarts How many jobs may have been sent to nodes after what the snapshot knows of.
 * @throws where the records contradict each other
 */
export function onRestored(
  core: Core,
  snapshot: Snapshot,
  nowMs: number,
  onCluster: (cluster: Cluster) => void = () => {},
  lostStarts: number = 0,
): void {
  core.lastTickMs = nowMs;
  restoreNodes(core, snapshot, nowMs);
  restoreClusters(core, snapshot, nowMs);
  for (const cluster of core.clusters.values()) onCluster(cluster);
  for (const record of snapshot.shares) restoreShare(core, record, nowMs);
  restoreJobs(core, snapshot, lostStarts, nowMs);
  restoreDeliveries(core, snapshot, nowMs);
  dropUnusedNodes(core);
  goOn(core);
  takeInventories(core, nowMs);
}

function restoreNodes(core: Core, { nodes }: Snapshot, nowMs: number): void {
  for (const { info, name, cpus, availCpus } of nodes) {
    const node = new Node({ ...info, availInfo: null }, nowMs);
    node.name = name;
    node.cpus = cpus;
    node.availCpus = availCpus;
    applyLimit(core, node);
    core.nodes.set(node.ipAddr, node);
    beginInventory(core, node, nowMs);
  }
}

function restoreClusters(core: Core, { clusters }: Snapshot, nowMs: number): void {
  for (const record of clusters) {
    const { id, name, allocations, reentrant, exclusive, terms, createdSeq, createdMs } = record;
    const options = {
      allocations: [...allocations],
      reentrant,
      exclusive,
      terms,
      platform: record.platform ?? undefined,
      generation: record.generation ?? undefined,
    };
    const cluster = new Cluster(id, name, options, createdSeq, createdMs);
    cluster.state = record.state;
    cluster.scheduleSeq = record.scheduleSeq;
    cluster.isRecovering = record.isRecovering;
    cluster.wantsResults = record.wantsResults;
    cluster.jobsDone = record.jobsDone;
    cluster.cpuTimeS = durationOf(record.cpuTimeS);
    cluster.lastPulseMs = nowMs;
    for (const ipAddr of record.excludedNodes) cluster.excludedNodes.add(ipAddr);
    core.clusters.set(id, cluster);
    core.skipPast(id, Math.max(createdSeq, record.scheduleSeq));
    core.totals.jobsDone += record.jobsDone;
    core.totals.cpuTimeS += cluster.cpuTimeS;
  }
}

/** Earlier versions have added up whatever nodes said, which no status can show. */
function durationOf(seconds: number): number {
  return Number.isFinite(seconds) ? Math.max(0, seconds) : 0;
}

function restoreShare(core: Core, record: ShareRecord, nowMs: number): void {
  const cluster = clusterOf(core, record.clusterId);
  const node = core.nodes.get(record.nodeIpAddr);
  if (node === undefined) throw new Error(`no node ${record.nodeIpAddr} for a share of it`);
  const allocation = cluster.allocations.find(({ pattern }) => pattern === record.pattern) ??
    findAllocation(cluster.allocations, node) ?? cluster.allocations[0];
  if (allocation === undefined) throw new Error(`cluster ${cluster.id} has no allocations`);
  const share = new Share(cluster, node, allocation, record.maxCpus);
  share.state = record.state;
  share.terminatePending = record.terminatePending;
  share.closeAskedMs = nowMs;
  share.jobsDone = share.jobsNoted = record.jobsDone;
  share.cpuTimeS = durationOf(record.cpuTimeS);
  const isSetUp = record.state !== "setting_up" && record.state !== "dropped";
  if (!isSetUp || (record.state === "failed" && record.isRetried)) {
    // Whether the node has the computation is seen when it is sent again.
    share.state = "failed";
    if (!cluster.excludedNodes.has(node.ipAddr)) share.retryAtMs = nowMs;
    core.note(share);
  } else if (record.state === "closed") {
    share.closedAtMs = nowMs;
  }
  cluster.shares.set(node.ipAddr, share);
  node.shares.set(cluster.id, share);
  reindexShare(core, share);
}

function restoreJobs(
  core: Core,
  { jobs, places }: Snapshot,
  lostStarts: number,
  nowMs: number,
): void {
  const queuedOf = new Map<string, number>();
  const placeOf = new Map(places.map((place) => [place.uid, place]));
  for (const record of [...jobs].sort((a, b) => a.seq - b.seq)) {
    const { uid, clusterId, hash, seq, pinnedTo, submitTimeMs, payload } = record;
    const cluster = clusterOf(core, clusterId);
    core.skipPast(uid, seq);
    const job = new Job(uid, hash, cluster, seq, pinnedTo, submitTimeMs, payload);
    const place = placeOf.get(uid);
    if (place !== undefined) {
      restorePlaced(core, job, place, nowMs);
      continue;
    }
    // Jobs start in their order, so that these are the first of each queue.
    const queue = `${clusterId} ${pinnedTo}`;
    const ahead = queuedOf.get(queue) ?? 0;
    queuedOf.set(queue, ahead + 1);
    if (ahead < lostStarts && !cluster.options.reentrant) {
      drop(core, job, Outcome.Abandoned, LOST_TRACK, nowMs);
    } else restoreQueued(core, job, nowMs);
  }
}

function restoreQueued(core: Core, job: Job, nowMs: number): void {
  const { cluster, pinnedTo } = job;
  const pinnedShare = pinnedTo === null ? undefined : cluster.shares.get(pinnedTo);
  const canRun = pinnedTo === null || (pinnedShare !== undefined && takesPinned(pinnedShare));
  if (cluster.accepts && canRun) {
    // Whether it has run before was not kept.
    job.mayHaveRun = cluster.options.reentrant;
    register(core, job);
    enqueue(core, job);
  } else {
    const status = cluster.accepts ? Outcome.Cancelled : Outcome.Terminated;
    drop(core, job, status, "its computation or node was closed", nowMs);
  }
}

function restorePlaced(core: Core, job: Job, place: JobPlaceRecord, nowMs: number): void {
  const { cluster, pinnedTo } = job;
  const share = cluster.shares.get(place.nodeIpAddr);
  job.cancelRequested = place.cancelRequested;
  if (share !== undefined) {
    register(core, job);
    job.runHash = place.runHash;
    resume(core, job, share, place.isRunning ? place.startTimeMs : null);
    return;
  }
  // Its node was given up while the job was on its way there.
  const reason = `node ${place.nodeIpAddr} is gone`;
  const mayRunAgain = cluster.options.reentrant && pinnedTo === null && !job.cancelRequested;
  if (mayRunAgain) restoreQueued(core, job, nowMs);
  else drop(core, job, Outcome.Abandoned, reason, nowMs);
}

function register(core: Core, job: Job): void {
  core.jobs.set(job.uid, job);
  job.cluster.jobs.set(job.uid, job);
}

/** Tells the job's client that it will not run. */
function drop(core: Core, job: Job, status: Outcome, reason: string, nowMs: number): void {
  job.state = "done";
  core.note(job);
  core.emit({ kind: "forgetJob", job });
  finishDelivery(core, job, { status, reason }, nowMs);
}

function restoreDeliveries(core: Core, { deliveries }: Snapshot, nowMs: number): void {
  for (const { clusterId, ...record } of deliveries) {
    const cluster = clusterOf(core, clusterId);
    core.skipPast(record.id, 0);
    core.skipPast(record.uid, 0);
    const rest = { inFlight: false, attempts: 0, refusals: 0, retryAtMs: nowMs };
    const delivery = { ...record, ...rest, cluster };
    cluster.deliveries.set(record.id, delivery);
    cluster.overdue.add(delivery);
  }
}

/** Nodes that nobody used are found anew: they may serve others by now. */
function dropUnusedNodes(core: Core): void {
  for (const node of [...core.nodes.values()]) {
    if (node.shares.size > 0) continue;
    core.nodes.delete(node.ipAddr);
    core.inventoried.delete(node);
    core.note(node);
    core.emit({ kind: "greetNode", ipAddr: node.ipAddr, port: node.info.port });
  }
}

/** What was under way when the scheduler ended is begun again. */
function goOn(core: Core): void {
  const waiting: Cluster[] = [];
  for (const cluster of [...core.clusters.values()]) {
    for (const share of cluster.shares.values()) {
      if (share.state !== "closing") continue;
      const { terminatePending } = share;
      core.emit({ kind: "closeShare", share, terminatePending });
    }
    if (cluster.state === "announcing") {
      core.emit({ kind: "announceCluster", cluster });
    } else if (cluster.state === "active") {
      core.emit({ kind: "discoverNodes", cluster });
    } else if (cluster.state === "received" && cluster.scheduleSeq > 0) {
      cluster.state = "waiting";
      core.note(cluster);
    }
    if (cluster.state === "waiting") waiting.push(cluster);
    closeIfIdle(core, cluster);
    forgetIfDone(core, cluster);
  }
  core.waiting.push(...waiting.sort((a, b) => a.scheduleSeq - b.scheduleSeq));
  scheduleWaiting(core);
}

function clusterOf(core: Core, id: number): Cluster {
  const cluster = core.clusters.get(id);
  if (cluster === undefined) throw new Error(`there is no cluster ${id}`);
  return cluster;
}
