/**
 * Stands where the real server stands: tells the core what nodes and clients say, answers them
 * once that lasts, and is killed and started again.
 *
 * @module
 */

import * as core from "../../src/core/mod.ts";
import { unpack } from "../../src/journal/packing.ts";
import { readSnapshot } from "../../src/journal/core_journal.ts";
import { EffectRunner } from "./carry_out.ts";
import { Disk, type Durability } from "./disk.ts";
import type { Env, JobScript } from "./env.ts";
import type { Fairness } from "./fairness.ts";
import type { FakeClient } from "./fake_client.ts";
import type { FakeNode, NodeSide } from "./fake_node.ts";
import { Ledger } from "./ledger.ts";
import { Life } from "./life.ts";
import { Mirror } from "./mirror.ts";
import { TIMEOUT_MS } from "./network.ts";
import { PAYLOAD_READER, payloadWriter } from "./payloads.ts";
import { Broken } from "./story.ts";

const TICK_MS = 500;
/** Longest from an event to the kill that was waiting for it. */
const MAX_AMBUSH_MS = 3;

/** A job as a client asks for it. */
export interface Submission {
  readonly hash: string;
  readonly pinnedTo: string | null;
  readonly payload: JobScript;
}

export class FakeServer implements NodeSide {
  readonly ledger = new Ledger();
  readonly nodes = new Map<string, FakeNode>();
  /** `null` = nothing survives the process. */
  readonly disk: Disk | null;
  readonly #mirror: Mirror | null;
  readonly #owners = new Map<number, FakeClient>();
  #life: Life;
  /** Waits for the next event. */
  #ambush: (() => void) | null = null;
  /** How often it was started. */
  lives = 0;
  /** It was told to end for good. */
  isShutDown = false;
  #isSpared = false;

  constructor(
    readonly env: Env,
    readonly options: core.CoreOptions,
    durability: Durability | "off",
    readonly fairness: Fairness | null = null,
  ) {
    this.disk = durability === "off" ? null : new Disk(env, durability);
    this.#mirror = this.disk && new Mirror(this.disk);
    this.#life = this.#begin(options.firstId);
  }

  /** The core of the process that runs, or ran last. */
  get core(): core.Core {
    return this.#life.core;
  }

  get isUp(): boolean {
    return !this.#life.isOver;
  }

  /** Its process is there, and was not stopped. */
  get runs(): boolean {
    return this.isUp && !this.env.network.scheduler.isPaused;
  }

  // What becomes of its process.

