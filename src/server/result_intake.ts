/**
 * Results that nodes bring: taken, or left with their nodes where too much is kept here already.
 *
 * @module
 */

import { type Job, onJobReply } from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import { type JobReply, JobStatus } from "../wire/mod.ts";
import type { Context } from "./context.ts";
import { toNews } from "./job_news.ts";
import { RESULT_FORM } from "./payload_forms.ts";

const log = getLogger("nodeside");

/** Results up to this size are always taken: the number of jobs bounds them. */
const ALWAYS_TAKEN_BYTES = 4096;

const WARNING_INTERVAL_MS = 60_000;

/** What became of a result. */
export type Intake =
  /** It is safe here. */
  | "taken"
  /** Nobody here waits for it. */
  | "unknown"
  /** Its node must keep it and offer it again. */
  | "left";

/** See the module's description. */
export class ResultIntake {
  readonly #warnings = new RepeatLimiter(log, { intervalMs: WARNING_INTERVAL_MS });
  /** Jobs whose results their nodes were left with, by uid. */
  readonly #left = new Set<number>();

  constructor(private readonly context: Context) {}

  /** Takes a node's reply. What it comes to lasts when the promise resolves. */
  async take(reply: JobReply): Promise<Intake> {
    const { engine, payloads, computations } = this.context;
    const job = this.#waitingFor(reply);
    if (job === undefined) {
      engine.post((core, nowMs) => onJobReply(core, toNews(reply, null), nowMs));
      await engine.committed();
      return "unknown";
    }
    const { owner: client } = computations.of(job.cluster);
    if (this.#mustWait(job, reply, client)) return "left";
    this.#left.delete(reply.uid);
    const kept = await payloads.keep(RESULT_FORM, reply, client);
    const known = engine.post((core, nowMs) => onJobReply(core, toNews(reply, kept), nowMs));
    await engine.committed();
    // Its client may have closed the computation meanwhile.
    if (!kept.isAdopted) await kept.drop();
    return known ? "taken" : "unknown";
  }

  /** Whether the result of this job is with its node because there was no room for it. */
  isLeft(uid: number): boolean {
    return this.#left.has(uid);
  }

  /** The job is over. */
  forget(uid: number): void {
    this.#left.delete(uid);
  }

  /** The job that `reply` is of, if somebody wants its result. */
  #waitingFor({ uid, hash, ipAddr }: JobReply): Job | undefined {
    const job = this.context.engine.core.jobs.get(uid);
    const isWanted = job !== undefined && job.runHash === hash &&
      job.share?.node.ipAddr === ipAddr && job.cluster.wantsResults;
    return isWanted ? job : undefined;
  }

  #mustWait({ uid, cluster }: Job, reply: JobReply, client: string): boolean {
    const sizeBytes = RESULT_FORM.sizeOf(reply);
    // dispynode does not keep what a job has left that has failed.
    if (sizeBytes <= ALWAYS_TAKEN_BYTES || reply.status === JobStatus.Terminated) return false;
    const takesResults = cluster.overdue.size === 0;
    const { engine, payloads } = this.context;
    const { shortage } = engine;
    const reason = payloads.budget.resultRefusal(client, sizeBytes, { takesResults, shortage });
    if (reason === null) return false;
    if (reply.status !== JobStatus.ProvisionalResult) this.#left.add(uid);
    this.#warnings.warning(client, "a result is left with its node for now", {
      job: uid,
      node: reply.ipAddr,
      client,
      reason,
      hint: "its client must fetch results, or the disk or --disk_budget be larger",
    });
    return true;
  }
}
