/**
 * Stands where the real server stands: tells the core what happens, looks after each event
 * whether all is well, and carries out the effects over the simulated network.
 *
 * @module
 */

import { checkEffects, checkInvariants } from "../../src/core/invariants.ts";
import * as core from "../../src/core/mod.ts";
import type { Env } from "./env.ts";
import type { FakeClient } from "./fake_client.ts";
import type { FakeNode, JobAnswer, NodeSide, SetupAnswer } from "./fake_node.ts";
import { Ledger } from "./ledger.ts";
import { Broken } from "./story.ts";

const TRIES = 3;
const TRY_AGAIN_MS = 1_000;
const CLOSE_AGAIN_MS = 10_000;
const TICK_MS = 500;

export class FakeServer implements NodeSide {
  readonly core: core.Core;
  readonly ledger = new Ledger();
  readonly nodes = new Map<string, FakeNode>();
  readonly #owners = new Map<number, FakeClient>();

  constructor(readonly env: Env, options: core.CoreOptions) {
    this.core = new core.Core(options);
    this.#tick();
  }

  // What nodes say.

  onFound(info: core.NodeInfo): void {
    this.event(
      () => `node ${info.ipAddr} introduces itself: ${info.sign}, ${info.cpus} CPUs`,
      (nowMs) => core.onNodeFound(this.core, info, nowMs),
    );
  }

  onPulse(ipAddr: string): void {
    const isKnown = this.event(
      () => `node ${ipAddr} pulses`,
      (nowMs) => core.onNodePulse(this.core, ipAddr, { cpu: 1 }, nowMs),
    );
    if (!isKnown) this.ping(this.nodes.get(ipAddr)!);
  }

  onReply(news: core.JobReplyNews): void {
    this.event(
      () => `node ${news.nodeIpAddr} replies to job ${news.uid}: ${news.status}`,
      (nowMs) => core.onJobReply(this.core, news, nowMs),
    );
  }

  onCpusChanged(ipAddr: string, sign: string, cpus: number): void {
    const node = this.#nodeOf(ipAddr, sign);
    if (node === null) return;
    this.event(
      () => `node ${ipAddr} offers ${cpus} CPUs`,
      () => core.onNodeCpusChanged(this.core, node, cpus),
    );
  }

