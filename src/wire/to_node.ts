/**
 * What a scheduler asks of a node. Each request opens its own connection, with the auth code of
 * the node's secret in front. (`PING:` is in `discovery.ts`.)
 *
 * @module
 */

import { PyDict, PyTuple } from "../pickle/mod.ts";
import type { PyValue } from "../pickle/mod.ts";
import { ANY_PYTHON, decodeAckAnswer, decodeReason, toReason } from "./answers.ts";
import { CURRENT_DIALECT, type Dialect } from "./dialect.ts";
import { WireError } from "./errors.ts";
import {
  asSafeInt,
  badField,
  optionalFlag,
  optionalString,
  requireDict,
  requireInt,
  requireString,
  toInt,
} from "./fields.ts";
import { decodeCompute, encodeCompute, oldestReleaseOf } from "./records/compute.ts";
import type { Compute } from "./records/compute.ts";
import { decodeDispyJob, encodeDispyJob } from "./records/dispy_job.ts";
import type { DispyJob } from "./records/dispy_job.ts";
import { decodeXferFile, encodeXferFile } from "./records/xfer_file.ts";
import type { XferFile } from "./records/xfer_file.ts";
import { decodePickle, encodeTagged, splitTag, unknownTag } from "./tags.ts";

/** Take this computation. Answer: {@linkcode decodeComputeAnswer}. */
export interface NodeComputeRequest {
  readonly kind: "COMPUTE";
  readonly compute: Compute;
  /** Of one that was received: the oldest release that its scheduler can be of. */
  readonly oldestRelease?: string;
}

/** Take this file. The file transfer follows, see `file_transfer.ts`. */
export interface NodeFileRequest {
  readonly kind: "FILEXFER";
  readonly file: XferFile;
}

/** Run the computation's setup function; may take any time. Answer: `ACK`, else text. */
export interface SetupRequest {
  readonly kind: "SETUP";
  readonly computeId: number;
  /** User objects, passed on as they are. */
  readonly setupArgs: PyTuple;
}

/** Run this job. Answer: `ACK`, else text. */
export interface NodeJobRequest {
  readonly kind: "JOB";
  readonly job: DispyJob;
}

/** Kill this job. No answer; a `JOB_REPLY:` follows. */
export interface NodeTerminateJobRequest {
  readonly kind: "TERMINATE_JOB";
  readonly job: DispyJob;
}

/** Give up this computation. Answer: `ACK`, once its jobs are done. */
export interface NodeCloseRequest {
  readonly kind: "CLOSE";
  readonly computeId: number;
  readonly auth: string;
  /** The node's own address, as in the computation that it got. */
  readonly nodeIpAddr: string | null;
  readonly terminatePending: boolean;
  /** `false` resets the computation only, for another setup. */
  readonly close: boolean;
}

/**
 * `JOBS:` Which jobs are running? Answer: list of uids. `RESEND_JOB_RESULTS:` Send again what you
 * hold. Answer: int, how many results are held or to come.
 */
export interface NodeQueryRequest {
  readonly kind: "JOBS" | "RESEND_JOB_RESULTS";
  readonly computeId: number;
  readonly auth: string;
}

/** Everything that a scheduler asks of a node. */
export type ToNodeRequest =
  | NodeComputeRequest
  | NodeFileRequest
  | SetupRequest
  | NodeJobRequest
  | NodeTerminateJobRequest
  | NodeCloseRequest
  | NodeQueryRequest;

/**
 * Writes a request to a node, without the auth code.
 *
 * @param dialect What the node speaks.
 */
export function encodeToNode(
  request: ToNodeRequest,
  dialect: Dialect = CURRENT_DIALECT,
): Uint8Array[] {
  // The arguments of a setup function are the user's.
  const text = request.kind === "SETUP" ? "unicode" : "str";
  return encodeTagged(request.kind, toNodeBody(request, dialect), dialect.pickleProtocol, text);
}

function toNodeBody(request: ToNodeRequest, dialect: Dialect): PyValue {
  switch (request.kind) {
    case "COMPUTE":
      return encodeCompute(request.compute, dialect);
    case "FILEXFER":
      return encodeXferFile(request.file);
    case "JOB":
    case "TERMINATE_JOB":
      return encodeDispyJob(request.job, dialect);
    case "SETUP":
      if (dialect.setup !== "dict") return toInt(request.computeId);
      return PyDict.from({
        compute_id: toInt(request.computeId),
        setup_args: request.setupArgs,
      });
    case "CLOSE":
      return PyDict.from({
        compute_id: toInt(request.computeId),
        auth: request.auth,
        node_ip_addr: request.nodeIpAddr,
        terminate_pending: request.terminatePending,
        close: request.close,
      });
    case "JOBS":
    case "RESEND_JOB_RESULTS":
      return PyDict.from({ compute_id: toInt(request.computeId), auth: request.auth });
  }
}

