/**
 * A cluster at a scheduler that several programs share.
 *
 * @module
 */

import { ClusterJob } from "./cluster_job.ts";
import { type ClusterParts, openParts } from "./cluster_parts.ts";
import { ClosedError, DispyError, JobCancelledError } from "./errors.ts";
import { asTheyEnd, mapJobs } from "./iteration.ts";
import type { Job, SubmitOptions } from "./job.ts";
import type {
  CloseOptions,
  ClusterNode,
  MapOptions,
  NodeSpec,
  SendFileOptions,
  SharedJobClusterOptions,
} from "./options.ts";
import { asError, isTemporary } from "./scheduler_link.ts";

/** How long jobs that are cancelled with their cluster may take to say so. */
const FAREWELL_MS = 3_000;

/** Bytes of a job's hash, which nobody may guess: as many as dispy's have. */
const HASH_BYTES = 10;

/**
 * A cluster at a scheduler that several programs share: `dispyscheduler`, or dispy's own.
 *
 * @example
 * ```ts
 * await using cluster = await SharedJobCluster.open({
 *   computation: python<[number, number], number>({ code: "def add(a, b):\n  return a + b\n" }),
 *   scheduler: "scheduler.example",
 * });
 * console.log(await cluster.submit([1, 2]).result); // 3
 * ```
 *
 * @typeParam Args The arguments of a job.
 * @typeParam Result What a job's result is.
 */
export class SharedJobCluster<Args extends readonly unknown[], Result> implements AsyncDisposable {
  readonly #parts: ClusterParts<Args, Result>;
  #lastId = 0;
  #closing: Promise<void> | null = null;
  #poll: ReturnType<typeof setInterval> | undefined;

  /** @param parts Of an open cluster; programs call {@linkcode SharedJobCluster.open}. */
  protected constructor(parts: ClusterParts<Args, Result>) {
    this.#parts = parts;
    const { pollIntervalMs } = parts.options;
    if (pollIntervalMs !== undefined) {
      this.#poll = setInterval(() => void this.#fetch(), pollIntervalMs);
    }
  }

  /**
   * Registers the computation at the scheduler, sends its files, and waits until its turn has
   * come: at once, unless another cluster has the nodes for itself.
   *
   * @throws {SchedulerUnreachableError}
   * @throws {WrongSecretError}
   * @throws {VersionRefusedError}
   * @throws {TlsError}
   * @throws {ComputationRefusedError}
   * @throws {FileTransferError} Where a file of the computation cannot be read or sent.
   * @throws {NodeRequestError} Where the name of a node is not known.
   * @throws {ListenError} Where the port for replies cannot be opened.
   * @throws {RecoveryFileError}
   * @throws The signal's reason, where that is aborted meanwhile.
   */
  static async open<Args extends readonly unknown[], Result>(
    options: SharedJobClusterOptions<Args, Result>,
  ): Promise<SharedJobCluster<Args, Result>> {
    options.signal?.throwIfAborted();
    const parts = await openParts(options);
    return new SharedJobCluster(parts);
  }

  /** Name of the computation. */
  get name(): string {
    return this.#parts.options.computation.name;
  }

  /** The scheduler's number for the computation. */
  get computeId(): number {
    return this.#parts.ref.computeId;
  }

  /** The nodes that have been set up for the cluster, by address. */
  get nodes(): ReadonlyMap<string, ClusterNode> {
    return this.#parts.nodes.nodes;
  }