  onTerminated(ipAddr: string, sign: string): void {
    const node = this.#nodeOf(ipAddr, sign);
    if (node === null) return;
    this.event(
      () => `node ${ipAddr} says goodbye`,
      (nowMs) => core.onNodeTerminated(this.core, node, nowMs),
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
    if (jobs.length === 0) return;
    const job = prng.pick(jobs);
    const others = [...this.nodes.keys()].filter((ipAddr) => ipAddr !== job.share?.node.ipAddr);
    const isWrongHash = others.length === 0 || prng.chance(0.5);
    const isBelieved = this.event(
      () => `a made-up reply to job ${job.uid}`,
      (nowMs) =>
        core.onJobReply(this.core, {
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

  receive(client: FakeClient, options: core.ClusterOptions): core.Cluster {
    const cluster = this.event(
      () => `client ${client.name} sends a computation`,
      (nowMs) => core.onClusterReceived(this.core, client.name, options, nowMs),
    );
    this.#owners.set(cluster.id, client);
    return cluster;
  }

  /** The client that sent `cluster`. */
  ownerOf(cluster: core.Cluster): FakeClient {
    return this.#owners.get(cluster.id)!;
  }

  /** A client's uid for a new job, or `null` where it is not taken. */
  offerJob(cluster: core.Cluster, pinnedTo: string | null): number | null {
    return core.refusesJob(this.core, cluster, pinnedTo) === null ? this.core.newId() : null;
  }

  submit(client: FakeClient, cluster: core.Cluster, request: core.JobRequest): void {
    if (!this.core.clusters.has(cluster.id)) return;
    if (cluster.wantsResults) this.ledger.accept(request, cluster, client);
    this.event(
      () => `job ${request.uid} of cluster ${cluster.id} for ${request.pinnedTo ?? "any node"}`,
      (nowMs) => {
        const job = core.onJobOffered(this.core, cluster, request, nowMs);
        core.onJobSubmitted(this.core, job, nowMs);
      },
    );
  }

  shutDown(): void {
    this.event(() => "shutdown", (nowMs) => core.onShutdown(this.core, nowMs));
  }

  /** Has the core see something, checks that all is well, and carries out what comes of it. */
  event<T>(line: () => string, happen: (nowMs: number) => T): T {
    const { clock, story } = this.env;
    let result: T;
    try {
      result = happen(clock.nowMs);
    } catch (error) {
      story.tell(clock.nowMs, line);
      throw new Broken([`the core threw ${error instanceof Error ? error.stack : error}`]);
    }
    const effects = this.core.takeEffects();
    // Of pulses and ticks that change nothing there are too many, and of what follows from them.
    const news = effects.filter((e) => e.kind !== "tellNodeStatus" || e.status !== "stats");
    if (news.length > 0 || !/tick|pulses/.test(line())) story.tell(clock.nowMs, line);
    const problems = [...checkInvariants(this.core), ...checkEffects(effects)];
    for (const effect of effects) {
      this.ledger.note(effect, problems);
    }
    for (const effect of news) story.tell(clock.nowMs, () => `    → ${describe(effect)}`);
    if (problems.length > 0) throw new Broken(problems);
    for (const effect of effects) this.#carryOut(effect);
    return result;
  }

  #carryOut(effect: core.Effect): void {
    const { network } = this.env;
    switch (effect.kind) {
      case "setUpShare":
        return this.#setUp(effect.share);
      case "runJob":
        return this.#run(effect.job, effect.share);
      case "terminateJob": {
        const { job, node } = effect;
        const peer = this.nodes.get(node.ipAddr)!;
        return network.request<void>(
          peer.peer,
          (answer) => answer(peer.terminate(node.info.sign, job.uid)),
          () => {},
        );
      }
      case "probeNode": {
        const { node } = effect;
        const peer = this.nodes.get(node.ipAddr)!;
        return network.request<boolean>(
          peer.peer,
          (answer) => answer(peer.sign === node.info.sign),
          (isThere) => {
            const answer = isThere === null ? "silent" : isThere ? "alive" : "refused";
            this.event(
              () => `node ${node.ipAddr} was asked: ${answer}`,
              (nowMs) => core.onNodeProbed(this.core, node, answer, nowMs),
            );
          },
        );
      }
      case "closeShare":
        return this.#close(effect.share, effect.terminatePending, TRIES);
      case "announceCluster":
        return this.#announce(effect.cluster, TRIES);
      case "deliver":
        return this.#deliver(effect.delivery);
      case "discoverNodes":
        for (const node of this.nodes.values()) this.ping(node);
        return;
      case "forgetNode":
        // It may live and not know.
        for (const share of effect.shares) this.#abandon(share);
        return;
      default:
        // News for clients, and what may be forgotten: nothing here depends on it.
    }
  }

  #setUp(share: core.Share): void {
    const { ipAddr, info: { sign } } = share.node;
    const node = this.nodes.get(ipAddr)!;
    this.env.network.request<SetupAnswer>(
      node.peer,
      (answer) => node.setUp(sign, share, answer),
      (answer) => {
        const failure = answer === null || answer === "closed" ? "unreachable" : answer;
        this.event(
          () => `cluster ${share.cluster.id} on ${ipAddr}: ${failure}`,
          (nowMs) =>
            typeof failure === "number"
              ? core.onShareReady(this.core, share, failure, nowMs)
              : core.onShareFailed(this.core, share, failure, failure, nowMs),
        );
      },
      { hasTimeLimit: false },
    );
  }

  #run(job: core.Job, share: core.Share): void {
    const { ipAddr, info: { sign } } = share.node;
    const node = this.nodes.get(ipAddr)!;
    this.env.network.request<JobAnswer>(
      node.peer,
      (answer) => node.run(sign, job, share.cluster.id, answer),
      (answer, failure) =>
        this.event(
          () => `job ${job.uid} on ${ipAddr}: ${answer ?? failure}`,
          (nowMs) => {
            if (answer === "ACK") return core.onJobStarted(this.core, job, share, nowMs);
            this.ledger.refusals++;
            if (answer === "busy") this.#endUnknownJobs(node, sign);
            // A node with another sign closes the connection.
            const kind = answer === "closed" ? "unreachable" : answer ?? failure!;
            core.onJobRefused(this.core, job, share, { kind, reason: `says ${kind}` }, nowMs);
          },
        ),
    );
  }

  /**
   * Ends what runs on a node without the core's knowledge: jobs whose acknowledgement was lost,
   * which the core has given up.
   */
  #endUnknownJobs(node: FakeNode, sign: string): void {
    this.env.network.request<number[]>(
      node.peer,
      (answer) => answer([...node.runs].map(({ uid }) => uid)),
      (uids) => {
        for (const uid of uids ?? []) {
          if (this.core.jobs.get(uid)?.share?.node.ipAddr !== node.ipAddr) {
            node.terminate(sign, uid);
          }
        }
      },
    );
  }

  #close(share: core.Share, terminatePending: boolean, tries: number): void {
    const { ipAddr, info: { sign } } = share.node;
    const node = this.nodes.get(ipAddr)!;
    const { clock, network } = this.env;
    let isOver = false;
    network.request<true>(
      node.peer,
      (answer) => node.close(sign, share, terminatePending, () => answer(true)),
      (answer) => {
        isOver = true;
        if (answer === null && tries > 1) {
          clock.after(TRY_AGAIN_MS, () => this.#close(share, terminatePending, tries - 1));
          return;
        }
        this.event(
          () => `cluster ${share.cluster.id} closed on ${ipAddr}${answer ? "" : " (no answer)"}`,
          (nowMs) => core.onShareClosed(this.core, share, nowMs),
        );
      },
      { hasTimeLimit: false },
    );
    // A job that was just starting up is not terminated: the node has to be told again, even of
    // jobs that the core does not know to run there.
    const remind = () => {
      if (isOver) return;
      this.#abandon(share);
      clock.after(CLOSE_AGAIN_MS, remind);
    };
    if (terminatePending) clock.after(CLOSE_AGAIN_MS, remind);
  }

  /** Tells a node to close a computation and end its jobs, if it can hear; awaits no answer. */
  #abandon(share: core.Share): void {
    const { ipAddr, info: { sign } } = share.node;
    const node = this.nodes.get(ipAddr)!;
    this.env.network.request<void>(
      node.peer,
      (answer) => node.close(sign, share, true, answer),
      () => {},
      { hasTimeLimit: false },
    );
  }

