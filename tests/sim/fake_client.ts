/**
 * A client with one computation after the other, each with jobs; mostly well behaved.
 *
 * @module
 */

import * as core from "../../src/core/mod.ts";
import type { Env, JobScript } from "./env.ts";
import type { FakeServer } from "./fake_server.ts";
import { Peer } from "./network.ts";
import type { KeptReply } from "./payloads.ts";
import { Broken } from "./story.ts";

const PULSE_INTERVAL_MS = 10_000;
const TRY_AGAIN_MS = 5_000;
const PROVISIONAL = 7;

/** A final result. */
interface Result {
  readonly deliveryId: number;
  readonly status: number;
}

/** A job as its client knows it. */
interface ClientJob {
  readonly uid: number;
  readonly hash: string;
  /** The final result that has come; `null` = none yet. */
  result: Result | null;
}

/** What a client wants to do. */
export interface Plan {
  readonly clusters: number;
  readonly maxJobs: number;
  readonly maxJobMs: number;
  readonly exclusiveRate: number;
  readonly pinnedRate: number;
  readonly provisionalRate: number;
  /** Jobs that run until they are cancelled. */
  readonly endlessRate: number;
  /** Whole clusters that are closed before their jobs are done. */
  readonly impatience: number;
}

export class FakeClient {
  readonly peer: Peer;
  /** The id of its present cluster. */
  clusterId: number | null = null;
  readonly jobs = new Map<number, ClientJob>();
  /** All planned clusters are closed. */
  isDone = false;
  /** Its process has ended for ever. */
  isDead = false;
  #clustersLeft: number;
  #jobsLeft = 0;
  /** Submissions under way. */
  #submitting = 0;
  #isScheduled = false;
  /** Closes its cluster before its jobs are done, if need be. */
  #isImpatient = false;
  /** Its jobs may lack a node to run on by its own doing. */
  #hasChangedNodes = false;
  /** Counts the clusters, so that what was planned for an earlier one is not done. */
  #era = 0;

  constructor(
    readonly env: Env,
    readonly server: FakeServer,
    readonly name: string,
    readonly plan: Plan,
  ) {
    this.peer = new Peer(name);
    this.#clustersLeft = plan.clusters;
    env.clock.after(env.prng.int(0, 5_000), () => this.#sendComputation());
    this.#pulse();
  }

  // What the scheduler says.

  onScheduled(id: number): boolean {
    if (id !== this.clusterId) return false;
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      this.#submitNext(this.#era);
    }
    return true;
  }

  onResult(delivery: core.Delivery): "ACK" | "NAK" {
    const { id, uid, hash, status, nodeIpAddr } = delivery;
    const job = this.jobs.get(uid);
    const reply = delivery.payload === null ? null : (delivery.payload as KeptReply).reply;
    if (!hash.startsWith(`${this.name}/`)) {
      throw new Broken([`client ${this.name} got the result of job ${uid}`]);
    }
    // It has not heard its uid.
    if (job === undefined) return "NAK";
    if (job.hash !== hash || (reply !== null && reply.uid !== uid)) {
      throw new Broken([`client ${this.name} got a wrong result for job ${uid}`]);
    }
    if (delivery.cluster.id !== this.clusterId) return "NAK";
    if (this.env.prng.chance(this.env.faults.resultRefused)) return "NAK";
    if (status === PROVISIONAL) return "ACK";
    if (job.result !== null) {
      const isSame = job.result.deliveryId === id && job.result.status === status;
      if (!isSame && !this.server.ledger.entries.get(uid)!.isLoose) {
        throw new Broken([`client ${this.name} got two results of job ${uid}`]);
      }
      // dispy's client does not know a job any more that has ended.
      return "NAK";
    }
    if (status === core.Outcome.Finished && reply?.nodeIpAddr !== nodeIpAddr) {
      throw new Broken([`job ${uid} finished, but not where the scheduler says`]);
    }
    job.result = { deliveryId: id, status };
    return "ACK";
  }

  // What may happen to it.

  /** Its process ends for ever. */
  die(): void {
    this.isDead = true;
    this.isDone = true;
    this.#era++;
    this.peer.stop();
  }

  /** It can be reached again, and asks for what it has missed. */
  comeBack(): void {
    this.peer.isCutOff = false;
    if (!this.isDead) this.#say("asks for results", core.onResendRequested);
  }

  cancelSome(): void {
    const jobs = [...this.jobs.values()].filter(({ result }) => result === null);
    if (this.clusterId === null || jobs.length === 0) return;
    this.#cancel(this.env.prng.pick(jobs).uid);
  }