  /** Jobs that have not ended. */
  get jobs(): Job<Result>[] {
    return [...this.#parts.jobs.unfinished];
  }

  /** How many jobs have not ended. */
  get pendingJobs(): number {
    return this.#parts.jobs.size;
  }

  /**
   * Submits a job.
   *
   * Returns at once; while the scheduler is away, the job waits for it. See {@linkcode Job}.
   *
   * @param args The arguments of the computation.
   * @throws {UnsupportedValueError} Where an argument has no counterpart in the other language.
   * @throws {ClosedError} Where the cluster is closed.
   */
  submit(args: Args, options: SubmitOptions = {}): Job<Result> {
    if (this.#closing !== null) throw new ClosedError("the cluster is closed");
    const { jobs, submitter, inbox, observers } = this.#parts;
    const { computation, submitTimeoutMs } = this.#parts.options;
    const { signal } = options;
    const job = new ClusterJob<Result>({
      id: options.id ?? ++this.#lastId,
      hash: crypto.getRandomValues(new Uint8Array(HASH_BYTES))
        .reduce((hex, byte) => hex + byte.toString(16).padStart(2, "0"), ""),
      computation,
      payload: computation.encodeArguments(args, options.kwargs),
      onAccepted: (accepted) => {
        observers.job(accepted, "Created");
        // What was said of it before, the scheduler did not understand.
        if (accepted.cancelRequested) this.#cancelUnasked(accepted);
      },
      onCancel: (cancelled) => this.#cancel(cancelled),
    });
    jobs.add(job);
    if (signal?.aborted) {
      inbox.onFailure(job, cancelledError(job));
      return job;
    }
    if (signal !== undefined) {
      const onAbort = () => this.#cancelUnasked(job);
      signal.addEventListener("abort", onAbort, { once: true });
      void job.done.then(() => signal.removeEventListener("abort", onAbort));
    }
    submitter.submit({
      job,
      node: options.node ?? null,
      depends: options.depends ?? [],
      code: options.code ?? "",
      timeoutMs: options.submitTimeoutMs ?? submitTimeoutMs ?? null,
    });
    return job;
  }

  /**
   * Submits a job for each of `inputs`, at most `concurrency` at once, and yields the jobs as they
   * end. Leaving the loop early cancels the jobs that are under way.
   *
   * @example
   * ```ts
   * for await (const job of cluster.map(numbers.map((n) => [n]), { concurrency: 8 })) {
   *   console.log(job.id, await job.result);
   * }
   * ```
   *
   * @param inputs The arguments of each job; an endless iterable is fine.
   */
  map(
    inputs: Iterable<Args> | AsyncIterable<Args>,
    options: MapOptions = {},
  ): AsyncIterableIterator<Job<Result>> {
    return mapJobs(inputs, (args: Args) => this.submit(args), options);
  }

  /**
   * Yields jobs as they end.
   *
   * @param jobs All that have not ended when the iteration begins, where absent.
   */
  results(jobs?: Iterable<Job<Result>>): AsyncIterableIterator<Job<Result>> {
    return asTheyEnd(jobs ?? this.jobs);
  }

  /** Resolves as soon as no job is left that has not ended. */
  wait(): Promise<void> {
    return this.#parts.jobs.untilIdle();
  }

  /**
   * Uses a node, or several, beside those that the cluster was opened with.
   *
   * @throws {NodeRequestError}
   */
  allocateNode(node: string | NodeSpec): Promise<void> {
    return this.#parts.requests.allocate(node);
  }

  /**
   * Gives a node no more jobs.
   *
   * @throws {NodeRequestError}
   */
  deallocateNode(node: string): Promise<void> {
    return this.#parts.requests.deallocate(node);
  }

  /**
   * Gives up the computation at a node.
   *
   * @param options `terminatePending`: jobs that run there are ended.
   * @throws {NodeRequestError}
   */
  closeNode(
    node: string,
    options: { readonly terminatePending?: boolean | undefined } = {},
  ): Promise<void> {
    return this.#parts.requests.close(node, options.terminatePending ?? false);
  }

  /**
   * Changes how many CPUs of a node are used, for all clusters: the scheduler must allow it
   * (option `--cooperative`), or the cluster be exclusive.
   *
   * @param cpus That many, or all but that many if negative.
   * @throws {NodeRequestError}
   */
  setNodeCpus(node: string, cpus: number): Promise<void> {
    return this.#parts.requests.setCpus(node, cpus);
  }

  /**
   * The jobs of this cluster that run at a node.
   *
   * @param options `fromNode`: the node itself is asked.
   */
  nodeJobs(
    node: string,
    options: { readonly fromNode?: boolean | undefined } = {},
  ): Promise<Job<Result>[]> {
    return this.#parts.requests.jobsAt(node, options.fromNode ?? false);
  }

  /**
   * Sends a file to a node, into the computation's folder there.
   *
   * @throws {FileTransferError}
   */
  sendFile(file: string | URL, node: string, options: SendFileOptions = {}): Promise<void> {
    return this.#parts.requests.sendFile(file, node, options.direct ?? false);
  }

  /**
   * Waits for the jobs that have not ended, then ends the computation at the scheduler. No more
   * jobs are taken from now on.
   */
  close(options: CloseOptions = {}): Promise<void> {
    return this.#closing ??= this.#close(options);
  }

  /** As {@linkcode close}: waits for the jobs that have not ended. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close({ terminate = false, timeoutMs }: CloseOptions): Promise<void> {
    const { jobs, link, watch, recall, inbox, listening, ref, recoveryFile, observers } =
      this.#parts;
    if (!terminate) await within(jobs.untilIdle(), timeoutMs);
    const left = [...jobs.unfinished];
    if (left.length > 0) {
      for (const job of left) this.#cancelUnasked(job);
      await within(jobs.untilIdle(), FAREWELL_MS);
    }
    clearInterval(this.#poll);
    watch.stop();
    this.#parts.waitWatch?.stop();
    recall.stop();
    for (const job of left) inbox.onFailure(job, cancelledError(job));
    try {
      await link.tell({ kind: "CLOSE", ...ref, terminatePending: true });
      recoveryFile?.remove();
    } catch (error) {
      // A scheduler that cannot be told gives the computation up by itself, after a while.
      if (!isTemporary(error)) throw error;
      observers.connection({ kind: "lost", error: asError(error) });
    } finally {
      await listening.close();
    }
  }

  async #cancel(job: ClusterJob<Result>): Promise<void> {
    const { link, ref, inbox, watch } = this.#parts;
    while (!job.hasEnded) {
      const { uid } = job;
      // The scheduler does not have it, or is told NAK as soon as it gives it a number.
      if (uid === null) return inbox.onFailure(job, cancelledError(job));
      try {
        await link.tell({ kind: "TERMINATE_JOB", ...ref, uid });
        return;
      } catch (error) {
        if (!isTemporary(error)) throw error;
        watch.onLost(asError(error));
        await Promise.race([watch.untilPresent(), job.done]);
      }
    }
  }

  /** Cancels a job where nobody waits for the word that it was. */
  #cancelUnasked(job: Job<Result>): void {
    job.cancel().catch((error) => {
      this.#parts.observers.connection({ kind: "lost", error: asError(error) });
    });
  }

  async #fetch(): Promise<void> {
    const { recall, watch, jobs } = this.#parts;
    if (jobs.size === 0) return;
    try {
      await recall.fetch();
    } catch (error) {
      if (!(error instanceof DispyError)) throw error;
      watch.onLost(error);
    }
  }
}

function cancelledError(job: Job): JobCancelledError {
  return new JobCancelledError(`job ${job.id} was cancelled`);
}

/** Waits for a promise, for so long at most. */
async function within(promise: Promise<void>, timeoutMs: number | undefined): Promise<void> {
  if (timeoutMs === undefined) return await promise;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs));
  await Promise.race([promise, timeUp]);
  clearTimeout(timer);
}
