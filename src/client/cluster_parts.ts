/**
 * What an open cluster consists of, and how it is opened.
 *
 * @module
 */

import type { ComputeRef } from "../wire/mod.ts";
import { decodeTypeScriptCode } from "../wire/typescript_jobs.ts";
import type { ComputationBase } from "./computation.ts";
import { DispyError } from "./errors.ts";
import { Inbox } from "./inbox.ts";
import { JobTable } from "./job_table.ts";
import { type Listening, Network } from "./network.ts";
import { NodeRequests } from "./node_requests.ts";
import { NodeTable, wantedNodes } from "./nodes.ts";
import { Observers } from "./observers.ts";
import { register, schedule } from "./opening.ts";
import type { SharedJobClusterOptions } from "./options.ts";
import { RecoveryFile } from "./recovery_file.ts";
import { serveReply } from "./reply_port.ts";
import { ResultRecall } from "./result_recall.ts";
import { type Greeting, SchedulerLink } from "./scheduler_link.ts";
import { SchedulerWatch } from "./scheduler_watch.ts";
import { Submitter } from "./submitter.ts";
import { WaitWatch } from "./wait_watch.ts";

/** The release of dispy whose clients we are like, where nothing else is asked for. */
const DEFAULT_DISPY_VERSION = "4.15.2";

/** The client port of schedulers since dispy 4.11. */
const DEFAULT_SCHEDULER_PORT = 9702;

/** Limit for connecting and for every read and write, as dispy has it. */
export const DEFAULT_TIMEOUT_MS: number = 10_000;

/** Largest reply that is taken: what the reader of pickles takes. */
export const DEFAULT_MAX_REPLY_BYTES: number = 512 * 1024 * 1024;

/** What a cluster consists of once it is open. */
export interface ClusterParts<Args extends readonly unknown[], Result> {
  readonly options: SharedJobClusterOptions<Args, Result>;
  readonly ref: ComputeRef;
  readonly link: SchedulerLink;
  readonly watch: SchedulerWatch;
  /** `null` where nobody wants to know why jobs wait. */
  readonly waitWatch: WaitWatch | null;
  readonly recall: ResultRecall<Result>;
  readonly submitter: Submitter<Result>;
  readonly inbox: Inbox<Result>;
  readonly jobs: JobTable<Result>;
  readonly nodes: NodeTable;
  readonly observers: Observers<Result>;
  readonly requests: NodeRequests<Result>;
  readonly listening: Listening;
  readonly recoveryFile: RecoveryFile | null;
}

/** Opens everything, or nothing. */
export async function openParts<Args extends readonly unknown[], Result>(
  options: SharedJobClusterOptions<Args, Result>,
): Promise<ClusterParts<Args, Result>> {
  const observers = new Observers<Result>(options);
  const jobs = new JobTable<Result>();
  const nodes = new NodeTable((node, event) => observers.node(node, event));
  const scheduled = Promise.withResolvers<number | null>();
  const inbox = new Inbox<Result>({
    jobs,
    nodes,
    observers,
    filesFolder: options.filesFolder ?? null,
    onScheduled: scheduled.resolve,
  });
  const link = openLink(options);
  const [greeting, wanted] = await Promise.all([
    link.greet(),
    wantedNodes(options.nodes ?? ["*"], null),
  ]);
  const maxReplyBytes = options.maxReplyBytes ?? DEFAULT_MAX_REPLY_BYTES;
  const listening = await link.network.listen(
    options.host ?? greeting.localAddress,
    options.port ?? 0,
    (stream) => serveReply(stream, inbox, maxReplyBytes),
  );
  let ref: ComputeRef | null = null;
  let recoveryFile: RecoveryFile | null = null;
  try {
    ref = inbox.ref = await register(link, {
      computation: options.computation,
      nodes: wanted,
      reentrant: options.reentrant ?? false,
      exclusive: options.exclusive ?? false,
      // As dispy's own client does: some nodes would take an absolute path for what it says.
      destPath: options.destPath?.replace(/^[/\\]+/, "") ?? null,
      replyHost: greeting.ipAddr,
      replyPort: listening.port,
    });
    recoveryFile = openRecoveryFile(options.recoverFile, options.computation, link, ref);
    await schedule(link, ref);
    const pulseMs = await orAborted(scheduled.promise, options.signal);
    const parts = { options, ref, link, inbox, jobs, nodes, observers, listening, recoveryFile };
    return connected(parts, greeting, pulseMs, maxReplyBytes);
  } catch (error) {
    await listening.close();
    recoveryFile?.remove();
    if (ref !== null) await abandon(link, ref);
    throw error;
  }
}

