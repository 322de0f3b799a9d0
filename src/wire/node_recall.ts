/**
 * What dispy's own JobCluster asks of a node beyond what schedulers do, and hears from it: results
 * that it fetches one by one (`poll_interval`), and a computation that is reset (`resetup_node`).
 *
 * @module
 */

import { dumpChunks, dumps, PyDict } from "../pickle/mod.ts";
import { requireDict, requireInt, requireString, toInt } from "./fields.ts";
import { encodeJobReply, type JobReply } from "./records/job_reply.ts";
import { decodePickle, encodeTagged, splitTag, unknownTag } from "./tags.ts";

/** Which jobs are done whose results were not taken? Answer: {@linkcode encodePendingAnswer}. */
export interface PendingJobsRequest {
  readonly kind: "PENDING_JOBS";
  readonly computeId: number;
  readonly auth: string;
}

/**
 * Give me a result that was not taken. Answer: {@linkcode encodeRetrieveAnswer}; then comes `ACK`,
 * and the node forgets the result.
 */
export interface RetrieveJobRequest {
  readonly kind: "RETRIEVE_JOB";
  readonly computeId: number;
  readonly auth: string;
  readonly uid: number;
  readonly hash: string;
}

/** Everything that this module knows. */
export type RecallRequest = PendingJobsRequest | RetrieveJobRequest;

/** Whether {@linkcode decodeRecall} knows messages of this tag. */
export function isRecallTag(tag: string): boolean {
  return tag === "PENDING_JOBS" || tag === "RETRIEVE_JOB";
}

/**
 * Reads a request, without the auth code.
 *
 * @throws {WireError} `malformed`
 */
export function decodeRecall(message: Uint8Array): RecallRequest {
  const { tag, body } = splitTag(message);
  if (tag !== "PENDING_JOBS" && tag !== "RETRIEVE_JOB") throw unknownTag(tag, "to a node");
  const dict = requireDict(decodePickle(body, tag), tag);
  const common = {
    computeId: requireInt(dict, "compute_id", tag),
    auth: requireString(dict, "auth", tag),
  };
  if (tag === "PENDING_JOBS") return { kind: tag, ...common };
  return {
    kind: tag,
    ...common,
    uid: requireInt(dict, "uid", tag),
    hash: requireString(dict, "hash", tag),
  };
}

/** The answer to `PENDING_JOBS:`: results that are held, and how many jobs run. */
export function encodePendingAnswer(done: readonly number[], pending: number): Uint8Array {
  return dumps(PyDict.from({ done: done.map(toInt), pending: toInt(pending) }));
}

/** The answer to `RETRIEVE_JOB:`: the result, or `None`. */
export function encodeRetrieveAnswer(reply: JobReply | null): Uint8Array[] {
  return dumpChunks(reply === null ? null : encodeJobReply(reply));
}

/** A node tells a scheduler that a computation was reset: it waits for another setup. */
export interface NodeClosed {
  readonly computeId: number;
  readonly auth: string;
  readonly nodeIpAddr: string;
  /** Auth code of the node's secret and its own sign: what schedulers prove themselves with. */
  readonly nodeAuth: Uint8Array;
}

/** Writes `NODE_CLOSED:`. No answer. */
export function encodeNodeClosed(closed: NodeClosed): Uint8Array[] {
  return encodeTagged(
    "NODE_CLOSED",
    PyDict.from({
      node_addr: closed.nodeIpAddr,
      node_auth: closed.nodeAuth,
      compute_id: toInt(closed.computeId),
      auth: closed.auth,
    }),
  );
}
