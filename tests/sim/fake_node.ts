/**
 * A node that behaves as `dispynode.py` does, its quirks included.
 *
 * @module
 */

import type { CheckUpAnswer, JobReplyNews, JobRequest, NodeInfo } from "../../src/core/mod.ts";
import type { Env, JobScript, ReplyScript } from "./env.ts";
import { Peer } from "./network.ts";

/** What a node says to the scheduler. */
export interface NodeSide {
  onFound(info: NodeInfo): void;
  onPulse(ipAddr: string): void;
  onReply(news: JobReplyNews, acknowledge: () => void): void;
  onCpusChanged(ipAddr: string, sign: string, cpus: number): void;
  onTerminated(ipAddr: string, sign: string): void;
}

/** A computation that the node holds. */
interface Computation {
  isSetUp: boolean;
  isClosing: boolean;
}

/** Results of a computation that were not acknowledged: files in its folder. */
interface Kept {
  readonly results: Map<number, JobReplyNews>;
  /** How many dispynode believes there are: it counts each that it sends again twice. */
  count: number;
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
export type SetupAnswer = number | "present" | "refused" | "setup_failed" | "closed";

export const PULSE_INTERVAL_MS = 2_000;
const STATUS_PROVISIONAL = 7;
const STATUS_TERMINATED = 9;
const STATUS_FINISHED = 11;

export class FakeNode {
  readonly peer: Peer;
  readonly runs = new Set<Run>();
  readonly computations = new Map<number, Computation>();
  /** Of jobs that have started here. */
  readonly started = new Set<number>();
  cpus: number;
  /** It will never be started again. */
  isGone = false;
  #generation = 1;
  /** By cluster id. */
  readonly #kept = new Map<number, Kept>();
  /** Its thread for results has died: what it would have said of jobs that are over. */
  #unsaid: Array<() => void> | null = null;
  #canBeHealed = true;
  /** Who waits for a computation's last job. */
  #waitsForEnd: Array<() => void> = [];