const NO_ARGS = new PyTuple([]);

function decodeComputeRequest(value: PyValue): NodeComputeRequest {
  return {
    kind: "COMPUTE",
    compute: decodeCompute(value),
    oldestRelease: oldestReleaseOf(value),
  };
}

/**
 * Reads a request to a node, without the auth code.
 *
 * @throws {WireError} `malformed`
 */
export function decodeToNode(message: Uint8Array): ToNodeRequest {
  const { tag, body } = splitTag(message);
  switch (tag) {
    case "COMPUTE":
      return decodeComputeRequest(decodePickle(body, tag));
    case "FILEXFER":
      return { kind: tag, file: decodeXferFile(decodePickle(body, tag)) };
    case "JOB":
    case "TERMINATE_JOB":
      return { kind: tag, job: decodeDispyJob(decodePickle(body, tag)) };
    case "SETUP": {
      const value = decodePickle(body, tag);
      // Before 4.11 the arguments are in the computation.
      const bareId = asSafeInt(value);
      if (bareId !== undefined) return { kind: tag, computeId: bareId, setupArgs: NO_ARGS };
      const dict = requireDict(value, tag);
      const setupArgs = dict.get("setup_args");
      if (!(setupArgs instanceof PyTuple)) throw badField(tag, "setup_args", "a tuple");
      return { kind: tag, computeId: requireInt(dict, "compute_id", tag), setupArgs };
    }
    case "CLOSE": {
      const dict = requireDict(decodePickle(body, tag), tag);
      return {
        kind: tag,
        computeId: requireInt(dict, "compute_id", tag),
        auth: requireString(dict, "auth", tag),
        nodeIpAddr: optionalString(dict, "node_ip_addr", tag),
        terminatePending: optionalFlag(dict, "terminate_pending", tag),
        close: optionalFlag(dict, "close", tag, true),
      };
    }
    case "JOBS":
    case "RESEND_JOB_RESULTS": {
      const dict = requireDict(decodePickle(body, tag), tag);
      return {
        kind: tag,
        computeId: requireInt(dict, "compute_id", tag),
        auth: requireString(dict, "auth", tag),
      };
    }
    default:
      throw unknownTag(tag, "to a node");
  }
}

/**
 * Writes the answer to the pulse of a node up to 4.6, which travels as datagrams to and fro; others
 * get the word `PULSE` over the connection.
 *
 * @param schedulerIpAddr What the node calls its scheduler.
 * @param port The scheduler's port for nodes.
 */
export function encodePulseDatagram(schedulerIpAddr: string, port: number): Uint8Array[] {
  return encodeTagged(
    "PULSE",
    PyDict.from({ ip_addr: schedulerIpAddr, port: toInt(port) }),
    ANY_PYTHON,
  );
}

/** What a node says to a computation. */
export type ComputeAnswer =
  | { readonly kind: "accepted"; readonly cpus: number }
  | { readonly kind: "refused"; readonly reason: string };

/** What a node says to a job. */
export type JobAnswer =
  | { readonly kind: "accepted" }
  /**
   * `busy`: no CPU is free. `dropped`: the node does not know the job's computation (any more).
   * `rejected`: whatever else.
   */
  | { readonly kind: "busy" | "dropped" | "rejected"; readonly reason: string };

/** Reads a node's answer to `JOB:`. Up to 4.12.2, refusals begin with `NAK`. */
export function decodeJobAnswer(message: Uint8Array): JobAnswer {
  const answer = decodeAckAnswer(message);
  if (answer.kind === "accepted") return answer;
  const { reason } = answer;
  if (/^All CPUs busy|^NAK \(all cpus busy\)/.test(reason)) return { kind: "busy", reason };
  const isDropped = /^Invalid (job|computation|scheduler)|^NAK$|^NAK \(invalid computation/;
  return { kind: isDropped.test(reason) ? "dropped" : "rejected", reason };
}

/** First byte of every pickle since protocol 2; no text begins with it. */
const PICKLE_PROTO = 0x80;

/** Reads a node's answer to `COMPUTE:`: its number of CPUs, or one of many ways to refuse. */
export function decodeComputeAnswer(message: Uint8Array): ComputeAnswer {
  if (message[0] !== PICKLE_PROTO) return { kind: "refused", reason: decodeReason(message) };
  let value: PyValue;
  try {
    value = decodePickle(message, "answer to COMPUTE");
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { kind: "refused", reason: error.message };
  }
  const cpus = asSafeInt(value);
  return cpus !== undefined && cpus > 0
    ? { kind: "accepted", cpus }
    : { kind: "refused", reason: toReason(value) };
}
