/**
 * What the scheduler knows: nodes, clusters, which cluster uses which node, and jobs.
 *
 * These are records. They change only in `transitions.ts` (jobs and CPUs) and in the
 * `on_*.ts` files (the rest), so that each change has one place.
 *
 * @module
 */

import type { NodeAllocation } from "./allocation.ts";
import { type Linked, LinkedList } from "./linked_list.ts";
import { type Loaded, LoadIndex } from "./load_index.ts";
import { DEFAULT_TERMS, type Terms } from "./terms.ts";

/** Where a job stands. Each job is in exactly one state; see `transitions.ts`. */
export type JobState =
  /** Its client is being told its uid; it counts once the client has acknowledged that. */
  | "offered"
  /** Accepted, waits for a CPU. */
  | "queued"
  /** Has a CPU; its `JOB:` message is on the way to the node. */
  | "assigned"
  /** The node has acknowledged it. */
  | "running"
  /** It has an outcome, or nobody wants one any more. */
  | "done"
  /** Its client has not acknowledged its uid: it never counted. */
  | "withdrawn";

/** How a job ended, as dispy numbers it (`DispyJob.Cancelled` …). */
export const Outcome = {
  Cancelled: 8,
  Terminated: 9,
  Abandoned: 10,
  Finished: 11,
} as const;

/** One of {@linkcode Outcome}. */
export type Outcome = typeof Outcome[keyof typeof Outcome];

/** A submitted job. */
export class Job implements Linked<Job> {
  next: Job | null = null;
  previous: Job | null = null;
  list: object | null = null;

  state: JobState = "queued";
  /** Where it is assigned or runs; `null` in all other states. */
  share: Share | null = null;
  /** When its node acknowledged it. */
  startTimeMs = 0;
  /** How often a node did not take it. */
  refusals = 0;
  /**
   * The mark that its node is given in place of {@linkcode hash}: another one for each run after the
   * first, so that what a node still says of an earlier run is not taken for this one.
   */
  runHash: string;
  /** A node may have had it and did not tell what became of it. */
  mayHaveRun = false;
  /** Its client wants it ended. */
  cancelRequested = false;
  /** What its client is told of why it ends, where not the client itself wants that; else `null`. */
  endReason: string | null = null;
  /** When its node was last told to end it; 0 = never. */
  terminateSentMs = 0;
  /** Its `JOB:` message, sent in this run of the scheduler, has yet to be answered. */
  isUnderWay = false;
  /** Whether its node still has it, the node has yet to tell; see `inventory.ts`. */
  isUnaccounted = false;

  constructor(
    /** Unique for ever; the client, the nodes and we know the job by it. */
    readonly uid: number,
    /** The client's own mark of the job; what it is told of the job must carry it. */
    readonly hash: string,
    readonly cluster: Cluster,
    /** Position in the order of submission over all clusters. */
    readonly seq: number,
    /** The node that the client insists on, or `null`. */
    readonly pinnedTo: string | null,
    readonly submitTimeMs: number,
    /** What the node needs to run it. Opaque here. */
    readonly payload: unknown,
  ) {
    this.runHash = hash;
  }
}

/** Where a cluster's use of a node stands. */
export type ShareState =
  /** The computation is on its way to the node, or its `setup` runs. */
  | "setting_up"
  /** Jobs can run. */
  | "ready"
  /** The node no longer has the computation; set up again once its jobs are accounted for. */
  | "dropped"
  /** The node did not take the computation; tried again at `retryAtMs`. */
  | "failed"
  /** No new jobs; those that run may end (`deallocate_node`). */
  | "drained"
  /** The node was told to close the computation. */
  | "closing"
  /** It has; results of its last jobs may still be on the way. */
  | "closed";

/** A cluster's use of a node. */
export class Share implements Loaded<Share> {
  next: Share | null = null;
  previous: Share | null = null;
  list: object | null = null;
  indexedLoad = 0;

  state: ShareState = "setting_up";
  /** Most CPUs that the cluster may use here. */
  maxCpus: number;
  /** CPUs that the cluster uses here. */
  busy = 0;
  /** How many of its jobs are on their way to the node and not yet answered for. */
  underWay = 0;
  /** The node is told to close the computation once no job is on its way to it. */
  isCloseHeld = false;
  /** Jobs of the cluster that wait for this node and no other, by `seq`. */
  readonly pinned = new LinkedList<Job>();
  /** This share's place among those with pinned jobs that could run now. */
  readonly pinnedEntry: PinnedEntry = new PinnedEntry(this);
  /** When a failed share is tried again; `Infinity` = only when the node shows up anew. */
  retryAtMs = Infinity;
  failures = 0;
  /** Of one that has failed in this run: why. */
  failure: string | null = null;
  /** `jobsDone` when it was last noted. */
  jobsNoted = 0;
  /** Of one that is closing: the node is to end the jobs that run. */
  terminatePending = false;
  /** When the node was to close the computation; 0 = not yet. */
  closeAskedMs = 0;
  /** When the node closed the computation; 0 = not yet. */
  closedAtMs = 0;