  #announce(cluster: core.Cluster, tries: number): void {
    const client = this.ownerOf(cluster);
    this.env.network.request<boolean>(
      client.peer,
      (answer) => answer(client.onScheduled(cluster)),
      (answer) => {
        if (answer === null && tries > 1) {
          this.env.clock.after(TRY_AGAIN_MS, () => this.#announce(cluster, tries - 1));
          return;
        }
        this.event(
          () => `cluster ${cluster.id} ${answer ? "announced" : "lost"}`,
          (nowMs) =>
            answer
              ? core.onClusterAnnounced(this.core, cluster, nowMs)
              : core.onClusterLost(this.core, cluster, nowMs),
        );
      },
    );
  }

  #deliver(delivery: core.Delivery): void {
    const client = this.ownerOf(delivery.cluster);
    this.env.network.request<"ACK" | "NAK">(
      client.peer,
      (answer) => answer(client.onResult(delivery)),
      (answer) =>
        this.event(
          () => `result of job ${delivery.uid}: ${answer ?? "not taken"}`,
          (nowMs) => {
            if (answer === "ACK") {
              this.ledger.acknowledge(delivery);
              core.onDelivered(this.core, delivery, nowMs);
            } else if (answer === "NAK") {
              const isGivenUp = core.onDeliveryRefused(this.core, delivery, nowMs);
              if (isGivenUp) this.ledger.giveUp(delivery.uid);
            } else {
              core.onDeliveryFailed(delivery, nowMs);
            }
          },
        ),
    );
  }

  #nodeOf(ipAddr: string, sign: string): core.Node | null {
    const node = this.core.nodes.get(ipAddr);
    return node?.info.sign === sign ? node : null;
  }

  #tick(): void {
    this.env.clock.after(TICK_MS, () => {
      this.event(() => "tick", (nowMs) => core.onTick(this.core, nowMs));
      this.#tick();
    });
  }
}

function describe(effect: core.Effect): string {
  switch (effect.kind) {
    case "setUpShare":
    case "tellNodeStatus":
    case "closeShare": {
      const { share } = effect;
      const how = effect.kind === "tellNodeStatus" ? ` ${effect.status}` : "";
      return `${effect.kind}${how}: cluster ${share.cluster.id} on ${share.node.ipAddr}`;
    }
    case "runJob":
      return `runJob ${effect.job.uid} on ${effect.share.node.ipAddr}`;
    case "terminateJob":
    case "tellJobRunning":
      return `${effect.kind} ${effect.job.uid} on ${effect.node.ipAddr}`;
    case "forgetJob":
      return `forgetJob ${effect.job.uid}`;
    case "deliver": {
      const { uid, status, reason, attempts } = effect.delivery;
      return `deliver job ${uid}: ${status}${reason ? ` (${reason})` : ""}, attempt ${attempts}`;
    }
    case "forgetResult":
      return `forgetResult of job ${effect.delivery.uid}`;
    case "probeNode":
    case "inventoryNode":
      return `${effect.kind} ${effect.node.ipAddr}`;
    case "greetNode":
      return `greetNode ${effect.ipAddr}`;
    case "forgetNode":
      return `forgetNode ${effect.node.ipAddr}: ${effect.reason}`;
    default:
      return `${effect.kind} ${effect.cluster.id}`;
  }
}