/** The parts that need an open cluster. */
function connected<Args extends readonly unknown[], Result>(
  parts: Omit<
    ClusterParts<Args, Result>,
    "watch" | "waitWatch" | "recall" | "submitter" | "requests"
  >,
  greeting: Greeting,
  pulseMs: number | null,
  maxReplyBytes: number,
): ClusterParts<Args, Result> {
  const { options, ref, link, inbox, jobs, nodes, observers, listening, recoveryFile } = parts;
  const onFailure = inbox.onFailure.bind(inbox);
  const watch: SchedulerWatch = new SchedulerWatch(link, {
    clientPort: listening.port,
    clientIpAddr: greeting.ipAddr,
    isWaiting: () => jobs.size > 0,
    onReturn: () => void recall.reconcile(),
    onConnection: (event) => observers.connection(event),
  }, pulseMs);
  const submitter = new Submitter<Result>({
    link,
    watch,
    ref,
    onUid: (job) => recoveryFile?.add({ uid: job.uid as number, hash: job.hash, id: job.id }),
    onFailure,
  });
  const recall: ResultRecall<Result> = new ResultRecall({
    link,
    ref,
    jobs,
    maxReplyBytes,
    onJobReply: (reply) => inbox.onJobReply(reply),
    resubmit: (job) => submitter.resubmit(job),
    onFailure,
    onLost: (error) => watch.onLost(error),
  });
  const { computation } = options;
  const requests = new NodeRequests<Result>({ link, ref, computation, nodes, jobs });
  const waitWatch = options.onWaiting === undefined ? null : new WaitWatch(link, {
    computeId: ref.computeId,
    isWaiting: () => jobs.areWaiting,
    onWaiting: (event) => observers.waiting(event),
  });
  return { ...parts, watch, waitWatch, submitter, recall, requests };
}

/** The options that say where the scheduler is and how it is spoken to. */
export type LinkOptions = Pick<
  SharedJobClusterOptions<[], unknown>,
  | "scheduler"
  | "schedulerPort"
  | "clusterSecret"
  | "tls"
  | "dispyVersion"
  | "timeoutMs"
  | "host"
  | "externalHost"
>;

/** @throws {TlsError} */
export function openLink(options: LinkOptions): SchedulerLink {
  const network = new Network(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, options.tls);
  return new SchedulerLink(network, {
    host: options.scheduler ?? "127.0.0.1",
    port: options.schedulerPort ?? DEFAULT_SCHEDULER_PORT,
    clusterSecret: options.clusterSecret ?? "",
    dispyVersion: options.dispyVersion ?? DEFAULT_DISPY_VERSION,
    externalHost: options.externalHost ?? options.host ?? null,
  });
}

function openRecoveryFile(
  recoverFile: string | URL | undefined,
  computation: ComputationBase<unknown>,
  { address }: SchedulerLink,
  ref: ComputeRef,
): RecoveryFile | null {
  if (recoverFile === undefined) return null;
  return new RecoveryFile(recoverFile, {
    ...ref,
    scheduler: address.host,
    schedulerPort: address.port,
    dispyVersion: address.dispyVersion,
    name: computation.name,
    language: decodeTypeScriptCode(computation.code) === null ? "python" : "typescript",
  });
}

/** Tells the scheduler that a computation will not be used; it finds out by itself otherwise. */
async function abandon(link: SchedulerLink, ref: ComputeRef): Promise<void> {
  try {
    await link.tell({ kind: "CLOSE", ...ref, terminatePending: true });
  } catch (error) {
    if (!(error instanceof DispyError)) throw error;
  }
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
