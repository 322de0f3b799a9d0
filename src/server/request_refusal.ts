/**
 * Tells clients that a request is not served.
 *
 * dispy's clients take a closed connection for an answer, and fail with an `EOFError` that says
 * nothing, or wait. So each request is answered in the way in which a client of any release takes
 * "no", and with the reason where it has an ear for one.
 *
 * @module
 */

import {
  encodeClientAnswer,
  encodeClientComputeAnswer,
  encodeIntAnswer,
  encodePendingJobsAnswer,
  encodeRetrieveJobAnswer,
  encodeUidsAnswer,
  type MessageStream,
  NAK,
  refuseFile,
} from "../wire/mod.ts";
import { encodeJobRefusal } from "./job_refusal.ts";

/** The answer to most requests that are not carried out. */
const NOT_DONE = -1;

/** By tag, how a refusal is written. The rest of what clients send has no answer. */
const REFUSALS: Readonly<Record<string, (reason: string) => readonly Uint8Array[]>> = {
  __proto__: null as never,
  // Clients compare the version with theirs, and show it where it is another.
  CLIENT: (version) => [encodeClientAnswer({ ipAddr: "", port: 0, sign: "", version })],
  COMPUTE: (reason) => [encodeClientComputeAnswer({ kind: "refused", reason })],
  JOB: (reason) => [encodeJobRefusal(reason)],
  SCHEDULE: () => [NAK],
  ALLOCATE_NODE: () => [encodeIntAnswer(NOT_DONE)],
  DEALLOCATE_NODE: () => [encodeIntAnswer(NOT_DONE)],
  CLOSE_NODE: () => [encodeIntAnswer(NOT_DONE)],
  SET_NODE_CPUS: () => [encodeIntAnswer(NOT_DONE)],
  NODE_JOBS: () => [encodeUidsAnswer([])],
  RESEND_JOB_RESULTS: () => [encodeIntAnswer(0)],
  PENDING_JOBS: () => [encodePendingJobsAnswer({ doneUids: [], pending: 0 })],
  RETRIEVE_JOB: () => encodeRetrieveJobAnswer(null),
};

/** Refuses the request with this tag. */
export async function refuseRequest(
  stream: MessageStream,
  tag: string,
  reason: string,
): Promise<void> {
  if (tag === "FILEXFER" || tag === "SENDFILE") return await refuseFile(stream);
  const refusal = REFUSALS[tag]?.(reason);
  if (refusal !== undefined) await stream.writeMessage(...refusal);
}
