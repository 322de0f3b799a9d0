/**
 * What clusters are opened with.
 *
 * @module
 */

import type { Computation } from "./computation.ts";
import type { Job, JobState } from "./job.ts";

/** A certificate and its key, for TLS: the same on all sides, as dispy has it. */
export type TlsOptions =
  /** Paths of PEM files; the key may stand in the certificate's file. */
  | { readonly certFile: string | URL; readonly keyFile?: string | URL | undefined }
  /** The PEM texts themselves. */
  | { readonly certPem: string; readonly keyPem: string };

/** A node to use, or several. */
export interface NodeSpec {
  /** An address or name, or a pattern in which `*` stands for anything; `*` alone: all nodes. */
  readonly host: string;
  /** The node's port where it is not the usual one. */
  readonly port?: number | undefined;
  /** CPUs to use; 0 (when absent) for all, a negative number for all but that many. */
  readonly cpus?: number | undefined;
  /** Files that the node gets before the computation's `setup`. */
  readonly depends?: readonly (string | URL)[] | undefined;
  /** Arguments for the computation's `setup` (and `cleanup`) at this node. */
  readonly setupArgs?: readonly unknown[] | undefined;
}

/** What a node has to spare, by its own account. */
export interface AvailableResources {
  /** Percent of the CPUs that is idle. */
  readonly cpuPercent: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** Percent of the swap space that is free. */
  readonly swapPercent: number;
}

/** A node that serves the cluster, as last heard. */
export interface ClusterNode {
  readonly ipAddr: string;
  readonly name: string | null;
  /** CPUs that the cluster may use; 0 once it is closed. */
  readonly cpus: number;
  /** Jobs of this cluster that run there. */
  readonly busy: number;
  /** Jobs of this cluster that have ended there. */
  readonly jobsDone: number;
  /** Seconds that its CPUs have spent on jobs of this cluster. */
  readonly cpuTimeS: number;
  /** Bytes sent to the node by the scheduler. */
  readonly txBytes: number;
  /** Bytes received from the node by the scheduler. */
  readonly rxBytes: number;
  /** `null` where the node does not tell. */
  readonly available: AvailableResources | null;
  readonly updatedAt: Date;
}

/** News about a node: it is set up, its CPUs or resources have changed, it is gone. */
export type NodeEvent = "Initialized" | "AvailInfo" | "Closed";

/** News about a job; `ProvisionalResult` comes any number of times before its end. */
export type JobEvent = JobState | "ProvisionalResult";

/** News about the connection with the scheduler. */
export type ConnectionEvent =
  /** A request has failed, and is tried again. */
  | { readonly kind: "lost"; readonly error: Error }
  /** The scheduler answers again. */
  | { readonly kind: "restored" };

