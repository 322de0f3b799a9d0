/**
 * Jobs: taken as long as CPUs are free, watched, ended when told, and their results sent.
 *
 * @module
 */

import { concat } from "@std/bytes/concat.js";
import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import { dumps } from "../pickle/mod.ts";
import { ACK, type DispyJob, type JobReply, JobStatus, type MessageStream } from "../wire/mod.ts";
import type { NodeContext } from "./context.ts";
import { releaseFiles, sizeRefusal } from "./file_intake.ts";
import type { HeldComputation, HeldJob } from "./held_computations.ts";
import { ClientOfJob } from "./job_host.ts";
import type { JobLimits } from "./job_limits.ts";
import { JOB_VARIABLE } from "./marks.ts";
import { isThere } from "./lost_folders.ts";
import type { Replies } from "./replies.ts";
import type { ComputationRunner, JobEnd } from "./runner.ts";

const log = getLogger("node");

const ENCODER = new TextEncoder();

/** What the node does when jobs come and go. */
export interface JobEvents {
  /** Whether jobs are taken at this time. */
  isOpen(): boolean;
  /** No job runs any more. */
  onIdle(): void;
  /** A computation's folder is gone, which no job can do without. */
  onFolderGone(computation: HeldComputation): void;
}

/** See the module's description. */
export class Jobs {
  constructor(
    private readonly context: NodeContext,
    private readonly replies: Replies,
    private readonly limits: JobLimits,
    private readonly events: JobEvents,
  ) {}

  /** Takes a job, or says why not. */
  async take(stream: MessageStream, job: DispyJob): Promise<void> {
    const computation = this.context.held.get(job.computeId);
    if (computation !== undefined && computation.jobs.get(job.uid ?? -1)?.hash === job.hash) {
      // Its scheduler has not heard of the first acknowledgement. Its files have come twice.
      await releaseFiles(this.context.access, computation, job.xferFiles);
      return await stream.writeMessage(ACK);
    }
    const refusal = this.#refusal(computation, job);
    if (computation === undefined || computation.runner === null || refusal !== null) {
      log.debug("job refused", { job: job.uid, reason: refusal });
      // Its files came for nothing, and come again with it.
      if (computation !== undefined) {
        await releaseFiles(this.context.access, computation, job.xferFiles);
      }
      return await stream.writeMessage(ENCODER.encode(refusal ?? "Invalid job (not set up)"));
    }
    const { held } = this.context;
    held.occupy();
    computation.claim();
    computation.touch();
    try {
      await stream.writeMessage(ACK);
    } catch (error) {
      // Its scheduler takes it for not run, so it must not run.
      held.vacate();
      computation.release();
      await releaseFiles(this.context.access, computation, job.xferFiles);
      throw error;
    }
    this.#start(computation, computation.runner, job);
  }

  /** Ends a job that its scheduler has cancelled. */
  terminate(uid: number, computeId: number): void {
    const job = this.context.held.get(computeId)?.jobs.get(uid);
    if (job === undefined) {
      log.debug("job to end does not run", { job: uid });
      return;
    }
    this.end(job, "");
  }

  /**
   * Ends a job.
   *
   * @param reason For its client; "" where that is no news.
   */
  end(job: HeldJob, reason: string): void {
    job.endReason ??= reason;
    job.running.terminate();
  }

  /** Ends all jobs: the node leaves. Their scheduler learns that from the node's farewell. */
  forsakeAll(): void {
    for (const computation of this.context.held) {
      computation.isForsaken = true;
      for (const job of computation.jobs.values()) this.end(job, "");
    }
  }

