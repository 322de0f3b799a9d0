/**
 * A node that behaves as `dispynode.py` does, its quirks included.
 *
 * @module
 */

import type { JobReplyNews, JobRequest, NodeInfo, Share } from "../../src/core/mod.ts";
import type { Env, JobScript, ReplyScript } from "./env.ts";
import { Peer } from "./network.ts";

/** What a node says to the scheduler. */
export interface NodeSide {
  onFound(info: NodeInfo): void;
  onPulse(ipAddr: string): void;
  onReply(news: JobReplyNews): void;
  onCpusChanged(ipAddr: string, sign: string, cpus: number): void;
  onTerminated(ipAddr: string, sign: string): void;
}

/** A computation that the node holds. */
interface Computation {
  /** The share that it was sent for: stands for its `auth`. */
  readonly share: Share;
  isClosing: boolean;
}

/** A job's process. */
interface Run {
  readonly uid: number;
  readonly hash: string;
  readonly clusterId: number;
  readonly startTimeS: number;
  /** Before this it cannot be terminated: its process id is not known yet. */
  readonly startsUpUntilMs: number;
  isOver: boolean;
}

/** What a node answers to a job. */
export type JobAnswer = "ACK" | "busy" | "dropped" | "rejected" | "closed";
/** What a node answers to a computation: its CPUs, or why not. */
export type SetupAnswer = number | "refused" | "setup_failed" | "closed";

export const PULSE_INTERVAL_MS = 2_000;
const STATUS_PROVISIONAL = 7;
const STATUS_TERMINATED = 9;
const STATUS_FINISHED = 11;

export class FakeNode {
  readonly peer: Peer;
  readonly runs = new Set<Run>();
  readonly computations = new Map<number, Computation>();
  /** How often each job was started here, by uid. */
  readonly starts = new Map<number, number>();
  cpus: number;
  /** It will never be started again. */
  isGone = false;
  #generation = 1;
  /** Results that the scheduler did not acknowledge. */
  #unsent: JobReplyNews[] = [];
  /** Who waits for a computation's last job. */
  #waitsForEnd: Array<() => void> = [];

  constructor(
    readonly env: Env,
    readonly scheduler: NodeSide,
    readonly ipAddr: string,
    readonly fullCpus: number,
  ) {
    this.peer = new Peer(ipAddr);
    this.cpus = fullCpus;
    this.#pulse();
  }

  get sign(): string {
    return `${this.ipAddr}#${this.#generation}`;
  }

  get info(): NodeInfo {
    return {
      ipAddr: this.ipAddr,
      port: 9701,
      sign: this.sign,
      name: `node-${this.ipAddr}`,
      cpus: this.cpus,
      platform: "Simulated",
      version: "4.15.2",
      schedulerIpAddr: "10.0.0.1",
      schedulerPort: 9700,
      availInfo: null,
    };
  }

  /** `COMPUTE:`, `FILEXFER:`, `SETUP:`. */
  setUp(sign: string, share: Share, answer: (answer: SetupAnswer) => void): void {
    const { prng, faults, clock } = this.env;
    if (sign !== this.sign) return answer("closed");
    if (this.cpus === 0 || prng.chance(faults.setupRefused)) return answer("refused");
    this.computations.set(share.cluster.id, { share, isClosing: false });
    const isFailed = prng.chance(faults.setupFailed);
    clock.after(prng.chance(0.2) ? prng.int(0, 4_000) : prng.int(0, 50), () => {
      // Of a node that was restarted meanwhile, nobody hears.
      if (sign !== this.sign || !this.peer.isUp) return;
      if (isFailed) this.computations.delete(share.cluster.id);
      answer(isFailed ? "setup_failed" : this.cpus > 0 ? this.cpus : "refused");
    });
  }