  jobsDone = 0;
  cpuTimeS = 0;
  txBytes = 0;
  rxBytes = 0;

  constructor(
    readonly cluster: Cluster,
    readonly node: Node,
    public allocation: NodeAllocation,
    maxCpus: number,
  ) {
    this.maxCpus = maxCpus;
  }
}

/** Lets a share stand in a second index, that of pinned jobs. */
export class PinnedEntry implements Loaded<PinnedEntry> {
  next: PinnedEntry | null = null;
  previous: PinnedEntry | null = null;
  list: object | null = null;
  indexedLoad = 0;
  constructor(readonly share: Share) {}
}

/** What a node tells of itself when it answers a `PING:`. */
export interface NodeInfo {
  /** Its address, which is also its name towards clients. */
  readonly ipAddr: string;
  readonly port: number;
  /** Its random mark since its start. */
  readonly sign: string;
  readonly name: string;
  readonly cpus: number;
  readonly platform: string;
  /** dispy's version, which our messages to it must carry. */
  readonly version: string;
  /** Highest pickle protocol that its Python reads, where it has told: 2 is Python 2 alone. */
  readonly pickleProtocol?: number;
  /** Its generation of the protocol; one without understands clusters of any. */
  readonly generation?: string | null;
  /** What opens our requests to it, where that is not dispy's proof. Opaque here. */
  readonly requestAuth?: string;
  /** At which address this node reaches us. */
  readonly schedulerIpAddr: string;
  /** At which of our ports this node sends its messages. */
  readonly schedulerPort: number;
  /** Free CPU, memory, disk, swap as the node gave them. Opaque here. */
  readonly availInfo: unknown;
}

/** How far a node has told what it has of its jobs. */
export interface Inventory {
  /** It has answered at least once. */
  isConfirmed: boolean;
  /** It is being asked. */
  isUnderWay: boolean;
  /** When it is asked next. */
  nextAskMs: number;
  /** How often it has answered. */
  answers: number;
  /** When it first did. */
  firstAnswerMs: number;
  /** How often in a row nobody was there. */
  refusals: number;
}

/** A node that runs jobs. */
export class Node {
  readonly ipAddr: string;
  /** CPUs that may be used: `availCpus`, or fewer where a client has set so. */
  cpus: number;
  /** CPUs that the node offers. */
  availCpus: number;
  /** CPUs that may be used whatever clients have set; 0 = it is drained. */
  cpuLimit = Infinity;
  /** CPUs in use by all clusters. */
  busy = 0;
  readonly shares = new Map<number, Share>();
  readonly jobs = new Set<Job>();
  /** At which it has been found, too: clients may name it so. */
  readonly otherAddresses = new Set<string>();
  name: string;
  availInfo: unknown;
  lastPulseMs: number;
  /** No job is sent before this time: it has just refused one, or could not be reached. */
  pausedUntilMs = 0;
  /** How often in a row it could not be reached. */
  unreachable = 0;
  /** It is being asked whether it is there. */
  isProbed = false;
  /** When that is to be asked next, if it is silent until then; 0 = once it has been so long. */
  nextProbeMs = 0;
  /** How often in a row the answer was that nobody is there. */
  probesRefused = 0;
  /** How often in a row there was none. */
  probesSilent = 0;
  /** It is being looked at: whether results leave it; see `check_ups.ts`. */
  isCheckedUp = false;
  /** Not before this time it is looked at. */
  nextCheckUpMs = 0;
  /** How often it was, since its last result. */
  checkUps = 0;
  /** Since when it has refused all jobs as it is busy, with CPUs that we count as free; 0 = never. */
  busySinceMs = 0;
  /** When its last result came, or it was found. */
  lastResultMs: number;
  /** When its jobs are looked after next; see `inventory.ts`. */
  nextAuditMs = 0;
  /** What is being found out about its jobs, where that is needed; else `null`. */
  inventory: Inventory | null = null;
  jobsDone = 0;
  cpuTimeS = 0;

  constructor(public info: NodeInfo, nowMs: number) {
    this.ipAddr = info.ipAddr;
    this.name = info.name;
    this.cpus = this.availCpus = info.cpus;
    this.availInfo = info.availInfo;
    this.lastPulseMs = this.lastResultMs = nowMs;
  }