  /** Its process ends at once, or its machine's power does; it starts again after `downMs`. */
  kill(how: "killed" | "power failure", downMs: number): void {
    const { env, disk } = this;
    env.story.tell(env.clock.nowMs, () => `*** the scheduler: ${how}`);
    if (this.#life.engine.problem !== null) this.ledger.loosen();
    this.#life.isOver = true;
    this.#ambush = null;
    env.network.schedulerEnds();
    disk?.leave();
    if (how === "power failure") disk!.losePower();
    env.clock.after(downMs, () => this.restart());
  }

  /** Its process is stopped for a while: nothing that comes is lost by that. */
  stop(stoppedMs: number): void {
    const { env } = this;
    const life = this.#life;
    env.story.tell(env.clock.nowMs, () => `*** the scheduler is stopped for ${stoppedMs} ms`);
    env.network.scheduler.isPaused = true;
    env.clock.after(stoppedMs, () => {
      if (!life.isOver) this.resume();
    });
  }

  /** It runs on. */
  resume(): void {
    const { env } = this;
    if (this.runs || !this.isUp) return;
    env.story.tell(env.clock.nowMs, () => "*** the scheduler runs on");
    this.#life.resume();
  }

  /** It is killed right after whatever happens next: perhaps before that lasts. */
  killAfterNext(downMs: number): void {
    const life = this.#life;
    this.#ambush = () => {
      this.#ambush = null;
      life.after(this.env.prng.int(0, MAX_AMBUSH_MS), () => {
        if (!this.isShutDown && !this.#isSpared) this.kill("killed", downMs);
      });
    };
  }

  /** From here on it is killed no more. */
  spare(): void {
    this.#isSpared = true;
    this.#ambush = null;
  }

  /** It is told to leave everything for the next start. */
  suspend(downMs: number): void {
    const { network } = this.env;
    // Of a process that is stopped, it would be the first thing to do as soon as it runs on.
    this.resume();
    const life = this.#life;
    if (life.isOver) return;
    network.scheduler.isUp = false;
    life.afterCommit(() => this.kill("killed", downMs));
  }

  /** It is started again, with what its disk holds. */
  restart(): void {
    const { env, disk } = this;
    if (this.isUp || disk === null) return;
    const [reserved] = [...disk.rows("meta")].filter(({ key }) => key === "reserved_ids");
    const reservedIds = reserved === undefined ? 0 : unpack<number>(reserved.record);
    const snapshot = readSnapshot(disk, PAYLOAD_READER);
    for (const { key, payload } of disk.rows("cluster")) {
      if (payload === null || unpack<string>(payload) !== this.#owners.get(key as number)?.name) {
        throw new Broken([`the computation of cluster ${key} is lost`]);
      }
    }
    this.#mirror!.reset();
    const life = this.#life = this.#begin(Math.max(this.options.firstId, reservedIds));
    env.network.schedulerStarts();
    this.ledger.restart(snapshot);
    life.event(() => "*** the scheduler starts again", (state, nowMs) => {
      life.coreJournal!.adopt(snapshot);
      core.onRestored(state, snapshot, nowMs);
    });
    const problems = this.ledger.restarted(life.core);
    if (problems.length > 0) throw new Broken(problems);
    for (const node of this.nodes.values()) this.ping(node);
  }

  #begin(firstId: number): Life {
    const { env, disk, options, ledger } = this;
    this.lives++;
    const writer = payloadWriter((cluster) => this.ownerOf(cluster).name);
    const coreOptions = { ...options, firstId, isJournaled: disk !== null };
    const life = new Life(env, coreOptions, disk, writer, this.fairness);
    if (disk !== null) {
      disk.onWritten = (changes) => {
        env.story.tell(env.clock.nowMs, () => `    journal: ${changes.length} changes written`);
        this.#mirror!.update(changes);
        const problems = this.#mirror!.problems(life.core);
        if (problems.length > 0) throw new Broken(problems);
      };
    }
    const runner = new EffectRunner(env, this, life);
    life.engine.onEffect((effect) => {
      // It was killed by what has happened in the same commit.
      if (life.isOver) return;
      const problems: string[] = [];
      ledger.note(effect, problems);
      if (problems.length > 0) throw new Broken(problems);
      runner.run(effect);
    });
    const tick = () => {
      life.event(() => "tick", (state, nowMs) => core.onTick(state, nowMs));
      life.after(TICK_MS, tick);
    };
    life.after(TICK_MS, tick);
    return life;
  }

  // What nodes say.

  onFound(info: core.NodeInfo): void {
    this.event(
      () => `node ${info.ipAddr} introduces itself: ${info.sign}, ${info.cpus} CPUs`,
      (state, nowMs) => core.onNodeFound(state, info, nowMs),
    );
  }

  onPulse(ipAddr: string): void {
    const isKnown = this.event(
      () => `node ${ipAddr} pulses`,
      (state, nowMs) => core.onNodePulse(state, ipAddr, { cpu: 1 }, nowMs),
    );
    if (!isKnown) this.ping(this.nodes.get(ipAddr)!);
  }

  onReply(news: core.JobReplyNews, acknowledge: () => void): void {
    this.event(
      () => `node ${news.nodeIpAddr} replies to job ${news.uid}: ${news.status}`,
      (state, nowMs) => core.onJobReply(state, news, nowMs),
    );
    this.#life.afterCommit(acknowledge);
  }

