/**
 * `dispy._DispyJob_`: a job on its way to a node.
 *
 * @module
 */

import { PyDict } from "../../pickle/mod.ts";
import type { PyObject, PyValue } from "../../pickle/mod.ts";
import { CURRENT_DIALECT, type Dialect } from "../dialect.ts";
import {
  optionalInt,
  requireBytes,
  requireInt,
  requireList,
  requireString,
  toInt,
  toOptionalInt,
} from "../fields.ts";
import { addExtra, dispyAttributes, dispyClass, extraAttributes, instanceOf } from "./instance.ts";
import { decodeXferFile, encodeXferFile } from "./xfer_file.ts";
import type { XferFile } from "./xfer_file.ts";

/** A `dispy._DispyJob_`. */
export interface DispyJob {
  /** Given by the scheduler; `null` when it comes from a client. */
  readonly uid: number | null;
  /** The client's name for this job, which its reply has to repeat. */
  readonly hash: string;
  readonly computeId: number;
  /** A pickle of its own, never opened. May be a view into the received message. */
  readonly args: Uint8Array;
  /** A pickle of its own, never opened. May be a view into the received message. */
  readonly kwargs: Uint8Array;
  /** Files that the node gets before the job. */
  readonly xferFiles: readonly XferFile[];
  /** Python source text that goes with this job alone. A payload, not for logs. */
  readonly code: string;
  /** Attributes that this program does not know. */
  readonly extra: PyDict | null;
}

const CLASS = dispyClass("_DispyJob_");
const KNOWN: ReadonlySet<PyValue> = new Set([
  "uid",
  "hash",
  "compute_id",
  "_args",
  "_kwargs",
  "xfer_files",
  "code",
]);

/** Up to 4.6, the slots of the arguments had other names. */
function withTodaysSlots(attributes: PyDict): PyDict {
  if (attributes.has("_args") || !attributes.has("args")) return attributes;
  const renamed = new PyDict();
  for (const [name, value] of attributes) {
    renamed.set(name === "args" || name === "kwargs" ? `_${name}` : name, value);
  }
  return renamed;
}

/**
 * Reads a `dispy._DispyJob_`.
 *
 * @throws {WireError} `malformed`
 */
export function decodeDispyJob(value: PyValue): DispyJob {
  const what = "_DispyJob_";
  const attributes = withTodaysSlots(dispyAttributes(value, what));
  return {
    uid: optionalInt(attributes, "uid", what),
    hash: requireString(attributes, "hash", what),
    computeId: requireInt(attributes, "compute_id", what),
    args: requireBytes(attributes, "_args", what),
    kwargs: requireBytes(attributes, "_kwargs", what),
    xferFiles: requireList(attributes, "xfer_files", what).map(decodeXferFile),
    code: requireString(attributes, "code", what),
    extra: extraAttributes(attributes, KNOWN),
  };
}

/**
 * A `dispy._DispyJob_`.
 *
 * @param dialect What the receiver speaks.
 */
export function encodeDispyJob(job: DispyJob, dialect: Dialect = CURRENT_DIALECT): PyObject {
  const isCurrent = dialect.jobSlots === "_args";
  return instanceOf(
    CLASS,
    addExtra(
      PyDict.from({
        uid: toOptionalInt(job.uid),
        hash: job.hash,
        compute_id: toInt(job.computeId),
        [isCurrent ? "_args" : "args"]: job.args,
        [isCurrent ? "_kwargs" : "kwargs"]: job.kwargs,
        xfer_files: job.xferFiles.map(encodeXferFile),
        code: job.code,
      }),
      job.extra,
    ),
  );
}