  /** Changes how it uses some node. */
  changeNode(): void {
    const { prng } = this.env;
    if (this.clusterId === null) return;
    const ipAddr = prng.pick([...this.server.nodes.keys()]);
    const what = prng.int(0, 3);
    this.#hasChangedNodes = true;
    if (what === 0) {
      this.#say(
        `deallocates ${ipAddr}`,
        (state, cluster, nowMs) => core.onNodeDeallocated(state, cluster, ipAddr, nowMs),
      );
    } else if (what === 1) {
      const terminates = this.plan.endlessRate > 0 || prng.chance(0.5);
      this.#say(
        `closes ${ipAddr}${terminates ? " at once" : ""}`,
        (state, cluster, nowMs) =>
          core.onNodeCloseRequested(state, cluster, ipAddr, terminates, nowMs),
      );
    } else if (what === 2) {
      const pattern = prng.pick([ipAddr, `node-${ipAddr}`, "*"]);
      const cpus = prng.pick([0, 0, 1, 2, -1]);
      this.#say(
        `allocates ${pattern}, ${cpus} CPUs`,
        (state, cluster, nowMs) =>
          core.onNodesAllocated(state, cluster, [allocation(pattern, cpus)], nowMs),
      );
    } else {
      const cpus = prng.int(-1, 3);
      this.#say(
        `sets ${ipAddr} to ${cpus} CPUs`,
        (state, cluster, nowMs) => core.onNodeCpusRequested(state, cluster, ipAddr, cpus, nowMs),
      );
    }
  }

  /** Takes back what would keep its jobs waiting for ever. Does not fail. */
  relent(): void {
    const { server } = this;
    const cluster = server.core.clusters.get(this.clusterId ?? -1);
    if (cluster === undefined || this.isDead || !this.#hasChangedNodes) return;
    server.event(
      () => `client ${this.name} allocates all nodes`,
      (state, nowMs) => core.onNodesAllocated(state, cluster, [allocation("*", 0)], nowMs),
    );
    for (const ipAddr of server.nodes.keys()) {
      server.event(
        () => `client ${this.name} sets ${ipAddr} to all CPUs`,
        (state, nowMs) => core.onNodeCpusRequested(state, cluster, ipAddr, 1_000, nowMs),
      );
    }
  }

  /** Closes its cluster, done or not, and begins the next. */
  closeCluster(): void {
    const { clusterId, server, env } = this;
    if (clusterId === null) return;
    const terminates = this.plan.endlessRate > 0 || env.prng.chance(0.5);
    this.#say(
      `closes cluster ${clusterId}${terminates ? " at once" : ""}`,
      (state, cluster, now) => {
        server.ledger.closed.add(clusterId);
        core.onClusterClosed(state, cluster, terminates, now);
      },
    );
    this.clusterId = null;
    this.#era++;
    env.clock.after(env.prng.int(0, 3_000), () => this.#sendComputation());
  }

  /** Accepted jobs of its present cluster whose result it lacks. */
  missing(): ClientJob[] {
    const { entries } = this.server.ledger;
    return [...this.jobs.values()].filter(({ uid, result }) => {
      const entry = entries.get(uid);
      return result === null && entry !== undefined && !entry.isWithdrawn && !entry.isGivenUp &&
        !entry.isLoose && entry.clusterId === this.clusterId;
    });
  }

  #sendComputation(): void {
    const { env, plan, server } = this;
    const { prng, faults } = env;
    if (this.isDead) return;
    if (this.#clustersLeft === 0 || server.isShutDown) {
      this.isDone = true;
      return;
    }
    const asksTooLittle = prng.chance(faults.askedTooLittle);
    // A client's setup that has failed is not tried again until it asks for the node.
    this.#hasChangedNodes = asksTooLittle || faults.setupFailed > 0;
    const options: core.ClusterOptions = {
      allocations: asksTooLittle ? this.#tooFewNodes() : [allocation("*", 0)],
      reentrant: prng.chance(0.5),
      exclusive: prng.chance(plan.exclusiveRate),
      terms: {
        priority: prng.pick([0, 0, 0, 5]),
        weight: prng.pick([1, 1, 0.5, 3]),
        maxCpus: prng.pick([null, null, 1, 3]),
      },
    };
    const era = ++this.#era;
    this.#isScheduled = false;
    this.#isImpatient = prng.chance(plan.impatience);
    this.#jobsLeft = prng.int(1, plan.maxJobs);
    const tryAgain = () =>
      env.clock.after(TRY_AGAIN_MS, () => {
        if (era === this.#era) this.#sendComputation();
      });
    env.network.ask<number | null>(
      this.peer,
      (answer) => server.receive(this, options, answer),
      (id) => {
        if (era !== this.#era) return;
        if (id === null) return tryAgain();
        this.#clustersLeft--;
        this.clusterId = id;
        this.#askForSchedule(id, era);
      },
    );
  }

  #askForSchedule(id: number, era: number): void {
    const { env, server } = this;
    if (era !== this.#era || this.#isScheduled) return;
    env.network.ask<boolean>(
      this.peer,
      (answer) => server.schedule(this, id, answer),
      (isHeard) => {
        if (era !== this.#era || this.#isScheduled) return;
        if (isHeard === false || this.#isOver(id)) this.closeCluster();
        else env.clock.after(TRY_AGAIN_MS, () => this.#askForSchedule(id, era));
      },
    );
  }

  /** Whether the scheduler takes no more jobs for a cluster. */
  #isOver(id: number): boolean {
    const state = this.server.core.clusters.get(id)?.state;
    return state === undefined || state === "closing" || state === "closed";
  }

  #tooFewNodes(): core.NodeAllocation[] {
    const { prng } = this.env;
    const patterns = [...this.server.nodes.keys(), "10.0.*", "node-*"];
    return Array.from(
      { length: prng.int(1, 3) },
      () => allocation(prng.pick(patterns), prng.pick([0, 1, 2, -1])),
    );
  }

  #submitNext(era: number): void {
    const { env, server, plan, clusterId } = this;
    const { prng, clock, network } = env;
    if (era !== this.#era || clusterId === null) return;
    if (this.#jobsLeft === 0) return this.#awaitResults(era);
    this.#jobsLeft--;
    const pinnedTo = prng.chance(plan.pinnedRate) ? prng.pick([...server.nodes.keys()]) : null;
    const hash = `${this.name}/${era}/${this.#jobsLeft}`;
    const payload: JobScript = {
      durationMs: prng.chance(plan.endlessRate) ? Infinity : prng.int(20, plan.maxJobMs),
      isProvisional: prng.chance(plan.provisionalRate),
    };
    this.#submitting++;
    const isOver = () => void this.#submitting--;
    network.ask<number | null>(
      this.peer,
      (answer) => server.offerJob(this, clusterId, { hash, pinnedTo, payload }, answer),
      (uid) => {
        if (era !== this.#era || uid === null) return isOver();
        this.jobs.set(uid, { uid, hash, result: null });
        if (payload.durationMs === Infinity) this.#cancelEndless(uid, era);
        const confirm = (answer: (isHeard: true) => void) => {
          server.confirmJob(this, uid);
          answer(true);
        };
        network.ask(this.peer, confirm, isOver);
      },
    );
    const pauseMs = prng.chance(0.7) ? prng.int(1, 50) : prng.int(100, 5_000);
    clock.after(pauseMs, () => this.#submitNext(era));
  }

  /** Cancels an endless job, again and again: there is no answer to that. */
  #cancelEndless(uid: number, era: number): void {
    this.env.clock.after(this.env.prng.int(1_000, 10_000), () => {
      if (this.isDead || era !== this.#era || this.jobs.get(uid)!.result !== null) return;
      this.#cancel(uid);
      this.#cancelEndless(uid, era);
    });
  }

  /** Cancels endless jobs that it does not know, or not any more: its user would see them run. */
  #cancelUnheard(): void {
    const cluster = this.server.core.clusters.get(this.clusterId ?? -1);
    for (const { uid, payload } of cluster?.jobs.values() ?? []) {
      const isEndless = (payload as JobScript).durationMs === Infinity;
      if (isEndless && this.jobs.get(uid)?.result !== null) this.#cancel(uid);
    }
  }

  #cancel(uid: number): void {
    this.#say(
      `cancels job ${uid}`,
      (state, cluster, nowMs) => core.onJobCancelled(state, cluster, uid, nowMs),
    );
  }

  /** Closes the cluster once all results are there, or before. */
  #awaitResults(era: number): void {
    this.env.clock.after(1_000, () => {
      if (era !== this.#era) return;
      const isReady = this.#submitting === 0 && this.missing().length === 0;
      if (isReady || (this.#isImpatient && this.env.prng.chance(0.1))) this.closeCluster();
      else this.#awaitResults(era);
    });
  }

  /** Tells the scheduler something about the present cluster; there is no answer. */
  #say(
    what: string,
    happen: (state: core.Core, cluster: core.Cluster, nowMs: number) => unknown,
  ): void {
    const { clusterId, server } = this;
    if (clusterId === null) return;
    this.env.network.tell(this.peer, () => {
      const cluster = server.core.clusters.get(clusterId);
      if (cluster === undefined) return;
      server.event(
        () => `client ${this.name} ${what}`,
        (state, nowMs) => happen(state, cluster, nowMs),
      );
    });
  }

  #pulse(): void {
    this.env.clock.after(PULSE_INTERVAL_MS, () => {
      if (this.isDead) return;
      if (!this.peer.isPaused) this.#say("pulses", core.onClientAlive);
      this.#cancelUnheard();
      this.#pulse();
    });
  }
}

function allocation(pattern: string, cpus: number): core.NodeAllocation {
  return { pattern, port: null, cpus, setup: null };
}
