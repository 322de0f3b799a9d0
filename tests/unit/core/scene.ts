/**
 * A core with nodes, clusters and jobs, brought to where a test wants them. After each event all
 * that must hold is checked.
 *
 * @module
 */

import { assertEquals } from "@std/assert/equals.js";
import { checkEffects, checkInvariants } from "../../../src/core/invariants.ts";
import * as core from "../../../src/core/mod.ts";

type EffectOf<Kind extends core.Effect["kind"]> = Extract<core.Effect, { kind: Kind }>;

export const ALL_NODES: core.NodeAllocation = allocation("*");

export function allocation(pattern: string, cpus = 0): core.NodeAllocation {
  return { pattern, port: null, cpus, setup: null };
}

export class Scene {
  readonly core: core.Core;
  nowMs = 1_000_000;
  /** What the last event wanted done. */
  effects: core.Effect[] = [];

  constructor(options: Partial<core.CoreOptions> = {}) {
    this.core = new core.Core({
      policy: core.earliestJob,
      pulseIntervalMs: null,
      zombieIntervalMs: null,
      cooperative: false,
      firstId: 1,
      ...options,
    });
  }

  /** Has something happen; afterwards `effects` is what came of it. */
  on<T>(happen: (core: core.Core, nowMs: number) => T): T {
    const result = happen(this.core, this.nowMs);
    this.effects = this.core.takeEffects();
    assertEquals([...checkInvariants(this.core), ...checkEffects(this.effects)], []);
    return result;
  }

