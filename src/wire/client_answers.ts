/**
 * The scheduler's answers to a client's requests, where they are more than `answers.ts` has.
 *
 * @module
 */

import { dumpChunks, dumps, PyDict, PyTuple } from "../pickle/mod.ts";
import { ANY_PYTHON, decodeAnswer, encodeIntAnswer, toReason, toUids } from "./answers.ts";
import { CURRENT_DIALECT, type Dialect } from "./dialect.ts";
import {
  requireDict,
  requireInt,
  requirePort,
  requireString,
  requireValue,
  toInt,
} from "./fields.ts";
import type { ComputeRef } from "./from_client.ts";
import { decodeResult, encodeJobReply } from "./records/job_reply.ts";
import type { JobReply } from "./records/job_reply.ts";

/** The answer to `CLIENT:`. */
export interface ClientAnswer {
  /** The client's address, as it gave it or as we see it. */
  readonly ipAddr: string;
  /** The scheduler's client port. */
  readonly port: number;
  readonly sign: string;
  /** As the client announced it: clients accept exactly their own. */
  readonly version: string;
}

/** Writes the answer to `CLIENT:`. */
export function encodeClientAnswer(answer: ClientAnswer): Uint8Array {
  return dumps(
    PyDict.from({
      ip_addr: answer.ipAddr,
      port: toInt(answer.port),
      sign: answer.sign,
      version: answer.version,
    }),
    ANY_PYTHON,
  );
}

/**
 * Reads the answer to `CLIENT:`.
 *
 * @throws {WireError} `malformed`, or `closed` where there is no answer.
 */
export function decodeClientAnswer(message: Uint8Array): ClientAnswer {
  const what = "answer to CLIENT";
  const dict = requireDict(decodeAnswer(message, what), what);
  return {
    ipAddr: requireString(dict, "ip_addr", what),
    port: requirePort(dict, "port", what),
    sign: requireString(dict, "sign", what),
    version: requireString(dict, "version", what),
  };
}

/** The answer to a client's `COMPUTE:`. */
export type ClientComputeAnswer =
  | { readonly kind: "accepted" } & ComputeRef
  | { readonly kind: "refused"; readonly reason: string };

/** Writes the answer to a client's `COMPUTE:`. The client raises a refusal's reason. */
export function encodeClientComputeAnswer(answer: ClientComputeAnswer): Uint8Array {
  if (answer.kind === "refused") return dumps(answer.reason, ANY_PYTHON);
  return dumps(
    PyDict.from({ compute_id: toInt(answer.computeId), auth: answer.auth }),
    ANY_PYTHON,
  );
}

/** Why a request is refused whose client has proved another secret. */
export const ANOTHER_SECRET = "the client has another cluster secret than this scheduler";

/**
 * Reads the answer to a client's `COMPUTE:`.
 *
 * @throws {WireError} `malformed`, or `closed` where there is no answer.
 */
export function decodeClientComputeAnswer(message: Uint8Array): ClientComputeAnswer {
  const what = "answer to COMPUTE";
  const value = decodeAnswer(message, what);
  if (!(value instanceof PyDict)) return { kind: "refused", reason: toReason(value) };
  return {
    kind: "accepted",
    computeId: requireInt(value, "compute_id", what),
    auth: requireString(value, "auth", what),
  };
}

/** The answer to `PENDING_JOBS:`. */
export interface PendingJobsAnswer {
  /** Jobs whose results can be had with `RETRIEVE_JOB:`. */
  readonly doneUids: readonly number[];
  /** How many jobs have no result yet. */
  readonly pending: number;
}

/** Writes the answer to `PENDING_JOBS:`. */
export function encodePendingJobsAnswer(answer: PendingJobsAnswer): Uint8Array {
  return dumps(
    PyDict.from({
      done: answer.doneUids.map(toInt),
      pending: toInt(answer.pending),
    }),
    ANY_PYTHON,
  );
}

/**
 * Reads the answer to `PENDING_JOBS:`.
 *
 * @throws {WireError} `malformed`, or `closed` where there is no answer.
 */
export function decodePendingJobsAnswer(message: Uint8Array): PendingJobsAnswer {
  const what = "answer to PENDING_JOBS";
  const dict = requireDict(decodeAnswer(message, what), what);
  return {
    doneUids: toUids(requireValue(dict, "done", what), `${what}: field "done"`),
    pending: requireInt(dict, "pending", what),
  };
}

/**
 * Writes the answer to `RETRIEVE_JOB:`; `null` where there is no such result.
 *
 * @param dialect What the client speaks.
 */
export function encodeRetrieveJobAnswer(
  reply: JobReply | null,
  dialect: Dialect = CURRENT_DIALECT,
): Uint8Array[] {
  if (reply === null) return [dumps(null, ANY_PYTHON)];
  return dumpChunks(encodeJobReply(reply, dialect), dialect.pickleProtocol, "str");
}

/**
 * Writes the answer to `SET_NODE_CPUS:`.
 *
 * @param node The node's address and its CPUs now; `null` where they are not changed.
 * @param dialect What the client speaks.
 */
export function encodeCpusAnswer(
  node: { readonly ipAddr: string; readonly cpus: number } | null,
  dialect: Dialect = CURRENT_DIALECT,
): Uint8Array {
  if (dialect.cpusAnswer === "status") return encodeIntAnswer(node === null ? -1 : 0);
  const { ipAddr, cpus } = node ?? { ipAddr: null, cpus: -1 };
  return dumps(new PyTuple([ipAddr, toInt(cpus)]), ANY_PYTHON);
}

/**
 * Reads the answer to `RETRIEVE_JOB:`.
 *
 * @throws {WireError} `malformed`, or `closed` where there is no answer.
 */
export function decodeRetrieveJobAnswer(message: Uint8Array): JobReply | null {
  const value = decodeAnswer(message, "answer to RETRIEVE_JOB");
  return value === null ? null : decodeResult(value);
}
