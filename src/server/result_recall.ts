/**
 * Results that clients come for themselves.
 *
 * @module
 */

import { type Delivery, onDelivered } from "../core/mod.ts";
import {
  encodePendingJobsAnswer,
  encodeRetrieveJobAnswer,
  isAck,
  JobStatus,
  type MessageStream,
  type PendingJobsRequest,
  type RetrieveJobRequest,
} from "../wire/mod.ts";
import type { ClientLinks } from "./client_links.ts";
import type { Computation } from "./computation.ts";
import { type Context, MAX_ANSWER_BYTES } from "./context.ts";

/** As many uids as dispy names in one answer. */
const MAX_DONE_UIDS = 50;

/** See the module's description. */
export class ResultRecall {
  constructor(private readonly context: Context, private readonly clientLinks: ClientLinks) {}

  /** Answers a client that wants to know which results there are, or to have one. */
  async serve(
    stream: MessageStream,
    request: PendingJobsRequest | RetrieveJobRequest,
    computation: Computation | undefined,
  ): Promise<void> {
    if (request.kind === "RETRIEVE_JOB") return await this.#retrieve(stream, request, computation);
    const cluster = computation?.cluster;
    const doneUids = [];
    for (const delivery of cluster?.overdue ?? []) {
      if (delivery.status === JobStatus.ProvisionalResult) continue;
      if (doneUids.push(delivery.uid) === MAX_DONE_UIDS) break;
    }
    await stream.writeMessage(
      encodePendingJobsAnswer({ doneUids, pending: cluster?.jobs.size ?? 0 }),
    );
  }

  async #retrieve(
    stream: MessageStream,
    { uid, hash }: RetrieveJobRequest,
    computation: Computation | undefined,
  ): Promise<void> {
    const delivery = computation === undefined ? undefined : finalResult(computation, uid, hash);
    if (computation === undefined || delivery === undefined) {
      return await stream.writeMessage(...encodeRetrieveJobAnswer(null));
    }
    using loan = await this.clientLinks.of(computation.cluster).lendReply(delivery);
    const { dialect } = computation;
    await stream.writeMessage(...encodeRetrieveJobAnswer(await loan.read(), dialect));
    if (isAck(await stream.readMessage(MAX_ANSWER_BYTES))) {
      this.context.engine.post((core, nowMs) => onDelivered(core, delivery, nowMs));
    }
  }
}

function finalResult({ cluster }: Computation, uid: number, hash: string): Delivery | undefined {
  for (const delivery of cluster.deliveries.values()) {
    const final = delivery.status !== JobStatus.ProvisionalResult;
    if (final && delivery.uid === uid && delivery.hash === hash) return delivery;
  }
  return undefined;
}