  onCpusChanged(ipAddr: string, sign: string, cpus: number): void {
    const node = this.#nodeOf(ipAddr, sign);
    if (node === null) return;
    this.event(
      () => `node ${ipAddr} offers ${cpus} CPUs`,
      (state) => core.onNodeCpusChanged(state, node, cpus),
    );
  }

  onTerminated(ipAddr: string, sign: string): void {
    const node = this.#nodeOf(ipAddr, sign);
    if (node === null) return;
    this.event(
      () => `node ${ipAddr} says goodbye`,
      (state, nowMs) => core.onNodeTerminated(state, node, nowMs),
    );
  }

  /** Asks a node to introduce itself. */
  ping(node: FakeNode): void {
    this.env.network.request<core.NodeInfo>(
      node.peer,
      (answer) => answer(node.info),
      (info) => {
        if (info !== null && info.sign === node.sign) this.onFound(info);
      },
    );
  }

  /** A reply that nobody may believe: of another job, or from another node. */
  forgeReply(): void {
    const { prng } = this.env;
    const jobs = [...this.core.jobs.values()];
    if (jobs.length === 0 || !this.runs) return;
    const job = prng.pick(jobs);
    const others = [...this.nodes.keys()].filter((ipAddr) => ipAddr !== job.share?.node.ipAddr);
    const isWrongHash = others.length === 0 || prng.chance(0.5);
    const isBelieved = this.event(
      () => `a made-up reply to job ${job.uid}`,
      (state, nowMs) =>
        core.onJobReply(state, {
          uid: job.uid,
          hash: isWrongHash ? "made up" : job.hash,
          nodeIpAddr: isWrongHash ? job.share?.node.ipAddr ?? "10.0.0.99" : prng.pick(others),
          status: core.Outcome.Finished,
          provisional: false,
          startTimeS: 0,
          endTimeS: 0,
          payload: null,
        }, nowMs),
    );
    if (isBelieved) throw new Broken([`a made-up reply to job ${job.uid} was believed`]);
  }

  // What clients say.

  /** `COMPUTE:`. Answers with the id of the cluster, or with `null`. */
  receive(
    client: FakeClient,
    options: core.ClusterOptions,
    answer: (id: number | null) => void,
  ): void {
    const life = this.#life;
    if (life.core.shuttingDown || life.engine.problem !== null) return answer(null);
    const cluster = this.event(
      () => `client ${client.name} sends a computation`,
      (state, nowMs) => {
        const received = core.onClusterReceived(state, client.name, options, nowMs);
        this.#owners.set(received.id, client);
        return received;
      },
    );
    life.afterCommit(() => {
      // What cannot be kept is not taken on.
      answer(life.engine.problem === null ? cluster.id : null);
    });
  }

  /** The client that sent `cluster`. */
  ownerOf(cluster: core.Cluster): FakeClient {
    return this.#owners.get(cluster.id)!;
  }

  /** `SCHEDULE:`. */
  schedule(client: FakeClient, id: number, answer: (isHeard: boolean) => void): void {
    const life = this.#life;
    const cluster = life.core.clusters.get(id);
    if (cluster === undefined || life.core.shuttingDown) return answer(false);
    this.event(
      () => `client ${client.name} asks for cluster ${id} to be scheduled`,
      (state) => core.onScheduleHeard(state, cluster),
    );
    life.afterCommit(() => {
      answer(true);
      life.event(
        () => `client ${client.name} knows that this was heard`,
        (state, nowMs) => core.onScheduleRequested(state, cluster, nowMs),
      );
    });
  }