  /** Why a job cannot be taken, in words that dispy's schedulers and ours understand. */
  #refusal(computation: HeldComputation | undefined, job: DispyJob): string | null {
    if (job.uid === null) return "Invalid job (it has no uid)";
    if (computation === undefined) {
      return `Invalid job (computation ${job.computeId} is not known here; it may have been ` +
        "closed because its scheduler was silent)";
    }
    if (computation.state !== "ready") return "Invalid job (its computation is not set up)";
    if (!isThere(computation.folder.path)) {
      this.events.onFolderGone(computation);
      return "Invalid job (the folder of its computation is gone)";
    }
    if (this.context.held.busyCpus >= this.context.options.cpus || !this.events.isOpen()) {
      return "All CPUs busy!";
    }
    const { maxFileSizeBytes } = this.context.options;
    const tooBig = job.xferFiles.map((xfer) => sizeRefusal(maxFileSizeBytes, xfer));
    return tooBig.find((reason) => reason !== null) ?? null;
  }

  #start(computation: HeldComputation, runner: ComputationRunner, job: DispyJob): void {
    const uid = job.uid!;
    const startTimeS = Date.now() / 1000;
    const client = new ClientOfJob(
      this.context,
      this.replies,
      computation,
      () => replyTo(held, RUNNING),
    );
    const running = runner.start({
      uid,
      args: job.args,
      kwargs: job.kwargs,
      code: job.code,
      environment: { [JOB_VARIABLE]: crypto.randomUUID() },
    }, client);
    const held: HeldJob = {
      uid,
      hash: job.hash,
      xferFiles: job.xferFiles,
      computation,
      startTimeS,
      running,
      endReason: null,
    };
    computation.jobs.set(uid, held);
    // It may have been on its way when all others were ended.
    if (computation.isForsaken) this.end(held, "");
    const stopWatching = this.limits.watch(held, (reason) => this.end(held, reason));
    log.debug("job started", { job: uid, computation: computation.compute.name });
    void running.ended.then((end) => {
      stopWatching();
      return this.#ended(held, end);
    }).catch((error) => {
      log.error("internal error at the end of a job", { job: uid, reason: messageOf(error) });
    });
  }

  async #ended(job: HeldJob, end: JobEnd): Promise<void> {
    const { computation } = job;
    // Its scheduler may have given it up and sent it again, which is another run.
    if (computation.jobs.get(job.uid) === job) computation.jobs.delete(job.uid);
    // The scheduler may send the next job as soon as it has the result.
    this.context.held.vacate();
    try {
      await releaseFiles(this.context.access, computation, job.xferFiles);
      const reply = replyTo(job, job.endReason === null ? end : endedEarly(end, job.endReason));
      log.debug("job ended", { job: job.uid, status: reply.status });
      if (!computation.isForsaken) await this.replies.deliver(computation, reply);
    } finally {
      computation.release();
      if (this.context.held.busyCpus === 0) this.events.onIdle();
    }
  }
}

/** What a job has to show while it runs. */
const RUNNING = {
  status: JobStatus.Running,
  result: dumps(null),
  stdout: null,
  stderr: null,
  exception: null,
} as const;

/**
 * The end of a job that was told to end. It was interrupted and given some time, in which it may
 * have returned what it had: that is its result, as with dispynode.
 */
function endedEarly(end: JobEnd, reason: string): JobEnd {
  if (reason === "") return end;
  if (end.status === JobStatus.Finished) return { ...end, stderr: withLine(end.stderr, reason) };
  return { ...end, exception: end.exception === null ? reason : `${reason}\n${end.exception}` };
}

/** What a job has printed, and a line of the node below it. */
function withLine(printed: JobEnd["stderr"], line: string): JobEnd["stderr"] {
  if (printed instanceof Uint8Array) return concat([printed, ENCODER.encode(`${line}\n`)]);
  return `${printed ?? ""}${line}\n`;
}

function replyTo(
  { uid, hash, computation, startTimeS }: HeldJob,
  end: Pick<JobReply, "status" | "result" | "stdout" | "stderr" | "exception">,
): JobReply {
  return {
    uid,
    hash,
    ipAddr: computation.compute.nodeIpAddr,
    status: end.status,
    result: end.result,
    stdout: end.stdout,
    stderr: end.stderr,
    exception: end.exception,
    startTimeS,
    endTimeS: Date.now() / 1000,
    cpus: null,
    extra: null,
  };
}
