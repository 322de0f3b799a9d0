/**
 * What must hold after every event, whatever has happened. The simulator checks it each time;
 * read it as the list of what may be relied on.
 *
 * @module
 */

import { PROVISIONAL_STATUS } from "./deliver.ts";
import type { Effect } from "./effects.ts";
import type { Cluster, Delivery, Job, Node, Share } from "./entities.ts";
import type { LinkedList } from "./linked_list.ts";
import { canStart, type Core, hasRoom, takesPinned } from "./state.ts";

/** Takes note of what does not hold. */
type Report = (problem: string) => void;

/**
 * Looks at all of `core`, between two events. Returns what does not hold, a sentence each; none
 * where all is well. Takes time in proportion to all that there is.
 */
export function checkInvariants(core: Core): string[] {
  const problems: string[] = [];
  const report = (problem: string) => void problems.push(problem);
  for (const job of core.jobs.values()) checkJob(core, job, report);
  for (const node of core.nodes.values()) checkNode(core, node, report);
  let clusterJobs = 0;
  let offers = 0;
  let pinnedReady = 0;
  for (const cluster of core.clusters.values()) {
    clusterJobs += cluster.jobs.size;
    offers += cluster.offers;
    checkCluster(core, cluster, report);
    checkDeliveries(cluster, report);
    for (const share of cluster.shares.values()) {
      checkShare(core, share, report);
      if (canStart(share) && share.pinned.size > 0) pinnedReady++;
    }
  }
  if (clusterJobs !== core.jobs.size) {
    report(`clusters have ${clusterJobs} jobs, but there are ${core.jobs.size}`);
  }
  if (offers !== core.offered.size) {
    report(`clusters have ${offers} jobs on offer, but there are ${core.offered.size}`);
  }
  if (core.pinnedReady.size !== pinnedReady) {
    report(`${core.pinnedReady.size} shares count as ready for pinned jobs, not ${pinnedReady}`);
  }
  checkLeaks(core, report);
  checkExclusive(core, report);
  return problems;
}

/**
 * Looks at what an event has brought about, `effects` being all that `core` gave out for it.
 * Returns what does not hold, like {@linkcode checkInvariants}.
 */
export function checkEffects(effects: readonly Effect[]): string[] {
  const problems: string[] = [];
  for (const effect of effects) {
    if (effect.kind === "runJob") {
      // Dispatch ends every event, so the counts are still those it left.
      const { job, share } = effect;
      const { node } = share;
      if (share.state !== "ready") {
        problems.push(`${name(job)} was started on ${node.ipAddr}, whose share is ${share.state}`);
      }
      if (node.busy > Math.min(node.cpus, node.cpuLimit)) {
        problems.push(`${name(job)} was started on ${node.ipAddr}, which is beyond its CPUs`);
      }
      if (share.busy > share.maxCpus) {
        problems.push(`${name(job)} was started beyond its cluster's CPUs of ${node.ipAddr}`);
      }
      const { maxCpus } = job.cluster.terms;
      if (maxCpus !== null && job.cluster.busy > maxCpus) {
        problems.push(`${name(job)} was started beyond its cluster's limit of ${maxCpus} CPUs`);
      }
      if (job.pinnedTo !== null && job.pinnedTo !== node.ipAddr) {
        problems.push(`${name(job)}, pinned to ${job.pinnedTo}, was started on ${node.ipAddr}`);
      }
    } else if (effect.kind === "setUpShare" && effect.share.busy > 0) {
      problems.push(`${placeOf(effect.share)} was set up while it had jobs`);
    } else if (effect.kind === "closeShare" && effect.share.underWay > 0) {
      problems.push(`${placeOf(effect.share)} was closed while jobs were on their way to it`);
    } else if (effect.kind === "forgetJob" && effect.job.cluster.wantsResults) {
      if (effect.job.state === "withdrawn") continue;
      let results = 0;
      for (const delivery of effect.job.cluster.deliveries.values()) {
        if (delivery.uid === effect.job.uid && isFinal(delivery)) results++;
      }
      if (results !== 1) problems.push(`${name(effect.job)} ended with ${results} results`);
    }
  }
  return problems;
}

