/**
 * Results of a program that has ended before them.
 *
 * @module
 */

import { ACK, ComputeType, decodePendingJobsAnswer, decodeRetrieveJobAnswer } from "../wire/mod.ts";
import { PyTuple } from "../pickle/mod.ts";
import { ClusterJob } from "./cluster_job.ts";
import { DEFAULT_MAX_REPLY_BYTES, openLink } from "./cluster_parts.ts";
import type { ComputationBase } from "./computation.ts";
import { ComputationLostError } from "./errors.ts";
import type { Job } from "./job.ts";
import type { TlsOptions } from "./options.ts";
import { readPythonResult } from "./python_results.ts";
import { readRecoveryFile, type RecoveryHeader, removeRecoveryFile } from "./recovery_file.ts";
import type { SchedulerLink } from "./scheduler_link.ts";
import { readTypeScriptResult } from "./typescript.ts";

/** Between two questions for results. */
const ASK_MS = 1_000;

/**
 * So many answers in a row must say that there is nothing before that is believed: a result may
 * be on its way to the program that has ended.
 */
const EMPTY_ANSWERS = 3;

/** What {@linkcode recoverJobs} needs beside the file. */
export interface RecoverOptions {
  /** The secret of the scheduler's option `--cluster_secret`; none when absent. */
  readonly clusterSecret?: string | undefined;
  /** The certificate of the scheduler's option `--cluster_certfile`; no TLS when absent. */
  readonly tls?: TlsOptions | undefined;
  /** Where the scheduler is now, if not where it was. */
  readonly scheduler?: string | undefined;
  /** Cancel jobs that have not ended. */
  readonly terminate?: boolean | undefined;
  /** Give up after so long, in ms, and leave what is left to a later call; never when absent. */
  readonly limitMs?: number | undefined;
  /** Ends the iteration with the signal's reason; what is left is left to a later call. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Yields the jobs of a program that has ended before their results came, as they end: all that
 * its `recoverFile` names and that it had not got. When all are there, the computation is closed
 * and the file removed.
 *
 * @example
 * ```ts
 * for await (const job of recoverJobs("jobs.recover", { clusterSecret })) {
 *   console.log(job.id, await job.result);
 * }
 * ```
 *
 * @param file The `recoverFile` that the program's cluster was opened with.
 * @throws {RecoveryFileError}
 * @throws {SchedulerUnreachableError}
 * @throws {ComputationLostError} Where the scheduler does not know the computation, or the secret.
 */
export async function* recoverJobs<Result = unknown>(
  file: string | URL,
  options: RecoverOptions = {},
): AsyncIterableIterator<Job<Result>> {
  const { header, jobs: noted } = readRecoveryFile(file);
  const { computeId, auth, scheduler, schedulerPort, dispyVersion } = header;
  const ref = { computeId, auth };
  const link = openLink({
    scheduler: options.scheduler ?? scheduler,
    schedulerPort,
    dispyVersion,
    clusterSecret: options.clusterSecret,
    tls: options.tls,
  });
  const computation = computationOf<Result>(header);
  const onCancel = async (job: ClusterJob<Result>) => {
    if (job.uid !== null) await link.tell({ kind: "TERMINATE_JOB", ...ref, uid: job.uid });
  };
  const left = new Map<number, ClusterJob<Result>>();
  for (const { uid, hash, id } of noted) {
    const job = new ClusterJob<Result>({ id, hash, computation, payload: null, onCancel });
    job.uid = uid;
    left.set(uid, job);
  }
  if (options.terminate === true) {
    for (const job of left.values()) await job.cancel();
  }
  const endMs = Date.now() + (options.limitMs ?? Infinity);
  for (let empty = 0; left.size > 0 && empty < EMPTY_ANSWERS;) {
    options.signal?.throwIfAborted();
    const answer = await link.askFor(
      { kind: "PENDING_JOBS", ...ref },
      (message) => message.length === 0 ? null : decodePendingJobsAnswer(message),
    );
    if (answer === null) {
      throw new ComputationLostError(
        `the scheduler at ${link.address.host} does not know the computation ${header.name}, ` +
          "or not the cluster secret",
      );
    }
    const { doneUids, pending } = answer;
    for (const uid of doneUids) {
      const job = left.get(uid);
      if (job === undefined || !await retrieve(link, ref, job)) continue;
      left.delete(uid);
      yield job;
    }
    empty = doneUids.length === 0 && pending === 0 ? empty + 1 : 0;
    if (Date.now() >= endMs) return;
    if (left.size > 0 && doneUids.length === 0) await pause(options.signal);
  }
  await link.tell({ kind: "CLOSE", ...ref, terminatePending: true });
  removeRecoveryFile(file);
}

/** @returns whether the result was there */
async function retrieve<Result>(
  link: SchedulerLink,
  ref: { readonly computeId: number; readonly auth: string },
  job: ClusterJob<Result>,
): Promise<boolean> {
  const request = { kind: "RETRIEVE_JOB", ...ref, uid: job.uid as number, hash: job.hash } as const;
  return await link.request(request, async (stream) => {
    const reply = decodeRetrieveJobAnswer(await stream.readMessage(DEFAULT_MAX_REPLY_BYTES));
    if (reply === null) return false;
    job.onReply(reply);
    await stream.writeMessage(ACK);
    await stream.waitForClose();
    return true;
  });
}

/** Nothing but what it takes to read results. */
function computationOf<Result>({ name, language }: RecoveryHeader): ComputationBase<Result> {
  const decode = language === "python" ? readPythonResult : readTypeScriptResult;
  return {
    type: ComputeType.Function,
    name,
    code: "",
    setup: null,
    cleanup: true,
    depends: [],
    encodeSetupArguments: () => new PyTuple([]),
    decodeResult: (result) => decode(result) as Result,
    decodeProvisional: decode,
  };
}

function pause(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ASK_MS);
    signal?.addEventListener("abort", done, { once: true });
  });
}