  /** `JOB:`. Answers with a uid, or with `null` where the job is not taken. */
  offerJob(
    client: FakeClient,
    id: number,
    submission: Submission,
    answer: (uid: number | null) => void,
  ): void {
    const life = this.#life;
    const { core: state, engine } = life;
    const cluster = state.clusters.get(id);
    const { pinnedTo } = submission;
    if (cluster === undefined || engine.problem !== null) return answer(null);
    if (core.refusesJob(state, cluster, pinnedTo) !== null) return answer(null);
    const { prng, faults } = this.env;
    const lateMs = prng.chance(faults.offerLate) ? prng.int(0, 3_000) : 0;
    if (lateMs === 0) return this.#offer(client, cluster, submission, answer);
    life.after(lateMs, () => this.#offer(client, cluster, submission, answer));
  }

  /** The arguments of a job are kept: its client is told the uid. */
  #offer(
    client: FakeClient,
    cluster: core.Cluster,
    submission: Submission,
    answer: (uid: number | null) => void,
  ): void {
    const life = this.#life;
    const { core: state, engine } = life;
    const { id } = cluster;
    const { hash, pinnedTo } = submission;
    // Meanwhile its cluster or node may have gone.
    if (core.refusesJob(state, cluster, pinnedTo) !== null) return answer(null);
    const uid = state.newId();
    const job = this.event(
      () => `job ${uid} of cluster ${id} for ${pinnedTo ?? "any node"}`,
      (state, nowMs) => core.onJobOffered(state, cluster, { uid, ...submission }, nowMs),
    );
    const withdraw = () => {
      if (state.offered.get(uid) !== job) return;
      const line = () => `client ${client.name} has not confirmed job ${uid}`;
      life.event(line, (state) => core.onJobWithdrawn(state, job));
      this.ledger.withdraw(uid);
    };
    // Where the connection breaks, the client may have heard the uid; where it was closed, not.
    const giveUp = () => this.env.prng.chance(0.5) ? this.confirmJob(client, uid) : withdraw();
    life.afterCommit(() => {
      if (engine.problem !== null) {
        life.after(0, withdraw);
        return answer(null);
      }
      if (!this.ledger.offer(uid, hash, cluster, client)) {
        throw new Broken([`the uid ${uid} was given out twice`]);
      }
      answer(uid);
      life.after(TIMEOUT_MS, giveUp);
    });
  }

  /** The client has heard its job's uid, or may have. */
  confirmJob(client: FakeClient, uid: number): void {
    const job = this.core.offered.get(uid);
    if (job === undefined) return;
    if (job.cluster.wantsResults) this.ledger.entries.get(uid)!.isAccepted = true;
    else this.ledger.withdraw(uid);
    this.event(
      () => `client ${client.name} confirms job ${uid}`,
      (state, nowMs) => core.onJobSubmitted(state, job, nowMs),
    );
  }

  // What its operator wants.

  shutDown(): void {
    if (!this.isUp) return;
    this.resume();
    this.isShutDown = true;
    this.event(() => "shutdown", (state, nowMs) => core.onShutdown(state, nowMs));
  }

  /** Limits the CPUs of a node that are used, or takes the limit back. */
  limitNode(ipAddr: string, cpus: number | null): void {
    if (!this.runs) return;
    this.event(
      () => `the operator limits ${ipAddr} to ${cpus ?? "all"} CPUs`,
      (state) => core.onNodeLimited(state, ipAddr, cpus),
    );
  }

  /** Ends some cluster. */
  cancelCluster(): void {
    const { prng } = this.env;
    const clusters = [...this.core.clusters.values()];
    if (!this.runs || clusters.length === 0) return;
    const cluster = prng.pick(clusters);
    // Nobody else would end them.
    const hasEndless = this.ownerOf(cluster).plan.endlessRate > 0;
    const terminates = hasEndless || prng.chance(0.5);
    this.event(
      () => `the operator ends cluster ${cluster.id}${terminates ? " at once" : ""}`,
      (state, nowMs) => core.onClusterCancelled(state, cluster, terminates, nowMs),
    );
  }

  /** Has the core see something, checks that all is well, and has effects carried out. */
  event<T>(line: () => string, happen: (core: core.Core, nowMs: number) => T): T {
    this.#ambush?.();
    return this.#life.event(line, happen);
  }

  #nodeOf(ipAddr: string, sign: string): core.Node | null {
    const node = this.core.nodes.get(ipAddr);
    return node?.info.sign === sign ? node : null;
  }
}