/** A job is in one place, the one that its state names. */
function checkJob(core: Core, job: Job, report: Report): void {
  const { cluster, share } = job;
  if (core.clusters.get(cluster.id) !== cluster) report(`${name(job)} has no cluster`);
  if (cluster.jobs.get(job.uid) !== job) report(`${name(job)} is not among its cluster's jobs`);
  if (job.state === "queued") {
    if (share !== null) report(`${name(job)} is queued and on ${share.node.ipAddr}`);
    const list = job.pinnedTo === null
      ? cluster.queue
      : cluster.shares.get(job.pinnedTo)?.pinned ?? null;
    if (list === null || job.list !== list) report(`${name(job)} is queued in a wrong queue`);
    if (!cluster.accepts) report(`${name(job)} is queued though its cluster is ${cluster.state}`);
    if (job.cancelRequested) report(`${name(job)} is queued though it was cancelled`);
  } else if (job.state === "done") {
    report(`${name(job)} is done and yet there`);
  } else {
    if (job.list !== null) report(`${name(job)} is ${job.state} and in a queue`);
    if (share === null) report(`${name(job)} is ${job.state} nowhere`);
    else {
      if (!share.node.jobs.has(job)) report(`${name(job)} is not among its node's jobs`);
      if (share.cluster !== cluster) report(`${name(job)} is on another cluster's share`);
      if (job.state === "running" && !isPresent(core, share)) {
        report(`${name(job)} runs on a node that is gone`);
      }
    }
  }
  const mustEnd = job.state === "running" && job.cancelRequested;
  if (core.terminating.has(job) !== mustEnd) {
    report(`${name(job)} is ${mustEnd ? "not being" : "being"} terminated`);
  }
}

/** A node's count is that of the jobs that hold one of its CPUs. */
function checkNode(core: Core, node: Node, report: Report): void {
  if (node.busy !== node.jobs.size) {
    report(`${node.ipAddr} has ${node.busy} busy CPUs and ${node.jobs.size} jobs`);
  }
  if (node.cpus > node.availCpus || node.cpus < 0) {
    report(`${node.ipAddr} uses ${node.cpus} of its ${node.availCpus} CPUs`);
  }
  for (const job of node.jobs) {
    if (core.jobs.get(job.uid) !== job) report(`${node.ipAddr} has ${name(job)}, which is gone`);
    if (job.share?.node !== node) report(`${node.ipAddr} has ${name(job)}, which is elsewhere`);
  }
  for (const [clusterId, share] of node.shares) {
    if (share.cluster.id !== clusterId || share.cluster.shares.get(node.ipAddr) !== share) {
      report(`${node.ipAddr} has a share that cluster ${clusterId} does not know`);
    }
  }
}

function checkCluster(core: Core, cluster: Cluster, report: Report): void {
  const { id, state, queue, shares, jobs, deliveries } = cluster;
  checkSorted(queue, `cluster ${id}`, report);
  if (core.runnable.has(cluster) !== (queue.size > 0 && !cluster.isAtLimit)) {
    report(`cluster ${id} with ${queue.size} queued jobs is wrongly runnable, or not`);
  }
  if (core.waiting.includes(cluster) !== (state === "waiting")) {
    report(`cluster ${id} is ${state} and in the wrong line`);
  }
  let free = 0;
  let busy = 0;
  for (const [ipAddr, share] of shares) {
    if (share.node.ipAddr !== ipAddr || !isPresent(core, share)) {
      report(`cluster ${id} has a share of ${ipAddr}, which is gone`);
    }
    if (hasRoom(share)) free++;
    busy += share.busy;
  }
  // Jobs of shares that are gone, whose nodes have yet to answer, hold their CPUs too.
  for (const job of jobs.values()) {
    if (job.share !== null && shares.get(job.share.node.ipAddr) !== job.share) busy++;
  }
  if (cluster.busy !== busy) report(`cluster ${id} counts ${cluster.busy} busy CPUs, not ${busy}`);
  if (cluster.free.size !== free) {
    report(`cluster ${id} has ${cluster.free.size} shares in its index, not ${free}`);
  }
  const idle = jobs.size === 0 && shares.size === 0;
  if (state === "closed" && (!idle || (deliveries.size === 0 && cluster.offers === 0))) {
    report(`cluster ${id} is closed and yet there, or not idle`);
  }
  if (state === "closing" && idle) report(`cluster ${id} is closing with nothing left to close`);
  if (shares.size > 0 && state !== "active" && state !== "closing") {
    report(`cluster ${id} is ${state} and uses nodes`);
  }
  // Work conserving: what could start has been started.
  if (queue.size > 0 && free > 0 && !cluster.isAtLimit) {
    report(`cluster ${id} has a job and a free CPU for it`);
  }
}

