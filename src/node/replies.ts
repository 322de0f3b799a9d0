/**
 * Brings results to the scheduler, or straight to a client with a JobCluster: at once, and again
 * and again from disk where that fails.
 *
 * @module
 */

import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import { encodeNodeRequest, isAck, type JobReply, type JobReplyMessage } from "../wire/mod.ts";
import { MAX_ANSWER_BYTES, type NodeContext } from "./context.ts";
import type { HeldComputation, PeerAddress } from "./held_computations.ts";
import type { KeptReplies, KeptReply } from "./kept_replies.ts";
import type { SchedulerNews } from "./scheduler_news.ts";

const log = getLogger("node");

/** Kept results are offered again after this time; then after twice as long, and so on. */
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 60_000;

/** How a result was received. */
export type Delivery =
  /** It has arrived. */
  | "taken"
  /** Whoever is there does not want it: it does not know the job. */
  | "unwanted"
  /** Nobody is there, or nobody who answers. */
  | "failed";

/** See the module's description. */
export class Replies {
  /** Results that are on their way. */
  readonly #underWay = new Set<KeptReply>();
  /** Results that whoever was there did not want: they are offered when asked for only. */
  readonly #unwanted = new WeakSet<KeptReply>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retryMs = FIRST_RETRY_MS;
  #isClosed = false;

  constructor(
    private readonly context: NodeContext,
    private readonly kept: KeptReplies,
    private readonly news: SchedulerNews,
  ) {}

  /** Begins to offer what earlier runs have left. */
  start(): void {
    if (this.kept.size > 0) this.#retryLater();
  }

  /** Offers nothing more by itself. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** Sends a job's result; keeps it where that fails. Never throws. */
  async deliver(computation: HeldComputation, reply: JobReply): Promise<void> {
    const delivery = await this.send(computation.replyTo, reply);
    log.debug("result sent", { job: reply.uid, delivery });
    if (delivery === "taken") {
      computation.touch();
      this.resendSoon();
      return;
    }
    const { compute: { id: computeId, auth }, replyTo } = computation;
    const kept = await this.kept.add({ computeId, auth, replyTo }, reply);
    const where = this.kept.isOnDisk(kept) ? "on disk" : "in memory";
    log.warning(`a result was not taken; it is kept ${where}`, {
      job: reply.uid,
      scheduler: replyTo.host,
      port: replyTo.port,
      delivery,
    });
    if (delivery === "failed") this.#retryLater();
    else this.#unwanted.add(kept);
  }

  /** Sends a result, without keeping it. Never throws. */
  async send(
    to: PeerAddress,
    reply: JobReply,
    timeoutMs: number | null = null,
  ): Promise<Delivery> {
    const message: JobReplyMessage = { kind: "JOB_REPLY", reply };
    try {
      using stream = await this.context.transport.connect(to.host, to.port);
      if (timeoutMs !== null) stream.timeoutMs = timeoutMs;
      await stream.writeMessage(...encodeNodeRequest(message));
      const answer = await stream.readMessage(MAX_ANSWER_BYTES);
      this.news.onReached(to);
      if (isAck(answer)) return "taken";
      return answer.length > 0 ? "unwanted" : "failed";
    } catch (error) {
      const reason = messageOf(error);
      log.debug("result not sent", { job: reply.uid, reason });
      this.news.onUnreachable(to, reason);
      return "failed";
    }
  }

  /** The scheduler is there: what is kept is offered at once, and not when its time has come. */
  resendSoon(): void {
    if (this.#timer === undefined) return;
    this.#retryMs = FIRST_RETRY_MS;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#retry(), 0);
  }

  /** Offers all that is kept of a computation: somebody who knows its auth has asked for it. */
  async resend(computeId: number, auth: string): Promise<void> {
    for (const kept of this.kept.of(computeId, auth)) {
      if (await this.#offer(kept) === "failed") return this.#retryLater();
    }
  }

  #retryLater(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    this.#timer = setTimeout(() => this.#retry(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
  }

  async #retry(): Promise<void> {
    this.#timer = undefined;
    await this.kept.writeAll();
    // One attempt tells whether anybody is there: the others need not wait for theirs to fail.
    const absent = new Set<string>();
    for (const kept of this.kept.all) {
      const { host, port } = kept.replyTo;
      if (this.#isClosed || absent.has(`${host} ${port}`) || this.#unwanted.has(kept)) {
        continue;
      }
      const delivery = await this.#offer(kept);
      if (delivery === "failed") absent.add(`${host} ${port}`);
    }
    if (absent.size > 0) this.#retryLater();
    else this.#retryMs = FIRST_RETRY_MS;
  }

  async #offer(kept: KeptReply): Promise<Delivery> {
    if (this.#underWay.has(kept)) return "taken";
    this.#underWay.add(kept);
    try {
      const reply = await this.kept.read(kept);
      // What can never be read is forgotten: there is nothing left to offer.
      if (reply === null) return this.kept.has(kept) ? "failed" : "taken";
      const delivery = await this.send(kept.replyTo, reply);
      if (delivery === "unwanted") this.#unwanted.add(kept);
      if (delivery === "taken") {
        log.info("a kept result has arrived", { job: kept.uid, scheduler: kept.replyTo.host });
        await this.kept.remove(kept);
      }
      return delivery;
    } finally {
      this.#underWay.delete(kept);
    }
  }
}
