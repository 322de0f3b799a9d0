/**
 * `dispy._DispyJob_`: a job on its way to a node.
 *
 * @module
 */

import { PyDict } from "../../pickle/mod.ts";
import type { PyObject, PyValue } from "../../pickle/mod.ts";
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

/**
 * Reads a `dispy._DispyJob_`.
 *
 * @throws {WireError} `malformed`
 */
export function decodeDispyJob(value: PyValue): DispyJob {
  const what = "_DispyJob_";
  const attributes = dispyAttributes(value, what);
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

/** A `dispy._DispyJob_`. */
export function encodeDispyJob(job: DispyJob): PyObject {
  return instanceOf(
    CLASS,
    addExtra(
      PyDict.from({
        uid: toOptionalInt(job.uid),
        hash: job.hash,
        compute_id: toInt(job.computeId),
        _args: job.args,
        _kwargs: job.kwargs,
        xfer_files: job.xferFiles.map(encodeXferFile),
        code: job.code,
      }),
      job.extra,
    ),
  );
}