/** A share's counts and its places in the indexes are those that its state asks for. */
function checkShare(core: Core, share: Share, report: Report): void {
  const { cluster, node } = share;
  const where = placeOf(share);
  let busy = 0;
  let underWay = 0;
  for (const job of node.jobs) {
    if (job.share !== share) continue;
    busy++;
    if (job.isUnderWay) underWay++;
  }
  if (share.busy !== busy) report(`${where} counts ${share.busy} busy CPUs, not ${busy}`);
  if (share.underWay !== underWay) {
    report(`${where} counts ${share.underWay} jobs on their way, not ${underWay}`);
  }
  if (share.state === "dropped" && busy === 0) report(`${where} is not set up again`);
  if (share.isCloseHeld && underWay === 0) report(`${where} is not closed`);
  checkSorted(share.pinned, where, report);
  const { first } = share.pinned;
  if (first !== null && !takesPinned(share)) {
    report(`${where} is ${share.state} and yet ${name(first)} waits for it`);
  }
  if (cluster.excludedNodes.has(node.ipAddr)) {
    const isUsed = share.state === "ready" ||
      (share.state === "failed" && share.retryAtMs < Infinity);
    if (isUsed) report(`${where} is ${share.state}, though its client wants no more of it`);
  }
  const ready = canStart(share);
  checkIndexed(cluster.free.has(share), hasRoom(share), share.indexedLoad, `${where} in free`);
  checkIndexed(
    core.pinnedReady.has(share.pinnedEntry),
    ready && first !== null,
    share.pinnedEntry.indexedLoad,
    `${where} in pinnedReady`,
  );
  if (ready && first !== null) report(`${where} has a free CPU, and ${name(first)} waits for it`);

  function checkIndexed(is: boolean, should: boolean, load: number, what: string): void {
    if (is !== should) report(`${what}: ${is ? "wrongly" : "missing"}`);
    else if (is && load !== node.load) report(`${what}: under load ${load}, not ${node.load}`);
  }
}

/** Results are on their way or wait for another attempt; one final result for a job. */
function checkDeliveries(cluster: Cluster, report: Report): void {
  if (!cluster.wantsResults && cluster.deliveries.size > 0) {
    report(`cluster ${cluster.id} has results that its client does not want`);
  }
  let overdue = 0;
  const finals = new Set<number>();
  for (const delivery of cluster.deliveries.values()) {
    const { uid } = delivery;
    const waits = cluster.overdue.has(delivery);
    if (waits) overdue++;
    if (delivery.inFlight === waits) {
      report(`a result of job ${uid} is ${waits ? "under way and overdue" : "forgotten"}`);
    }
    if (!isFinal(delivery)) continue;
    if (finals.has(uid)) report(`job ${uid} has two final results`);
    if (cluster.jobs.has(uid)) report(`job ${uid} has a final result and is not done`);
    finals.add(uid);
  }
  if (overdue !== cluster.overdue.size) report(`cluster ${cluster.id} retries forgotten results`);
}

/** Nothing in the indexes is of a cluster, share or job that is gone. */
function checkLeaks(core: Core, report: Report): void {
  for (const cluster of [...core.runnable, ...core.waiting]) {
    if (core.clusters.get(cluster.id) !== cluster) {
      report(`cluster ${cluster.id} is gone, but kept`);
    }
  }
  for (const job of core.terminating) {
    if (core.jobs.get(job.uid) !== job) report(`${name(job)} is gone, but being terminated`);
  }
  for (const share of core.changedShares) {
    if (!isPresent(core, share)) report(`news of a share of ${share.node.ipAddr}, which is gone`);
  }
}

/** Nobody uses a node beside an exclusive cluster. */
function checkExclusive(core: Core, report: Report): void {
  for (const node of core.nodes.values()) {
    const exclusive = [...node.shares.values()].find(({ cluster }) => cluster.options.exclusive);
    if (exclusive !== undefined && node.shares.size > 1) {
      report(`${node.ipAddr} is used beside the exclusive cluster ${exclusive.cluster.id}`);
    }
  }
}

function checkSorted(queue: LinkedList<Job>, whose: string, report: Report): void {
  let previous = 0;
  for (const job of queue) {
    if (job.state !== "queued") report(`${name(job)} is ${job.state} and in a queue of ${whose}`);
    if (job.seq <= previous) report(`${name(job)} is out of order in ${whose}`);
    previous = job.seq;
  }
}

function placeOf({ cluster, node }: Share): string {
  return `cluster ${cluster.id}'s share of ${node.ipAddr}`;
}

function isPresent(core: Core, share: Share): boolean {
  const { node, cluster } = share;
  return core.nodes.get(node.ipAddr) === node && node.shares.get(cluster.id) === share;
}

function isFinal(delivery: Delivery): boolean {
  return delivery.status !== PROVISIONAL_STATUS;
}

function name(job: Job): string {
  return `job ${job.uid}`;
}