  /** The part of its CPUs that is in use, 0 to 1. */
  get load(): number {
    return this.cpus > 0 ? this.busy / this.cpus : 1;
  }
}

/** Where a cluster stands. */
export type ClusterState =
  /** The client still sends files. */
  | "received"
  /** The client has asked to be scheduled; a cluster is in its way, as one of both is exclusive. */
  | "waiting"
  /** The client is being told that it is scheduled; jobs may come. */
  | "announcing"
  /** Jobs run. */
  | "active"
  /** No more jobs; nodes are closing it. */
  | "closing"
  /** Nothing is left but results that the client has not acknowledged. */
  | "closed";

/** A client's computation and its jobs. */
export class Cluster {
  state: ClusterState = "received";
  allocations: NodeAllocation[];
  /** Nodes that it had and that were given up, the last of them: why, by address. */
  readonly lostNodes = new Map<string, string>();
  /** Jobs that any node of the cluster may run, by `seq`. */
  readonly queue = new LinkedList<Job>();
  /** Shares on which a job could start now, by their node's load. */
  readonly free = new LoadIndex<Share>();
  readonly shares = new Map<string, Share>();
  /** Nodes that the client has closed or deallocated, whatever its allocations say. */
  readonly excludedNodes = new Set<string>();
  readonly jobs = new Map<number, Job>();
  /** How many jobs there are whose uids the client has yet to acknowledge. */
  offers = 0;
  /** Results that the client has not acknowledged. */
  readonly deliveries = new Map<number, Delivery>();
  /** Position in the order in which clients have asked to be scheduled; 0 = not yet. */
  scheduleSeq = 0;
  /** The client was restarted to fetch its results, and wants nothing else. */
  isRecovering = false;
  /** Those of them that failed and wait for another attempt. */
  readonly overdue = new Set<Delivery>();
  /** The client has not closed the cluster. */
  wantsResults = true;
  /** CPUs that the cluster uses, on all nodes. */
  busy = 0;
  /** Which of all assignments of CPUs was its last; 0 = never. */
  lastServedSeq = 0;
  /** How much it has been given for its weight, as stride scheduling counts it. */
  pass = 0;
  lastPulseMs: number;
  jobsDone = 0;
  cpuTimeS = 0;
  readonly terms: Terms;

  constructor(
    /** dispy's `compute_id`; unique for ever. */
    readonly id: number,
    readonly name: string,
    readonly options: ClusterOptions,
    /** Position in the order of creation. */
    readonly createdSeq: number,
    readonly createdMs: number,
  ) {
    this.allocations = options.allocations;
    this.terms = options.terms ?? DEFAULT_TERMS;
    this.lastPulseMs = createdMs;
  }

  /** Whether it uses as many CPUs as it may. */
  get isAtLimit(): boolean {
    return this.terms.maxCpus !== null && this.busy >= this.terms.maxCpus;
  }

  /** Whether jobs may be submitted. */
  get accepts(): boolean {
    return this.state === "active" || this.state === "announcing";
  }
}

/** What a client wants of its cluster. */
export interface ClusterOptions {
  /** Sorted by {@linkcode bySpecificity}. */
  readonly allocations: NodeAllocation[];
  /** Jobs of a node that died run again on another. */
  readonly reentrant: boolean;
  /** No other cluster that might use the same nodes is scheduled beside it. */
  readonly exclusive: boolean;
  /** {@linkcode DEFAULT_TERMS} where absent. */
  readonly terms?: Terms;
  /**
   * Only nodes have use for it whose platform has this among its words, or, behind a `!`, has it
   * not; any where absent.
   */
  readonly platform?: string | undefined;
  /** Only nodes of the same generation of the protocol understand it; any does where absent. */
  readonly generation?: string | undefined;
}

/** A result, or news of a job's end, that its client has yet to acknowledge. */
export interface Delivery {
  readonly id: number;
  readonly cluster: Cluster;
  readonly uid: number;
  readonly hash: string;
  /** The node that the result is from; `null` where no node had the job. */
  readonly nodeIpAddr: string | null;
  /** One of `Outcome`, or `ProvisionalResult` (7). */
  readonly status: number;
  /** Why the scheduler has ended the job, or has had its node end it; else `null`. */
  readonly reason: string | null;
  /**
   * The node's reply, opaque here (the server may put it into another form); `null` where there is
   * none.
   */
  payload: unknown;
  readonly startTimeMs: number;
  /** Since when there is something to be delivered. */
  readonly createdMs: number;
  /** An attempt is under way. */
  inFlight: boolean;
  attempts: number;
  /** How often its client has said that it does not know the job. */
  refusals: number;
  /** Not tried before this time, unless the client shows signs of life. */
  retryAtMs: number;
}
