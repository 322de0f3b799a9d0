/**
 * A client with one computation after the other, each with jobs; mostly well behaved.
 *
 * @module
 */

import * as core from "../../src/core/mod.ts";
import type { Env, JobScript, ReplyScript } from "./env.ts";
import type { FakeServer } from "./fake_server.ts";
import { Peer } from "./network.ts";
import { Broken } from "./story.ts";

const PULSE_INTERVAL_MS = 10_000;
const TRY_AGAIN_MS = 5_000;
const PROVISIONAL = 7;

/** A job as its client knows it. */
interface ClientJob {
  readonly uid: number;
  readonly hash: string;
  /** The final result that has come; `null` = none yet. */
  result: core.Delivery | null;
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
  cluster: core.Cluster | null = null;
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

  onScheduled(cluster: core.Cluster): boolean {
    if (cluster !== this.cluster) return false;
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      this.#submitNext(this.#era);
    }
    return true;
  }

  onResult(delivery: core.Delivery): "ACK" | "NAK" {
    const { uid, status } = delivery;
    const job = this.jobs.get(uid);
    const payload = delivery.payload as ReplyScript | null;
    if (job === undefined) throw new Broken([`client ${this.name} got the result of job ${uid}`]);
    if (job.hash !== delivery.hash || (payload !== null && payload.uid !== uid)) {
      throw new Broken([`client ${this.name} got a wrong result for job ${uid}`]);
    }
    if (delivery.cluster !== this.cluster) return "NAK";
    if (this.env.prng.chance(this.env.faults.resultRefused)) return "NAK";
    if (status === PROVISIONAL) return "ACK";
    if (job.result !== null && job.result !== delivery) {
      throw new Broken([`client ${this.name} got two results of job ${uid}`]);
    }
    if (status === core.Outcome.Finished && payload?.nodeIpAddr !== delivery.nodeIpAddr) {
      throw new Broken([`job ${uid} finished, but not where the scheduler says`]);
    }
    job.result = delivery;
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
    const { cluster } = this;
    if (cluster === null || this.isDead) return;
    this.#say(
      "asks for results",
      (nowMs) => core.onResendRequested(this.server.core, cluster, nowMs),
    );
  }

  cancelSome(): void {
    const { cluster } = this;
    const jobs = [...this.jobs.values()].filter(({ result }) => result === null);
    if (cluster === null || jobs.length === 0) return;
    const job = this.env.prng.pick(jobs);
    this.#say(
      `cancels job ${job.uid}`,
      (nowMs) => core.onJobCancelled(this.server.core, cluster, job.uid, nowMs),
    );
  }

  /** Changes how it uses some node. */
  changeNode(): void {
    const { prng } = this.env;
    const { cluster } = this;
    if (cluster === null) return;
    const ipAddr = prng.pick([...this.server.nodes.keys()]);
    const { core: state } = this.server;
    const what = prng.int(0, 3);
    this.#hasChangedNodes = true;
    if (what === 0) {
      this.#say(
        `deallocates ${ipAddr}`,
        (nowMs) => core.onNodeDeallocated(state, cluster, ipAddr, nowMs),
      );
    } else if (what === 1) {
      const terminates = this.plan.endlessRate > 0 || prng.chance(0.5);
      this.#say(
        `closes ${ipAddr}${terminates ? " at once" : ""}`,
        (nowMs) => core.onNodeCloseRequested(state, cluster, ipAddr, terminates, nowMs),
      );
    } else if (what === 2) {
      const pattern = prng.pick([ipAddr, `node-${ipAddr}`, "*"]);
      const allocation = { pattern, port: null, cpus: prng.pick([0, 0, 1, 2, -1]), setup: null };
      this.#say(
        `allocates ${pattern}, ${allocation.cpus} CPUs`,
        (nowMs) => core.onNodesAllocated(state, cluster, [allocation], nowMs),
      );
    } else {
      const cpus = prng.int(-1, 3);
      this.#say(
        `sets ${ipAddr} to ${cpus} CPUs`,
        (nowMs) => core.onNodeCpusRequested(state, cluster, ipAddr, cpus, nowMs),
      );
    }
  }

  /** Takes back what would keep its jobs waiting for ever. Does not fail. */
  relent(): void {
    const { cluster, server } = this;
    if (cluster === null || this.isDead || !this.#hasChangedNodes) return;
    const all = { pattern: "*", port: null, cpus: 0, setup: null };
    server.event(
      () => `client ${this.name} allocates all nodes`,
      (nowMs) => core.onNodesAllocated(server.core, cluster, [all], nowMs),
    );
    for (const ipAddr of server.nodes.keys()) {
      server.event(
        () => `client ${this.name} sets ${ipAddr} to all CPUs`,
        (nowMs) => core.onNodeCpusRequested(server.core, cluster, ipAddr, 1_000, nowMs),
      );
    }
  }

  /** Closes its cluster, done or not, and begins the next. */
  closeCluster(): void {
    const { cluster, server, env } = this;
    if (cluster === null) return;
    const terminates = this.plan.endlessRate > 0 || env.prng.chance(0.5);
    this.cluster = null;
    this.#era++;
    const close = () => {
      server.ledger.closed.add(cluster);
      server.event(
        () => `client ${this.name} closes cluster ${cluster.id}${terminates ? " at once" : ""}`,
        (nowMs) => core.onClusterClosed(server.core, cluster, terminates, nowMs),
      );
    };
    env.network.post(this.peer, close);
    env.clock.after(env.prng.int(0, 3_000), () => this.#sendComputation());
  }

  /** Accepted jobs of its present cluster whose result it lacks. */
  missing(): ClientJob[] {
    const { entries } = this.server.ledger;
    return [...this.jobs.values()].filter(({ uid, result }) => {
      const entry = entries.get(uid);
      return result === null && entry !== undefined && !entry.isGivenUp &&
        entry.cluster === this.cluster;
    });
  }

  #sendComputation(): void {
    const { env, plan, server } = this;
    const { prng, faults } = env;
    if (this.isDead) return;
    if (this.#clustersLeft === 0 || server.core.shuttingDown) {
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
    let cluster: core.Cluster | null = null;
    const tryAgain = () =>
      env.clock.after(TRY_AGAIN_MS, () => {
        if (era === this.#era) this.#sendComputation();
      });
    env.network.post(this.peer, () => {
      if (!server.core.shuttingDown) cluster = server.receive(this, options);
    }, (isAnswered) => {
      const received = cluster;
      if (era !== this.#era) return;
      if (!isAnswered || received === null) return tryAgain();
      this.#clustersLeft--;
      this.cluster = received;
      this.#askForSchedule(received, era);
    });
  }

  #askForSchedule(cluster: core.Cluster, era: number): void {
    const { env, server } = this;
    if (era !== this.#era || this.#isScheduled) return;
    this.#say(
      `asks for cluster ${cluster.id} to be scheduled`,
      (nowMs) => core.onScheduleRequested(server.core, cluster, nowMs),
    );
    env.clock.after(TRY_AGAIN_MS, () => {
      if (era !== this.#era || this.#isScheduled) return;
      if (cluster.state === "closing" || cluster.state === "closed") this.closeCluster();
      else this.#askForSchedule(cluster, era);
    });
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
    const { env, server, plan, cluster } = this;
    const { prng, clock, network } = env;
    if (era !== this.#era || cluster === null) return;
    if (this.#jobsLeft === 0) return this.#awaitResults(era);
    this.#jobsLeft--;
    const pinnedTo = prng.chance(plan.pinnedRate) ? prng.pick([...server.nodes.keys()]) : null;
    const hash = `${this.name}/${era}/${this.#jobsLeft}`;
    const payload: JobScript = {
      durationMs: prng.chance(plan.endlessRate) ? Infinity : prng.int(20, plan.maxJobMs),
      isProvisional: prng.chance(plan.provisionalRate),
    };
    let uid: number | null = null;
    this.#submitting++;
    const isOver = () => void this.#submitting--;
    network.post(this.peer, () => {
      uid = server.offerJob(cluster, pinnedTo);
    }, (isAnswered) => {
      const given = uid;
      if (era !== this.#era || !isAnswered || given === null) return isOver();
      this.jobs.set(given, { uid: given, hash, result: null });
      if (payload.durationMs === Infinity) this.#cancelEndless(given, cluster);
      const request = { uid: given, hash, pinnedTo, payload };
      network.post(this.peer, () => server.submit(this, cluster, request), isOver);
    });
    const pauseMs = prng.chance(0.7) ? prng.int(1, 50) : prng.int(100, 5_000);
    clock.after(pauseMs, () => this.#submitNext(era));
  }

  /** Cancels an endless job, until the scheduler has been told so once. */
  #cancelEndless(uid: number, cluster: core.Cluster): void {
    const { env, server } = this;
    env.clock.after(env.prng.int(1_000, 10_000), () => {
      if (this.isDead || cluster !== this.cluster) return;
      let isTold = false;
      const cancel = (nowMs: number) => {
        isTold = core.onJobCancelled(server.core, cluster, uid, nowMs);
      };
      const tell = () =>
        server.event(() => `client ${this.name} cancels endless job ${uid}`, cancel);
      env.network.post(this.peer, tell, () => {
        if (!isTold && this.jobs.get(uid)?.result === null) this.#cancelEndless(uid, cluster);
      });
    });
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

  #say(what: string, happen: (nowMs: number) => unknown): void {
    this.env.network.post(
      this.peer,
      () => void this.server.event(() => `client ${this.name} ${what}`, happen),
    );
  }

  #pulse(): void {
    this.env.clock.after(PULSE_INTERVAL_MS, () => {
      const { cluster } = this;
      if (this.isDead) return;
      if (cluster !== null && !this.peer.isPaused) {
        this.#say("pulses", (nowMs) => core.onClientAlive(this.server.core, cluster, nowMs));
      }
      this.#pulse();
    });
  }
}

function allocation(pattern: string, cpus: number): core.NodeAllocation {
  return { pattern, port: null, cpus, setup: null };
}