  /** Lets `ms` pass, with ticks every half a second; `effects` is what came of all of them. */
  pass(ms: number): void {
    const effects: core.Effect[] = [];
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.nowMs = Math.min(endMs, this.nowMs + 500);
      this.on(core.onTick);
      effects.push(...this.effects);
    }
    this.effects = effects;
  }

  /** The effects of this kind that the last event had. */
  effectsOf<Kind extends core.Effect["kind"]>(kind: Kind): Array<EffectOf<Kind>> {
    return this.effects.filter((effect): effect is EffectOf<Kind> => effect.kind === kind);
  }

  /** The kinds of all effects of the last event, in order. */
  get kinds(): string[] {
    return this.effects.map(({ kind }) => kind);
  }

  /** Uid and status of the results that the last event sent to clients. */
  get results(): Array<[number, number]> {
    return this.effectsOf("deliver").map(({ delivery }) => [delivery.uid, delivery.status]);
  }

  // Nodes.

  info(ipAddr: string, cpus: number, changes: Partial<core.NodeInfo> = {}): core.NodeInfo {
    return {
      ipAddr,
      port: 9701,
      sign: `sign of ${ipAddr}`,
      name: `name-${ipAddr}`,
      cpus,
      platform: "",
      version: "4.15.2",
      schedulerIpAddr: "10.0.0.1",
      schedulerPort: 9700,
      availInfo: null,
      ...changes,
    };
  }

  found(ipAddr: string, cpus: number, changes: Partial<core.NodeInfo> = {}): core.Node {
    return this.on((c, nowMs) => core.onNodeFound(c, this.info(ipAddr, cpus, changes), nowMs));
  }

  /** A node that is set up for all clusters there are. */
  node(ipAddr: string, cpus: number): core.Node {
    const node = this.found(ipAddr, cpus);
    this.ready();
    return node;
  }

  // Clusters.

  /** An active cluster that is set up on all nodes there are. */
  cluster(options: Partial<core.ClusterOptions> = {}): core.Cluster {
    const cluster = this.announcing(options);
    this.on((c, nowMs) => core.onClusterAnnounced(c, cluster, nowMs));
    this.ready();
    return cluster;
  }

  /** A cluster whose client has asked for it to be scheduled. */
  announcing(options: Partial<core.ClusterOptions> = {}): core.Cluster {
    const defaults = { allocations: [ALL_NODES], reentrant: false, exclusive: false };
    const cluster = this.on((c, nowMs) =>
      core.onClusterReceived(c, "test", { ...defaults, ...options }, nowMs)
    );
    this.on((c, nowMs) => core.onScheduleRequested(c, cluster, nowMs));
    return cluster;
  }

  /** All shares that are being set up are set up. */
  ready(): void {
    for (const cluster of this.core.clusters.values()) {
      for (const share of cluster.shares.values()) {
        if (share.state === "setting_up") this.shareReady(share);
      }
    }
  }

  shareReady(share: core.Share, cpus = share.node.availCpus): void {
    this.on((c, nowMs) => core.onShareReady(c, share, cpus, nowMs));
  }

  shareFailed(share: core.Share, failure: core.SetupFailure): void {
    this.on((c, nowMs) => core.onShareFailed(c, share, failure, "no reason", nowMs));
  }

  closed(share: core.Share): void {
    this.on((c, nowMs) => core.onShareClosed(c, share, nowMs));
  }

  close(cluster: core.Cluster, terminatePending = false): void {
    this.on((c, nowMs) => core.onClusterClosed(c, cluster, terminatePending, nowMs));
  }

  allocate(cluster: core.Cluster, ...allocations: core.NodeAllocation[]): void {
    this.on((c, nowMs) => core.onNodesAllocated(c, cluster, allocations, nowMs));
  }

  deallocate(cluster: core.Cluster, ipAddr: string): boolean {
    return this.on((c, nowMs) => core.onNodeDeallocated(c, cluster, ipAddr, nowMs));
  }

  closeNode(cluster: core.Cluster, ipAddr: string, terminatePending = false): boolean {
    return this.on((c, nowMs) =>
      core.onNodeCloseRequested(c, cluster, ipAddr, terminatePending, nowMs)
    );
  }

  setCpus(cluster: core.Cluster, ipAddr: string, cpus: number): boolean {
    return this.on((c, nowMs) => core.onNodeCpusRequested(c, cluster, ipAddr, cpus, nowMs));
  }

  share(cluster: core.Cluster, ipAddr: string): core.Share {
    const share = cluster.shares.get(ipAddr);
    if (share === undefined) throw new Error(`cluster ${cluster.id} does not use ${ipAddr}`);
    return share;
  }

  // Jobs.

  /** Submits a job; what became of it at once is in `effects`. Returns its uid. */
  submitUid(cluster: core.Cluster, pinnedTo: string | null = null): number {
    const uid = this.core.newId();
    const request = { uid, hash: `hash of ${uid}`, pinnedTo, payload: null };
    this.on((c, nowMs) => {
      core.onJobSubmitted(c, core.onJobOffered(c, cluster, request, nowMs), nowMs);
    });
    return uid;
  }

  submit(cluster: core.Cluster, pinnedTo: string | null = null): core.Job {
    return this.core.jobs.get(this.submitUid(cluster, pinnedTo))!;
  }

  /** A job that its node has acknowledged. */
  running(cluster: core.Cluster, pinnedTo: string | null = null): core.Job {
    const job = this.submit(cluster, pinnedTo);
    this.started(job);
    assertEquals(job.state, "running");
    return job;
  }

  started(job: core.Job, share: core.Share = job.share!): void {
    this.on((c, nowMs) => core.onJobStarted(c, job, share, nowMs));
  }

  refused(job: core.Job, kind: core.JobRefusal["kind"], share: core.Share = job.share!): void {
    const refusal = { kind, reason: "it says so" };
    this.on((c, nowMs) => core.onJobRefused(c, job, share, refusal, nowMs));
  }

  /** A node's reply to `job`; a final, good one from where the job is unless said otherwise. */
  reply(job: core.Job, changes: Partial<core.JobReplyNews> = {}): boolean {
    const news: core.JobReplyNews = {
      uid: job.uid,
      hash: job.runHash,
      nodeIpAddr: job.share?.node.ipAddr ?? "10.0.0.99",
      status: core.Outcome.Finished,
      provisional: false,
      startTimeS: 10,
      endTimeS: 12,
      payload: `result of ${job.uid}`,
      ...changes,
    };
    return this.on((c, nowMs) => core.onJobReply(c, news, nowMs));
  }

  cancel(job: core.Job): boolean {
    return this.on((c, nowMs) => core.onJobCancelled(c, job.cluster, job.uid, nowMs));
  }
}
