/**
 * Carries out what the core wants, over the simulated network, as the real server does.
 *
 * @module
 */

import * as core from "../../src/core/mod.ts";
import type { Env, ReplyScript } from "./env.ts";
import type { FakeServer } from "./fake_server.ts";
import type { FakeNode, JobAnswer, SetupAnswer } from "./fake_node.ts";
import type { Life } from "./life.ts";
import { KeptReply } from "./payloads.ts";

const TRIES = 3;
const TRY_AGAIN_MS = 1_000;
const CLOSE_AGAIN_MS = 10_000;
/** How long a result may take from a node that was just asked about the job. */
const RESULT_WAIT_MS = 1_000;

/** Carries out the effects of one life of the scheduler. */
export class EffectRunner {
  constructor(
    private readonly env: Env,
    private readonly server: FakeServer,
    private readonly life: Life,
  ) {}

  /** Starts to carry out `effect`; what comes of it is told to the core. */
  run(effect: core.Effect): void {
    switch (effect.kind) {
      case "setUpShare":
        return this.#setUp(effect.share);
      case "runJob":
        return this.#run(effect.job, effect.share);
      case "terminateJob":
        return this.#terminate(effect.node, effect.job.uid);
      case "probeNode":
        return this.#probe(effect.node);
      case "checkUpNode":
        return this.#checkUp(effect.node);
      case "inventoryNode":
        return this.#inventory(effect.node);
      case "greetNode":
        return this.server.ping(this.server.nodes.get(effect.ipAddr)!);
      case "closeShare":
        return this.#close(effect.share, effect.terminatePending, TRIES);
      case "announceCluster":
        return this.#announce(effect.cluster, TRIES);
      case "deliver":
        return this.#deliver(effect.delivery);
      case "discoverNodes":
        for (const node of this.server.nodes.values()) this.server.ping(node);
        return;
      case "passOverNode":
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
    const node = this.#nodeAt(ipAddr);
    this.env.network.request<SetupAnswer>(
      node.peer,
      (answer) => node.setUp(sign, share.cluster.id, answer),
      (answer) => {
        if (answer === "present") {
          // It has it from before it was lost to us.
          return this.#tellClose(share, true, () => this.#setUp(share));
        }
        const failure = answer === null || answer === "closed" ? "unreachable" : answer;
        this.life.event(
          () => `cluster ${share.cluster.id} on ${ipAddr}: ${failure}`,
          (state, nowMs) =>
            typeof failure === "number"
              ? core.onShareReady(state, share, failure, nowMs)
              : core.onShareFailed(state, share, failure, failure, nowMs),
        );
      },
      { hasTimeLimit: false },
    );
  }

  #run(job: core.Job, share: core.Share): void {
    const { ipAddr, info: { sign } } = share.node;
    const node = this.#nodeAt(ipAddr);
    this.env.network.request<JobAnswer>(
      node.peer,
      (answer) => node.run(sign, asSent(job), share.cluster.id, answer),
      (answer, failure) => {
        if (answer === "ACK") return this.#started(job, share);
        this.server.ledger.refusals++;
        if (answer === "busy") this.#endUnknownJobs(node, sign);
        if (failure === "lost") return this.#askAfter(job, share);
        // A node with another sign closes the connection.
        const kind = answer === null || answer === "closed" ? "unreachable" : answer;
        this.#refused(job, share, { kind, reason: `says ${kind}` });
      },
    );
  }

