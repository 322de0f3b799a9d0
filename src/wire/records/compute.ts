/**
 * `dispy._Compute`: a computation, that is, the function or program that jobs run.
 *
 * @module
 */

import { PyDict, PySet } from "../../pickle/mod.ts";
import type { PyObject, PyValue } from "../../pickle/mod.ts";
import { CURRENT_DIALECT, type Dialect } from "../dialect.ts";
import {
  badField,
  optionalFlag,
  optionalInt,
  optionalNumber,
  optionalPort,
  optionalString,
  requireInt,
  requireList,
  requireString,
  toInt,
  toOptionalInt,
} from "../fields.ts";
import { ComputeType } from "../status.ts";
import { addExtra, dispyAttributes, dispyClass, extraAttributes, instanceOf } from "./instance.ts";
import { decodeXferFile, encodeXferFile } from "./xfer_file.ts";
import type { XferFile } from "./xfer_file.ts";

/** A `dispy._Compute`. */
export interface Compute {
  readonly type: ComputeType;
  /** Name of the function, or the program's path. */
  readonly name: string;
  /** Given by the scheduler; `null` when it comes from a client. */
  readonly id: number | null;
  /** Python source text, "" for programs. Up to the client: a payload, not for logs. */
  readonly code: string;
  /** Folder for the computation's files at nodes, as the client wishes it. */
  readonly destPath: string | null;
  /** Files that every node gets before `setup`. */
  readonly xferFiles: readonly XferFile[];
  /** Whether jobs may run a second time elsewhere when their node is lost. */
  readonly reentrant: boolean;
  /** Whether nodes shall serve nobody else meanwhile. */
  readonly exclusive: boolean;
  /** Name of the setup function, `None`, or what clients before 4.11 send (`function_call.ts`). */
  readonly setup: PyValue;
  /** A bool, the name of the cleanup function, or what clients before 4.11 send. */
  readonly cleanup: PyValue;
  readonly setupArgsCount: number;
  /** From a client: the client's address. To a node: where this node reaches the scheduler. */
  readonly schedulerIpAddr: string | null;
  readonly schedulerPort: number | null;
  /** To a node: the node's own address. */
  readonly nodeIpAddr: string | null;
  /** From a client: the client's. To a node: one that the client never sees. A secret. */
  readonly auth: string | null;
  /** Where job results go: the client's port, or the scheduler's node port. */
  readonly jobResultPort: number | null;
  /** Seconds between a node's pulses. */
  readonly pulseIntervalS: number | null;
  /** `(address, port)` at which nodes reach the client itself; as the client set it. */
  readonly clientReplyAddr: PyValue;
  /** Attributes that this program does not know. */
  readonly extra: PyDict | null;
}

const CLASS = dispyClass("_Compute");
const KNOWN: ReadonlySet<PyValue> = new Set([
  "type",
  "name",
  "id",
  "code",
  "dest_path",
  "xfer_files",
  "reentrant",
  "exclusive",
  "setup",
  "cleanup",
  "setup_args_count",
  "scheduler_ip_addr",
  "scheduler_port",
  "node_ip_addr",
  "auth",
  "job_result_port",
  "pulse_interval",
  "client_reply_addr",
]);

/**
 * Reads a `dispy._Compute`.
 *
 * @throws {WireError} `malformed`
 */
export function decodeCompute(value: PyValue): Compute {
  const what = "_Compute";
  const attributes = dispyAttributes(value, what);
  const type = requireInt(attributes, "type", what);
  if (type !== ComputeType.Function && type !== ComputeType.Program) {
    throw badField(what, "type", "1 (function) or 2 (program)");
  }
  return {
    type,
    name: requireString(attributes, "name", what),
    id: optionalInt(attributes, "id", what),
    code: requireString(attributes, "code", what),
    destPath: optionalString(attributes, "dest_path", what),
    xferFiles: requireList(attributes, "xfer_files", what).map(decodeXferFile),
    reentrant: optionalFlag(attributes, "reentrant", what),
    exclusive: optionalFlag(attributes, "exclusive", what, true),
    setup: attributes.get("setup") ?? null,
    cleanup: attributes.get("cleanup") ?? null,
    setupArgsCount: optionalInt(attributes, "setup_args_count", what) ?? 0,
    schedulerIpAddr: optionalString(attributes, "scheduler_ip_addr", what),
    schedulerPort: optionalPort(attributes, "scheduler_port", what),
    nodeIpAddr: optionalString(attributes, "node_ip_addr", what),
    auth: optionalString(attributes, "auth", what),
    jobResultPort: optionalPort(attributes, "job_result_port", what),
    pulseIntervalS: optionalNumber(attributes, "pulse_interval", what),
    clientReplyAddr: attributes.get("client_reply_addr") ?? null,
    extra: extraAttributes(attributes, KNOWN),
  };
}

/**
 * The oldest release that a `dispy._Compute` can be from, as far as its attributes tell: a client's
 * request does not name its release, and its greeting came over another connection.
 *
 * @throws {WireError} `malformed`
 */
export function oldestReleaseOf(value: PyValue): "4.6.0" | "4.8.0" | "4.11.0" {
  const attributes = dispyAttributes(value, "_Compute");
  if (attributes.has("setup_args_count")) return "4.11.0";
  return attributes.has("exclusive") ? "4.8.0" : "4.6.0";
}

/**
 * A `dispy._Compute`.
 *
 * @param dialect What the receiver speaks.
 */
export function encodeCompute(compute: Compute, dialect: Dialect = CURRENT_DIALECT): PyObject {
  const files = compute.xferFiles.map(encodeXferFile);
  return instanceOf(
    CLASS,
    addExtra(
      PyDict.from({
        type: toInt(compute.type),
        name: compute.name,
        id: toOptionalInt(compute.id),
        code: compute.code,
        dest_path: compute.destPath,
        xfer_files: dialect.xferFiles === "set" ? new PySet(files) : files,
        reentrant: compute.reentrant,
        exclusive: compute.exclusive,
        setup: compute.setup,
        cleanup: compute.cleanup,
        setup_args_count: toInt(compute.setupArgsCount),
        scheduler_ip_addr: compute.schedulerIpAddr,
        scheduler_port: toOptionalInt(compute.schedulerPort),
        node_ip_addr: compute.nodeIpAddr,
        auth: compute.auth,
        job_result_port: toOptionalInt(compute.jobResultPort),
        pulse_interval: compute.pulseIntervalS,
        client_reply_addr: compute.clientReplyAddr,
      }),
      compute.extra,
    ),
  );
}
