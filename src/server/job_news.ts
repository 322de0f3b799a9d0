/**
 * A node's reply as the core hears of it.
 *
 * @module
 */

import type { JobReplyNews } from "../core/mod.ts";
import { type JobReply, JobStatus } from "../wire/mod.ts";
import type { KeptPayload } from "./kept_payload.ts";

/** What the core needs to know of `reply`, which is kept as `payload`. */
export function toNews(reply: JobReply, payload: KeptPayload<JobReply> | null): JobReplyNews {
  return {
    uid: reply.uid,
    hash: reply.hash,
    nodeIpAddr: reply.ipAddr,
    status: reply.status,
    provisional: reply.status === JobStatus.ProvisionalResult,
    startTimeS: reply.startTimeS,
    endTimeS: reply.endTimeS,
    payload,
  };
}
