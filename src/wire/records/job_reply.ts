/**
 * `dispy._JobReply`: what became of a job.
 *
 * @module
 */

import { PyDict } from "../../pickle/mod.ts";
import type { PyObject, PyValue } from "../../pickle/mod.ts";
import { CURRENT_DIALECT, type Dialect } from "../dialect.ts";
import {
  badField,
  optionalBytes,
  optionalInt,
  requireInt,
  requireNumber,
  requireString,
  toInt,
} from "../fields.ts";
import { isJobStatus, JobStatus } from "../status.ts";
import { addExtra, dispyAttributes, dispyClass, extraAttributes, instanceOf } from "./instance.ts";

/** A `dispy._JobReply`. */
export interface JobReply {
  readonly uid: number;
  /** As in the job; a client drops a reply whose hash is not its job's. */
  readonly hash: string;
  /** The node that ran the job. */
  readonly ipAddr: string;
  readonly status: JobStatus;
  /** A pickle of its own, never opened; `null` before there is one. May be a view. */
  readonly result: Uint8Array | null;
  /** `str`, `bytes` (programs) or `None`. A payload, not for logs. */
  readonly stdout: PyValue;
  /** `str`, `bytes` (programs) or `None`. A payload, not for logs. */
  readonly stderr: PyValue;
  /** A traceback as `str`, or `None`. A payload, not for logs. */
  readonly exception: PyValue;
  /** Seconds since 1970 on the node's clock. */
  readonly startTimeS: number;
  /** Seconds since 1970 on the node's clock. */
  readonly endTimeS: number;
  /** The node's CPUs: added by the scheduler on the way to the client, `null` before. */
  readonly cpus: number | null;
  /** Attributes that this program does not know. */
  readonly extra: PyDict | null;
}

const CLASS = dispyClass("_JobReply");
const KNOWN: ReadonlySet<PyValue> = new Set([
  "uid",
  "hash",
  "ip_addr",
  "status",
  "result",
  "stdout",
  "stderr",
  "exception",
  "start_time",
  "end_time",
  "cpus",
]);

/** The result of a job that has none, as every Python reads it. */
export const PICKLED_NONE: Uint8Array = new Uint8Array([0x80, 2, 0x4e, 0x2e]);

/**
 * Reads a `dispy._JobReply`.
 *
 * @throws {WireError} `malformed`
 */
export function decodeJobReply(value: PyValue): JobReply {
  const what = "_JobReply";
  const attributes = dispyAttributes(value, what);
  // Up to 4.6, a job that sends a file has no status yet.
  const status = optionalInt(attributes, "status", what) ?? JobStatus.Running;
  if (!isJobStatus(status)) throw badField(what, "status", "a job status");
  return {
    uid: requireInt(attributes, "uid", what),
    hash: requireString(attributes, "hash", what),
    ipAddr: requireString(attributes, "ip_addr", what),
    status,
    result: optionalBytes(attributes, "result", what),
    stdout: attributes.get("stdout") ?? null,
    stderr: attributes.get("stderr") ?? null,
    exception: attributes.get("exception") ?? null,
    startTimeS: requireNumber(attributes, "start_time", what),
    endTimeS: requireNumber(attributes, "end_time", what),
    cpus: optionalInt(attributes, "cpus", what),
    extra: extraAttributes(attributes, KNOWN),
  };
}

/**
 * Reads a `dispy._JobReply` that brings a result, final or provisional: that a job runs is told
 * otherwise.
 *
 * @throws {WireError} `malformed`
 */
export function decodeResult(value: PyValue): JobReply {
  const reply = decodeJobReply(value);
  if (reply.status === JobStatus.Created || reply.status === JobStatus.Running) {
    throw badField("_JobReply", "status", "that of a result");
  }
  return reply;
}

/**
 * A `dispy._JobReply`; it has the attribute `cpus` only where {@linkcode JobReply.cpus} is set.
 *
 * @param dialect What the receiver speaks.
 */
export function encodeJobReply(reply: JobReply, dialect: Dialect = CURRENT_DIALECT): PyObject {
  const { result } = reply;
  const attributes = PyDict.from({
    uid: toInt(reply.uid),
    hash: reply.hash,
    ip_addr: reply.ipAddr,
    status: toInt(reply.status),
    result: result === null && !dialect.readsNoResult ? PICKLED_NONE : result,
    stdout: reply.stdout,
    stderr: reply.stderr,
    exception: reply.exception,
    start_time: reply.startTimeS,
    end_time: reply.endTimeS,
  });
  if (reply.cpus !== null) attributes.set("cpus", toInt(reply.cpus));
  return instanceOf(CLASS, addExtra(attributes, reply.extra));
}