  /** `JOB:`. */
  run(sign: string, request: JobRequest, clusterId: number, answer: (a: JobAnswer) => void): void {
    const { prng, faults, clock } = this.env;
    if (sign !== this.sign) return answer("closed");
    if (!this.computations.has(clusterId)) return answer("dropped");
    if (this.runs.size >= this.cpus || prng.chance(faults.jobBusy)) return answer("busy");
    if (prng.chance(faults.jobRejected)) return answer("rejected");
    const { uid, hash } = request;
    const { durationMs, isProvisional } = request.payload as JobScript;
    const run: Run = {
      uid,
      hash,
      clusterId,
      startTimeS: clock.nowMs / 1000,
      startsUpUntilMs: clock.nowMs + prng.int(0, 1_500),
      isOver: false,
    };
    this.runs.add(run);
    this.starts.set(uid, (this.starts.get(uid) ?? 0) + 1);
    if (isProvisional) {
      clock.after(Math.min(durationMs / 2, 1_000), () => {
        if (!run.isOver) this.#send(this.#news(run, STATUS_PROVISIONAL));
      });
    }
    if (durationMs < Infinity) clock.after(durationMs, () => this.#end(run, STATUS_FINISHED));
    answer("ACK");
  }

  /** `TERMINATE_JOB:`. Ignored, as dispynode does, while the job's process starts up. */
  terminate(sign: string, uid: number): void {
    if (sign !== this.sign) return;
    for (const run of this.runs) if (run.uid === uid) this.#kill(run);
  }

  /** `CLOSE:`. Acknowledged once the computation's jobs are over. */
  close(sign: string, share: Share, terminatePending: boolean, answer: () => void): void {
    const { id } = share.cluster;
    const computation = this.computations.get(id);
    if (sign !== this.sign || computation?.share !== share) return answer();
    computation.isClosing = true;
    if (terminatePending) {
      for (const run of this.runs) if (run.clusterId === id) this.#kill(run);
    }
    const finishIfIdle = () => {
      for (const run of this.runs) {
        if (run.clusterId === id) return void this.#waitsForEnd.push(finishIfIdle);
      }
      if (this.computations.get(id) === computation) this.computations.delete(id);
      answer();
    };
    finishIfIdle();
  }

  /** The process dies, and all that it knows with it. */
  crash(): void {
    for (const run of this.runs) run.isOver = true;
    this.runs.clear();
    this.computations.clear();
    this.#unsent = [];
    this.#waitsForEnd = [];
    this.#generation++;
    this.peer.stop();
  }

  /** It says goodbye first. */
  leave(): void {
    const { ipAddr, sign } = this;
    this.env.network.postMaybeTwice(
      this.peer,
      () => this.scheduler.onTerminated(ipAddr, sign),
    );
    this.crash();
  }

  /** It is started anew, and introduces itself. */
  restart(): void {
    if (this.peer.isUp || this.isGone) return;
    this.peer.isUp = true;
    this.cpus = this.fullCpus;
    this.announce();
  }

  /** `PONG:`. */
  announce(): void {
    const { info } = this;
    this.env.network.postMaybeTwice(this.peer, () => this.scheduler.onFound(info));
  }

  /** It drops computations without jobs, as it does after its `zombie_interval`. */
  dropIdle(): void {
    const busy = new Set([...this.runs].map(({ clusterId }) => clusterId));
    for (const id of [...this.computations.keys()]) {
      if (!busy.has(id)) this.computations.delete(id);
    }
  }

  /** Its user sets how many CPUs it offers. */
  setCpus(cpus: number): void {
    this.cpus = cpus;
    const { ipAddr, sign } = this;
    this.env.network.postMaybeTwice(
      this.peer,
      () => this.scheduler.onCpusChanged(ipAddr, sign, cpus),
    );
  }

  #kill(run: Run): void {
    const { clock, prng } = this.env;
    if (clock.nowMs < run.startsUpUntilMs) return;
    clock.after(prng.int(1, 200), () => this.#end(run, STATUS_TERMINATED));
  }

  #end(run: Run, status: number): void {
    if (run.isOver) return;
    if (this.peer.isPaused) {
      this.peer.backlog.push(() => this.#end(run, status));
      return;
    }
    run.isOver = true;
    this.runs.delete(run);
    // The job no longer counts before its reply is sent: the close may overtake it.
    this.#send(this.#news(run, status));
    for (const check of this.#waitsForEnd.splice(0)) check();
  }

  #news(run: Run, status: number): JobReplyNews {
    const payload: ReplyScript = { uid: run.uid, nodeIpAddr: this.ipAddr };
    return {
      uid: run.uid,
      hash: run.hash,
      nodeIpAddr: this.ipAddr,
      status,
      provisional: status === STATUS_PROVISIONAL,
      startTimeS: run.startTimeS,
      endTimeS: this.env.clock.nowMs / 1000,
      payload,
    };
  }

  #send(news: JobReplyNews): void {
    const { sign } = this;
    this.env.network.postMaybeTwice(
      this.peer,
      () => this.scheduler.onReply(news),
      (isAnswered) => {
        if (!isAnswered && sign === this.sign) this.#unsent.push(news);
      },
    );
  }

  #pulse(): void {
    this.env.clock.after(PULSE_INTERVAL_MS, () => {
      if (this.peer.isUp && !this.peer.isPaused) {
        this.env.network.postMaybeTwice(this.peer, () => this.scheduler.onPulse(this.ipAddr));
        for (const news of this.#unsent.splice(0)) this.#send(news);
      }
      this.#pulse();
    });
  }
}
