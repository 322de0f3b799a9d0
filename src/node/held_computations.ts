/**
 * The computations that a node has taken, their jobs, and the scheduler that they are from.
 *
 * @module
 */

import { PyTuple, type PyValue } from "../pickle/mod.ts";
import type { Compute, XferFile } from "../wire/mod.ts";
import type { ComputationFolder } from "./computation_folder.ts";
import type { ComputationHold } from "./containment/containment.ts";
import type { FileUses } from "./file_uses.ts";
import type { ProcessMark } from "./process_tree.ts";
import type { ComputationRunner, JobLanguage, RunningJob } from "./runner.ts";

/** A peer's address and port. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

/** A scheduler that uses the node. */
export interface SchedulerAddress extends PeerAddress {
  /** What it calls this node. */
  readonly nodeIpAddr: string;
}

/** A `dispy._Compute` with all that a node needs of it. */
export interface NodeCompute extends Compute {
  readonly id: number;
  readonly auth: string;
  readonly nodeIpAddr: string;
}

/**
 * How far a computation has come: its files arrive (`received`), `setup` runs, jobs are taken, or
 * nothing more is taken.
 */
export type ComputationState = "received" | "setting_up" | "ready" | "closing";

/** A job that runs here, without its arguments: its runner has them. */
export interface HeldJob {
  readonly uid: number;
  /** See `dispy._DispyJob_`. */
  readonly hash: string;
  readonly xferFiles: readonly XferFile[];
  readonly computation: HeldComputation;
  readonly startTimeS: number;
  readonly running: RunningJob;
  /** Why it is being ended, for its client; `null` where it is not, "" where that is no news. */
  endReason: string | null;
}

/** A computation that was taken. */
export class HeldComputation {
  state: ComputationState = "received";
  /** When its scheduler was last heard of, by `performance.now()`. */
  lastSignMs: number = performance.now();
  /** The sign that its scheduler had when it came; `null` where that is not known. */
  schedulerSign: string | null = null;
  runner: ComputationRunner | null = null;
  /** Its jobs are ended without a word: the node leaves, or drops it. */
  isForsaken = false;
  /** Where jobs reach their client straight; `null` = by way of {@linkcode replyTo} alone. */
  clientAddress: PeerAddress | null;
  readonly jobs: Map<number, HeldJob> = new Map();
  /** Arguments of its functions, where they came with it: those with `SETUP:` do not count then. */
  setupArgs: PyTuple | null = null;
  /** Schedulers before 4.10 send no `SETUP:` where there is no setup function. */
  needsNoSetupRequest = false;
  /** Its setup, once that has begun: why it has failed, or `null`. */
  setup: Promise<string | null> | null = null;
  /** Closes it, once that has begun. */
  closed: Promise<void> | null = null;
  readonly #idleWaiters: (() => void)[] = [];
  /** Jobs that run, and results that are on their way. */
  #pending = 0;

  constructor(
    readonly compute: NodeCompute,
    /** Where its scheduler takes messages of nodes. */
    readonly scheduler: SchedulerAddress,
    /** Where results of its jobs go. */
    readonly replyTo: PeerAddress,
    readonly folder: ComputationFolder,
    readonly files: FileUses,
    /** By which all of its processes are found. */
    readonly mark: ProcessMark,
    readonly language: JobLanguage,
    /** Holds what its jobs start. */
    readonly hold: ComputationHold,
  ) {
    this.clientAddress = addressOf(compute.clientReplyAddr);
  }

  /** A job has been taken: {@linkcode whenIdle} waits until {@linkcode release}. */
  claim(): void {
    this.#pending++;
  }

  /** A job has ended and its result was sent or kept. */
  release(): void {
    this.#pending--;
    if (this.#pending > 0) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  /** Resolves when no job runs and no result is on its way. */
  whenIdle(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Its scheduler is there. */
  touch(): void {
    this.lastSignMs = performance.now();
  }
}

/** `(host, port)`, where it is that. */
function addressOf(value: PyValue): PeerAddress | null {
  const [host, port] = value instanceof PyTuple ? value.items : [];
  return typeof host === "string" && typeof port === "bigint" ? { host, port: Number(port) } : null;
}

/** See the module's description. */
export class HeldComputations {
  readonly #byId = new Map<number, HeldComputation>();
  /** Ids of computations that are about to be taken, with their scheduler. */
  readonly #arriving = new Map<number, SchedulerAddress>();
  /** Who has greeted last, of those that may have the node. */
  #greeter: PeerAddress & { readonly sign: string } | null = null;
  #busyCpus = 0;

  [Symbol.iterator](): IterableIterator<HeldComputation> {
    return this.#byId.values();
  }

  /** How many there are. */
  get size(): number {
    return this.#byId.size;
  }

  /** CPUs on which jobs run. */
  get busyCpus(): number {
    return this.#busyCpus;
  }

  /** The one scheduler that uses the node; `null` while it is free. */
  get scheduler(): SchedulerAddress | null {
    for (const { scheduler } of this.#byId.values()) return scheduler;
    for (const scheduler of this.#arriving.values()) return scheduler;
    return null;
  }

  /** Whether a computation of this id is here, or about to be. */
  has(id: number): boolean {
    return this.#byId.has(id) || this.#arriving.has(id);
  }

  /** The computation of this id. */
  get(id: number): HeldComputation | undefined {
    return this.#byId.get(id);
  }

  /** A computation is about to be taken: until {@linkcode add} or {@linkcode leave}. */
  arrive(id: number, scheduler: SchedulerAddress): void {
    this.#arriving.set(id, scheduler);
  }

  /** A computation that was about to be taken is not. */
  leave(id: number): void {
    this.#arriving.delete(id);
  }

  /** A computation is taken. */
  add(computation: HeldComputation): void {
    this.#arriving.delete(computation.compute.id);
    this.#byId.set(computation.compute.id, computation);
    computation.schedulerSign = this.#signOf(computation);
  }

  /** A computation is closed; whether it was here. */
  remove(computation: HeldComputation): boolean {
    if (this.#byId.get(computation.compute.id) !== computation) return false;
    return this.#byId.delete(computation.compute.id);
  }

  /** A scheduler has greeted that may have the node, or has it. */
  onGreeting(greeter: PeerAddress & { readonly sign: string }): void {
    this.#greeter = greeter;
  }

  /**
   * The scheduler is there. One that was started again since a computation came has another sign,
   * and may not know of the computation: that has to be asked for by itself.
   */
  touchAll(): void {
    for (const computation of this.#byId.values()) {
      const { schedulerSign } = computation;
      if (schedulerSign === null || schedulerSign === this.#signOf(computation)) {
        computation.touch();
      }
    }
  }

  #signOf({ scheduler: { host, port } }: HeldComputation): string | null {
    const greeter = this.#greeter;
    return greeter?.host === host && greeter.port === port ? greeter.sign : null;
  }

  /** Takes a CPU. */
  occupy(): void {
    this.#busyCpus++;
  }

  /** Gives a CPU back. */
  vacate(): void {
    this.#busyCpus--;
  }
}
