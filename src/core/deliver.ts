/**
 * Results on their way to clients. A result is kept until its client has acknowledged it or
 * is known to want it no longer.
 *
 * @module
 */

import type { Cluster, Delivery, Job, Node } from "./entities.ts";
import type { Core } from "./state.ts";

/** `DispyJob.ProvisionalResult`. */
export const PROVISIONAL_STATUS = 7;

/** Waits between attempts: doubled from the first to the last of these. */
const RETRY_FIRST_MS = 1_000;
const RETRY_LAST_MS = 60_000;

/** A client that says so often that it does not know the job is believed. */
const MAX_REFUSALS = 3;

/** What is to be told of a job. */
export interface JobResult {
  readonly status: number;
  /** Why the scheduler has ended the job, or has had its node end it; else `null`. */
  readonly reason: string | null;
  /** The node's reply, where there is one. */
  readonly payload?: unknown;
  /** The node that had the job, where there is one. */
  readonly node?: Node;
}

/** Starts to bring `result` to the job's client. */
export function finishDelivery(
  core: Core,
  job: Job,
  result: JobResult,
  nowMs: number,
  provisional = false,
): void {
  const { cluster } = job;
  if (!cluster.wantsResults) return;
  const delivery: Delivery = {
    id: core.newId(),
    cluster,
    uid: job.uid,
    hash: job.hash,
    nodeIpAddr: result.node?.ipAddr ?? null,
    status: provisional ? PROVISIONAL_STATUS : result.status,
    reason: result.reason,
    payload: result.payload ?? null,
    startTimeMs: job.startTimeMs,
    createdMs: nowMs,
    inFlight: false,
    attempts: 0,
    refusals: 0,
    retryAtMs: nowMs,
  };
  cluster.deliveries.set(delivery.id, delivery);
  core.note(delivery);
  attempt(core, delivery);
}

/** The client has acknowledged a result. */
export function onDelivered(core: Core, delivery: Delivery, nowMs: number): void {
  const { cluster } = delivery;
  forgetDelivery(core, delivery);
  onClientAlive(core, cluster, nowMs);
  forgetIfDone(core, cluster);
}

function forgetDelivery(core: Core, delivery: Delivery): void {
  const { cluster, id } = delivery;
  delivery.inFlight = false;
  cluster.overdue.delete(delivery);
  if (!cluster.deliveries.delete(id)) return;
  core.note(delivery);
  core.emit({ kind: "forgetResult", delivery });
}

/** The client wants no more results. */
export function forgetDeliveries(core: Core, cluster: Cluster): void {
  cluster.wantsResults = false;
  core.note(cluster);
  for (const delivery of [...cluster.deliveries.values()]) forgetDelivery(core, delivery);
}

/** The client could not be reached, or did not acknowledge: the result is kept. */
export function onDeliveryFailed(delivery: Delivery, nowMs: number): void {
  delivery.inFlight = false;
  // Where the client has closed its cluster meanwhile, nobody wants the result any more.
  if (!delivery.cluster.deliveries.has(delivery.id)) return;
  delivery.retryAtMs = nowMs + retryWaitMs(delivery.attempts);
  delivery.cluster.overdue.add(delivery);
}

/**
 * The client has answered that it does not know the job. Returns whether the result is given
 * up: a client says so for good where it was restarted, so it is asked a few times only.
 */
export function onDeliveryRefused(core: Core, delivery: Delivery, nowMs: number): boolean {
  if (++delivery.refusals < MAX_REFUSALS) {
    onDeliveryFailed(delivery, nowMs);
    return false;
  }
  forgetDelivery(core, delivery);
  forgetIfDone(core, delivery.cluster);
  return true;
}

/** The client has shown a sign of life: what it has missed is tried again. */
export function onClientAlive(core: Core, cluster: Cluster, nowMs: number): void {
  cluster.lastPulseMs = nowMs;
  for (const delivery of cluster.overdue) {
    // Not those that failed just now: a client may be alive and yet not take one of them.
    const failedMs = delivery.retryAtMs - retryWaitMs(delivery.attempts);
    if (nowMs - failedMs >= RETRY_FIRST_MS) attempt(core, delivery);
  }
}

/**
 * The client asks for all that it has missed. Only programs that were restarted to do so ask
 * this, and they do not close the cluster when they have all results: that is up to us, see
 * `closeRecovered`. Returns how many results are on their way.
 */
export function onResendRequested(core: Core, cluster: Cluster, nowMs: number): number {
  cluster.lastPulseMs = nowMs;
  cluster.isRecovering = true;
  core.note(cluster);
  for (const delivery of cluster.overdue) attempt(core, delivery);
  return cluster.deliveries.size;
}

/** Tries again what is due. */
export function retryDeliveries(core: Core, cluster: Cluster, nowMs: number): void {
  for (const delivery of cluster.overdue) {
    if (delivery.retryAtMs <= nowMs) attempt(core, delivery);
  }
}

/**
 * Drops results whose clients have not come for them since `sinceMs`.
 *
 * @returns How many there were of which cluster.
 */
export function onResultsExpired(core: Core, sinceMs: number): Map<Cluster, number> {
  const expired = new Map<Cluster, number>();
  for (const cluster of [...core.clusters.values()]) {
    // The oldest comes first.
    for (const delivery of cluster.deliveries.values()) {
      if (delivery.createdMs >= sinceMs) break;
      forgetDelivery(core, delivery);
      expired.set(cluster, (expired.get(cluster) ?? 0) + 1);
    }
    forgetIfDone(core, cluster);
  }
  return expired;
}

/** Drops a closed cluster once there is nothing left to be told of it, and nothing to be heard. */
export function forgetIfDone(core: Core, cluster: Cluster): void {
  if (cluster.state === "closed" && cluster.deliveries.size === 0 && cluster.offers === 0) {
    if (!core.clusters.delete(cluster.id)) return;
    forgetPass(core, cluster.terms.priority);
    core.note(cluster);
    core.emit({ kind: "forgetCluster", cluster });
  }
}

/** Where no cluster has this priority any more, those to come begin with equal chances. */
function forgetPass(core: Core, priority: number): void {
  for (const { terms } of core.clusters.values()) if (terms.priority === priority) return;
  core.passes.delete(priority);
}

function attempt(core: Core, delivery: Delivery): void {
  delivery.cluster.overdue.delete(delivery);
  delivery.inFlight = true;
  delivery.attempts++;
  core.emit({ kind: "deliver", delivery });
}

function retryWaitMs(attempts: number): number {
  return Math.min(RETRY_FIRST_MS * 2 ** (attempts - 1), RETRY_LAST_MS);
}