/** A file that a job has sent. */
export interface ReceivedFile<Result> {
  readonly job: Job<Result>;
  /** Where it is now, below `filesFolder`. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** Functions that are told of things. What one of them throws is an uncaught exception. */
export interface ClusterCallbacks<Result> {
  /** Told of every change of a job. */
  readonly onJob?: ((job: Job<Result>, event: JobEvent) => void) | undefined;
  /** Told of every change of a node. */
  readonly onNode?: ((node: ClusterNode, event: NodeEvent) => void) | undefined;
  /** Told of files that jobs send. */
  readonly onFile?: ((file: ReceivedFile<Result>) => void) | undefined;
  /** Told when the scheduler is out of reach, and when it is back. */
  readonly onConnection?: ((event: ConnectionEvent) => void) | undefined;
  /**
   * Told why jobs wait, where none of the cluster's runs for some seconds, and when the reasons
   * change; without reasons once a job runs again. dispy's own scheduler does not tell.
   */
  readonly onWaiting?: ((event: WaitEvent) => void) | undefined;
}

/** Why jobs of a cluster wait. */
export interface WaitEvent {
  /** Those that concern most nodes first; none where jobs wait no longer. */
  readonly reasons: readonly WaitReason[];
}

/** A reason why jobs of a cluster wait. */
export interface WaitReason {
  /**
   * Fixed words: `no_node`, `no_node_matches`, `setup_failed`, `setting_up`, `busy`, `drained`,
   * `unsuitable`, `lost`, `not_answering`, … as `dispyscheduler status --json` has them.
   */
  readonly kind: string;
  /** Nodes that it is true of, the first of them. */
  readonly nodes: readonly string[];
  /** How many nodes there are. */
  readonly nodeCount: number;
  /** What is known beyond that, such as what a node has said. */
  readonly reason: string | null;
  /** All of that in words. */
  readonly text: string;
}

/** What both kinds of clusters are opened with. */
export interface ClusterOptions<Args extends readonly unknown[], Result>
  extends ClusterCallbacks<Result> {
  /** What jobs run: made by `python`, `program` or `typescript`. */
  readonly computation: Computation<Args, Result>;
  /** Nodes to use; all that the scheduler knows when absent. */
  readonly nodes?: readonly (string | NodeSpec)[] | undefined;
  /** Jobs may be run again elsewhere when their node is lost. */
  readonly reentrant?: boolean | undefined;
  /**
   * Folder for the computation's files at nodes: relative, below the node's own. Computations of
   * one scheduler that name the same share it.
   */
  readonly destPath?: string | undefined;
  /** Address at which the scheduler and nodes send replies; found out when absent. */
  readonly host?: string | undefined;
  /** Port for replies; any free one when absent. */
  readonly port?: number | undefined;
  /** What a NAT gateway forwards to `host`, if there is one. */
  readonly externalHost?: string | undefined;
  /** Where files go that jobs send. Without it they are refused. */
  readonly filesFolder?: string | URL | undefined;
  /** Largest reply that is taken, in bytes; 512 MiB when absent. */
  readonly maxReplyBytes?: number | undefined;
  /** Limit for connecting, and for every single read and write, in ms; 10 000 when absent. */
  readonly timeoutMs?: number | undefined;
  /** As in {@linkcode SubmitOptions}, for all jobs. */
  readonly submitTimeoutMs?: number | undefined;
  /** Gives up opening. A cluster that is open is left alone. */
  readonly signal?: AbortSignal | undefined;
}

/** What a {@linkcode SharedJobCluster} is opened with. */
export interface SharedJobClusterOptions<Args extends readonly unknown[], Result>
  extends ClusterOptions<Args, Result> {
  /** Name or address of the scheduler; `127.0.0.1` when absent. */
  readonly scheduler?: string | undefined;
  /** The scheduler's client port; 9702 when absent. */
  readonly schedulerPort?: number | undefined;
  /** The secret of the scheduler's option `--cluster_secret`; none when absent. */
  readonly clusterSecret?: string | undefined;
  /** The certificate of the scheduler's option `--cluster_certfile`; no TLS when absent. */
  readonly tls?: TlsOptions | undefined;
  /** Nodes shall serve no other cluster meanwhile. */
  readonly exclusive?: boolean | undefined;
  /** A file that lets `recoverJobs` fetch the results if this program ends before them. */
  readonly recoverFile?: string | URL | undefined;
  /** Ask this often, in ms, for results that could not be brought; never when absent. */
  readonly pollIntervalMs?: number | undefined;
  /** The release of dispy that is announced: the reference scheduler takes its own alone. */
  readonly dispyVersion?: string | undefined;
}

/** What a `JobCluster` is opened with. */
export interface JobClusterOptions<Args extends readonly unknown[], Result>
  extends ClusterOptions<Args, Result> {
  /** The secret of the nodes; none when absent. */
  readonly nodeSecret?: string | undefined;
  /** The certificate of the nodes; no TLS when absent. */
  readonly nodeTls?: TlsOptions | undefined;
  /** The lowest of dispy's three ports: ours for nodes; nodes listen at the next. 9700. */
  readonly dispyPort?: number | undefined;
  /** Look for nodes this often, in ms; only at the start when absent. */
  readonly pingIntervalMs?: number | undefined;
  /** Nodes shall show signs of life this often, in ms. */
  readonly pulseIntervalMs?: number | undefined;
}

/** How a cluster is closed. */
export interface CloseOptions {
  /** Cancel jobs that have not ended, in place of waiting for them. */
  readonly terminate?: boolean | undefined;
  /** Wait this long for jobs, in ms, then cancel them; for ever when absent. */
  readonly timeoutMs?: number | undefined;
}

/** How inputs become jobs. */
export interface MapOptions {
  /** Jobs that are under way at once, at most; 100 when absent. */
  readonly concurrency?: number | undefined;
  /** Yield jobs in the order of their inputs, in place of that of their ends. */
  readonly ordered?: boolean | undefined;
  /** Cancels what is under way, and ends the iteration with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What a file is sent with. */
export interface SendFileOptions {
  /** Connect to the node itself, in place of passing the file through the scheduler. */
  readonly direct?: boolean | undefined;
}