  constructor(
    readonly env: Env,
    readonly scheduler: NodeSide,
    readonly ipAddr: string,
    readonly fullCpus: number,
    /** Told of each job that starts. */
    readonly onStart: (uid: number) => void,
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
  setUp(sign: string, clusterId: number, answer: (answer: SetupAnswer) => void): void {
    const { prng, faults, clock } = this.env;
    if (sign !== this.sign) return answer("closed");
    if (this.computations.has(clusterId)) return answer("present");
    if (this.cpus === 0 || prng.chance(faults.setupRefused)) return answer("refused");
    const computation = { isSetUp: false, isClosing: false };
    this.computations.set(clusterId, computation);
    const isFailed = prng.chance(faults.setupFailed);
    clock.after(prng.chance(0.2) ? prng.int(0, 4_000) : prng.int(0, 50), () => {
      // Of a node that was restarted meanwhile, nobody hears.
      if (sign !== this.sign || !this.peer.isUp) return;
      computation.isSetUp = true;
      if (isFailed) this.computations.delete(clusterId);
      answer(isFailed ? "setup_failed" : this.cpus > 0 ? this.cpus : "refused");
    });
  }

  /** `JOB:`. */
  run(sign: string, request: JobRequest, clusterId: number, answer: (a: JobAnswer) => void): void {
    const { prng, faults, clock } = this.env;
    if (sign !== this.sign) return answer("closed");
    const computation = this.computations.get(clusterId);
    if (computation === undefined) return answer("dropped");
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
    this.started.add(uid);
    this.onStart(uid);
    if (isProvisional) {
      clock.after(Math.min(durationMs / 2, 1_000), () => {
        if (!run.isOver) this.#send(run.clusterId, this.#news(run, STATUS_PROVISIONAL));
      });
    }
    const status = prng.chance(faults.jobFails) ? STATUS_TERMINATED : STATUS_FINISHED;
    if (prng.chance(faults.jobForgotten)) {
      clock.after(prng.int(0, 5_000), () => this.#forget(run));
    }
    // It has no process in which the job could run.
    if (!computation.isSetUp) clock.after(1, () => this.#end(run, STATUS_TERMINATED));
    if (durationMs < Infinity) clock.after(durationMs, () => this.#end(run, status));
    answer("ACK");
  }

  /** `TERMINATE_JOB:`. Ignored, as dispynode does, while the job's process starts up. */
  terminate(sign: string, uid: number): void {
    if (sign !== this.sign) return;
    for (const run of this.runs) if (run.uid === uid) this.#kill(run);
  }

  /** `JOBS:`; `null` where it hangs up. */
  jobsOf(sign: string, clusterId: number): number[] | null {
    if (sign !== this.sign) return null;
    return [...this.runs].filter((run) => run.clusterId === clusterId).map(({ uid }) => uid);
  }

  /** A closer look at whether results leave it, which heals it where that can be done. */
  checkUp(sign: string): CheckUpAnswer | null {
    if (sign !== this.sign) return null;
    const unsaid = this.#unsaid;
    if (unsaid === null) return "well";
    if (!this.#canBeHealed) return "mute";
    this.#unsaid = null;
    for (const say of unsaid) say();
    return "healed";
  }

  /** It will answer for no job until it is started again. */
  get isMuteForGood(): boolean {
    return this.#unsaid !== null && !this.#canBeHealed;
  }

  /** `RESEND_JOB_RESULTS:`; returns how many it holds or runs, as far as it knows. */
  resend(sign: string, clusterId: number): number {
    if (sign !== this.sign) return 0;
    const running = this.jobsOf(sign, clusterId)!.length;
    const count = (this.#kept.get(clusterId)?.count ?? 0) + running;
    if (count > 0) this.#resend(clusterId);
    return count;
  }

  /** `RETRIEVE_JOB:`. */
  keptResult(sign: string, uid: number, hash: string): JobReplyNews | null {
    if (sign !== this.sign) return null;
    for (const { results } of this.#kept.values()) {
      const news = results.get(uid);
      if (news?.hash === hash) return news;
    }
    return null;
  }

  /** What {@linkcode keptResult} has answered has come. */
  forgetResult(sign: string, uid: number): void {
    if (sign !== this.sign) return;
    for (const kept of this.#kept.values()) if (kept.results.delete(uid)) kept.count--;
  }

  /** `CLOSE:`. Acknowledged once the computation's jobs are over. */
  close(sign: string, id: number, terminatePending: boolean, answer: () => void): void {
    const computation = this.computations.get(id);
    if (sign !== this.sign || computation === undefined) return answer();
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
    this.#kept.clear();
    this.#waitsForEnd = [];
    this.#unsaid = null;
    this.#generation++;
    this.peer.stop();
  }

  /** It says goodbye first. */
  leave(): void {
    const { ipAddr, sign } = this;
    this.#tellMaybeTwice(() => this.scheduler.onTerminated(ipAddr, sign));
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
    this.#tellMaybeTwice(() => this.scheduler.onFound(info));
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
    this.#tellMaybeTwice(() => this.scheduler.onCpusChanged(ipAddr, sign, cpus));
  }

  #kill(run: Run): void {
    const { clock, prng } = this.env;
    if (clock.nowMs < run.startsUpUntilMs) return;
    clock.after(prng.int(1, 200), () => this.#end(run, STATUS_TERMINATED));
  }

  /** The job's process is gone, and nobody has noticed. */
  #forget(run: Run): void {
    run.isOver = true;
    this.runs.delete(run);
    for (const check of this.#waitsForEnd.splice(0)) check();
  }

  #end(run: Run, status: number): void {
    if (run.isOver) return;
    if (this.peer.isPaused) {
      this.peer.backlog.push(() => this.#end(run, status));
      return;
    }
    run.isOver = true;
    // Of itself it does not know that the job is over.
    if (this.#unsaid !== null) this.#unsaid.push(() => this.#answerFor(run, status));
    else this.#answerFor(run, status);
  }

  #answerFor(run: Run, status: number): void {
    const { prng, faults } = this.env;
    this.runs.delete(run);
    if (this.#unsaid === null && prng.chance(faults.muteness)) {
      this.#unsaid = [];
      this.#canBeHealed = !prng.chance(faults.muteForGood);
    }
    // The job no longer counts before its reply is sent: the close may overtake it.
    this.#send(run.clusterId, this.#news(run, status));
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

  #send(clusterId: number, news: JobReplyNews): void {
    const { network } = this.env;
    const { sign } = this;
    const send = (done: (isTaken: true | null) => void) =>
      network.ask<true>(
        this.peer,
        (answer) => this.scheduler.onReply(news, () => answer(true)),
        done,
      );
    const onAnswer = (isTaken: true | null) => {
      if (sign !== this.sign) return;
      // What jobs were told to end with, and what they said on the way, is not kept.
      if (isTaken === null && news.status === STATUS_FINISHED) this.#keep(clusterId, news);
      if (isTaken !== null && this.#kept.get(clusterId)?.count) this.#resend(clusterId);
    };
    network.maybeTwice(() => send(onAnswer), () => send(() => {}));
  }

  #keep(clusterId: number, news: JobReplyNews): void {
    let kept = this.#kept.get(clusterId);
    if (kept === undefined) this.#kept.set(clusterId, kept = { results: new Map(), count: 0 });
    kept.results.set(news.uid, news);
    kept.count++;
  }

  /** Sends again, one after the other, what is kept of a computation; until one is not taken. */
  #resend(clusterId: number): void {
    const { network } = this.env;
    const { sign } = this;
    const kept = this.#kept.get(clusterId);
    const files = [...kept?.results.values() ?? []];
    const next = () => {
      const news = files.shift();
      if (kept === undefined || news === undefined || sign !== this.sign) return;
      if (!kept.results.has(news.uid)) return next();
      network.ask<true>(
        this.peer,
        (answer) => this.scheduler.onReply(news, () => answer(true)),
        (isTaken) => {
          if (isTaken === null) return;
          kept.results.delete(news.uid);
          kept.count -= 2;
          next();
        },
      );
    };
    next();
  }

  #pulse(): void {
    this.env.clock.after(PULSE_INTERVAL_MS, () => {
      if (this.peer.isUp && !this.peer.isPaused) {
        this.#tellMaybeTwice(() => this.scheduler.onPulse(this.ipAddr));
        for (const [id, { isClosing }] of this.computations) {
          if (!isClosing && this.#kept.get(id)?.count) this.#resend(id);
        }
      }
      this.#pulse();
    });
  }

  #tellMaybeTwice(say: () => void): void {
    const { network } = this.env;
    network.maybeTwice(() => network.tell(this.peer, say));
  }
}