  #started(job: core.Job, share: core.Share): void {
    this.life.event(
      () => `job ${job.uid} on ${share.node.ipAddr}: ACK`,
      (state, nowMs) => core.onJobStarted(state, job, share, nowMs),
    );
  }

  #refused(job: core.Job, share: core.Share, refusal: core.JobRefusal): void {
    this.life.event(
      () => `job ${job.uid} on ${share.node.ipAddr}: ${refusal.kind}`,
      (state, nowMs) => core.onJobRefused(state, job, share, refusal, nowMs),
    );
  }

  /** A job was sent and nothing came back: only the node can tell whether it runs. */
  #askAfter(job: core.Job, share: core.Share): void {
    const { ipAddr, info: { sign } } = share.node;
    this.#jobsAt(share, (uids) => {
      if (uids === null) return this.#refused(job, share, { kind: "lost" });
      if (uids.includes(job.uid)) return this.#started(job, share);
      // It may have ended in the meantime: then its result is about to come, or is kept there.
      this.life.after(RESULT_WAIT_MS, () => {
        this.#fetchResult(ipAddr, sign, job, (isAnswered) => {
          this.#refused(job, share, { kind: isAnswered ? "vanished" : "lost" });
        });
      });
    });
  }

  /** Calls `done` with the jobs of a computation that run at a node, or with `null`. */
  #jobsAt(
    share: core.Share,
    done: (uids: readonly number[] | null, failure: "refused" | "silent") => void,
  ): void {
    this.#jobsOf(share.node, share.cluster.id, done);
  }

  #jobsOf(
    { ipAddr, info: { sign } }: core.Node,
    clusterId: number,
    done: (uids: readonly number[] | null, failure: "refused" | "silent") => void,
  ): void {
    const node = this.#nodeAt(ipAddr);
    this.env.network.request<readonly number[] | null>(
      node.peer,
      (answer) => answer(node.jobsOf(sign, clusterId)),
      // A node with another sign closes the connection.
      (uids, failure) =>
        done(uids, failure === null || failure === "refused" ? "refused" : "silent"),
    );
  }

  /** `RETRIEVE_JOB:`, for a result that the node keeps and may never send by itself. */
  #fetchResult(
    ipAddr: string,
    sign: string,
    job: core.Job,
    done: (isAnswered: boolean) => void,
  ): void {
    const node = this.#nodeAt(ipAddr);
    this.env.network.request<core.JobReplyNews | null>(
      node.peer,
      (answer) => answer(node.keptResult(sign, job.uid, job.runHash)),
      (news, failure) => {
        if (news === null) return done(failure === null);
        this.server.onReply(news, () => node.forgetResult(sign, job.uid));
        this.life.afterCommit(() => done(true));
      },
    );
  }

  #terminate({ ipAddr, info: { sign } }: core.Node, uid: number): void {
    const node = this.#nodeAt(ipAddr);
    this.env.network.request<void>(
      node.peer,
      (answer) => answer(node.terminate(sign, uid)),
      () => {},
    );
  }

  #probe(node: core.Node): void {
    const probed = (answer: core.ProbeAnswer) =>
      this.life.event(
        () => `node ${node.ipAddr} was asked: ${answer}`,
        (state, nowMs) => core.onNodeProbed(state, node, answer, nowMs),
      );
    const [share] = node.shares.values();
    this.#jobsOf(
      node,
      share?.cluster.id ?? 0,
      (uids, failure) => probed(uids === null ? failure : "alive"),
    );
  }

  #checkUp(node: core.Node): void {
    const { ipAddr, info: { sign } } = node;
    const fake = this.#nodeAt(ipAddr);
    this.env.network.request<core.CheckUpAnswer | null>(
      fake.peer,
      (answer) => answer(fake.checkUp(sign)),
      (answer) =>
        this.life.event(
          () => `node ${ipAddr} was looked at: ${answer ?? "no answer"}`,
          // What cannot be told changes nothing.
          (state, nowMs) => core.onNodeCheckedUp(state, node, answer ?? "well", nowMs),
        ),
    );
  }

  /** Asks a node which of our jobs it runs, and to send again the results that it holds. */
  #inventory(node: core.Node): void {
    const running = new Set<number>();
    const shares = [...node.shares.values()];
    const over = (answer: core.InventoryAnswer) =>
      this.life.event(
        () => `inventory of ${node.ipAddr}: ${answer.kind}, ${[...running].join(" ") || "no jobs"}`,
        (state, nowMs) => core.onNodeInventoried(state, node, answer, nowMs),
      );
    const nextShare = () => {
      const share = shares.shift();
      if (share === undefined) return nextResult([...node.jobs].filter(isMissing));
      this.#jobsAt(share, (uids, failure) => {
        if (uids === null) return over({ kind: failure });
        for (const uid of uids) running.add(uid);
        this.#resend(share, nextShare, () => over({ kind: "silent" }));
      });
    };
    const isMissing = (job: core.Job) => job.isUnaccounted && !running.has(job.uid);
    const nextResult = (jobs: core.Job[]) => {
      const job = jobs.shift();
      if (job === undefined) return over({ kind: "alive", running });
      this.#fetchResult(node.ipAddr, node.info.sign, job, (isAnswered) => {
        if (isAnswered) nextResult(jobs);
        else over({ kind: "silent" });
      });
    };
    // Without a share nothing is asked.
    this.life.after(0, nextShare);
  }

  #resend(share: core.Share, done: () => void, failed: () => void): void {
    const { ipAddr, info: { sign } } = share.node;
    const node = this.#nodeAt(ipAddr);
    this.env.network.request<number>(
      node.peer,
      (answer) => answer(node.resend(sign, share.cluster.id)),
      (count) => count === null ? failed() : done(),
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
          if (this.life.core.jobs.get(uid)?.share?.node.ipAddr !== node.ipAddr) {
            node.terminate(sign, uid);
          }
        }
      },
    );
  }

  #close(share: core.Share, terminatePending: boolean, tries: number): void {
    this.#tellClose(share, terminatePending, (isClosed) => {
      if (!isClosed && tries > 1) {
        this.life.after(TRY_AGAIN_MS, () => this.#close(share, terminatePending, tries - 1));
        return;
      }
      const { cluster, node } = share;
      this.life.event(
        () => `cluster ${cluster.id} closed on ${node.ipAddr}${isClosed ? "" : " (no answer)"}`,
        (state, nowMs) => core.onShareClosed(state, share, nowMs),
      );
    });
  }

  /** Has a node close a computation, however long its jobs take; tells whether it has answered. */
  #tellClose(
    share: core.Share,
    terminatePending: boolean,
    done: (isClosed: boolean) => void,
  ): void {
    const { ipAddr, info: { sign } } = share.node;
    const node = this.#nodeAt(ipAddr);
    let isOver = false;
    this.env.network.request<true>(
      node.peer,
      (answer) => node.close(sign, share.cluster.id, terminatePending, () => answer(true)),
      (answer) => {
        isOver = true;
        done(answer !== null);
      },
      { hasTimeLimit: false },
    );
    // A job that was just starting up is not terminated: the node has to be told again, even of
    // jobs that the core does not know to run there.
    const remind = () => {
      if (isOver) return;
      this.#abandon(share);
      this.life.after(CLOSE_AGAIN_MS, remind);
    };
    if (terminatePending) this.life.after(CLOSE_AGAIN_MS, remind);
  }

  /** Tells a node to close a computation and end its jobs, if it can hear; awaits no answer. */
  #abandon(share: core.Share): void {
    const { ipAddr, info: { sign } } = share.node;
    const node = this.#nodeAt(ipAddr);
    this.env.network.request<void>(
      node.peer,
      (answer) => node.close(sign, share.cluster.id, true, answer),
      () => {},
      { hasTimeLimit: false },
    );
  }

  #announce(cluster: core.Cluster, tries: number): void {
    const client = this.server.ownerOf(cluster);
    this.env.network.request<boolean>(
      client.peer,
      (answer) => answer(client.onScheduled(cluster.id)),
      (answer) => {
        if (answer === null && tries > 1) {
          this.life.after(TRY_AGAIN_MS, () => this.#announce(cluster, tries - 1));
          return;
        }
        this.life.event(
          () => `cluster ${cluster.id} ${answer ? "announced" : "lost"}`,
          (state, nowMs) =>
            answer
              ? core.onClusterAnnounced(state, cluster, nowMs)
              : core.onClusterLost(state, cluster, nowMs),
        );
      },
    );
  }

  #deliver(delivery: core.Delivery): void {
    const client = this.server.ownerOf(delivery.cluster);
    const { ledger } = this.server;
    if (delivery.payload !== null && !(delivery.payload instanceof KeptReply)) {
      delivery.payload = new KeptReply(delivery.payload as ReplyScript);
    }
    this.env.network.request<"ACK" | "NAK">(
      client.peer,
      (answer) => answer(client.onResult(delivery)),
      (answer) =>
        this.life.event(
          () => `result of job ${delivery.uid}: ${answer ?? "not taken"}`,
          (state, nowMs) => {
            if (answer === "ACK") {
              ledger.acknowledge(delivery);
              core.onDelivered(state, delivery, nowMs);
            } else if (answer === "NAK") {
              const isGivenUp = core.onDeliveryRefused(state, delivery, nowMs);
              if (isGivenUp) ledger.giveUp(delivery.uid);
            } else {
              core.onDeliveryFailed(delivery, nowMs);
            }
          },
        ),
    );
  }

  #nodeAt(ipAddr: string): FakeNode {
    return this.server.nodes.get(ipAddr)!;
  }
}

/** A job as its node gets it. */
function asSent({ uid, runHash, pinnedTo, payload }: core.Job): core.JobRequest {
  return { uid, hash: runHash, pinnedTo, payload };
}
