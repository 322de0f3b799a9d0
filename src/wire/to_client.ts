/**
 * What the scheduler sends to a client, at the client's own port and without any auth prefix.
 *
 * @module
 */

import { PyDict } from "../pickle/mod.ts";
import type { PyValue } from "../pickle/mod.ts";
import { CURRENT_DIALECT, type Dialect } from "./dialect.ts";
import { WireError } from "./errors.ts";
import {
  asSafeInt,
  badField,
  optionalBytes,
  optionalInt,
  optionalNumber,
  optionalPort,
  requireDict,
  requireInt,
  requireNumber,
  requireString,
  requireValue,
  toInt,
  toOptionalInt,
} from "./fields.ts";
import type { ComputeRef } from "./from_client.ts";
import type { JobFileMessage, JobReplyMessage } from "./from_node.ts";
import {
  decodeDispyNode,
  decodeOptionalAvailInfo,
  encodeDispyNode,
  encodeOptionalAvailInfo,
} from "./records/dispy_node.ts";
import type { AvailInfo, DispyNode } from "./records/dispy_node.ts";
import { decodeResult, encodeJobReply } from "./records/job_reply.ts";
import { decodeXferFile, encodeXferFile } from "./records/xfer_file.ts";
import { isJobStatus, NodeStatus } from "./status.ts";
import type { JobStatus } from "./status.ts";
import { decodePickle, encodeTagged, splitTag, unknownTag } from "./tags.ts";

/** The computation's turn has come. Answer: `ACK`. */
export interface ScheduledMessage {
  readonly kind: "SCHEDULED";
  readonly computeId: number;
  /** Seconds between the client's pulses: at least 0.1, or `null` for none. */
  readonly pulseIntervalS: number | null;
}

/** A job runs. No answer. */
export interface JobStatusMessage {
  readonly kind: "JOB_STATUS";
  readonly uid: number;
  readonly hash: string;
  readonly status: JobStatus;
  /** Address of the node. */
  readonly node: string;
  /** Seconds since 1970 on the scheduler's clock. */
  readonly startTimeS: number;
}

/** What all `NODE_STATUS:` messages have. No answer to any. */
interface NodeStatusBase extends ComputeRef {
  readonly kind: "NODE_STATUS";
  /** The node's address. */
  readonly ipAddr: string;
}

/** A node has been set up. */
export interface NodeInitialized extends NodeStatusBase {
  readonly status: typeof NodeStatus.Initialized;
  readonly dispyNode: DispyNode;
  /** The auth code for direct requests to the node. A secret. */
  readonly nodeAuth: Uint8Array | null;
  readonly nodePort: number | null;
}

/** News of what a node has to spare and how much went to and fro. */
export interface NodeAvailInfo extends NodeStatusBase {
  readonly status: typeof NodeStatus.AvailInfo;
  readonly availInfo: AvailInfo | null;
  readonly txBytes: number;
  readonly rxBytes: number;
}

/** A node is gone. */
export interface NodeClosed extends NodeStatusBase {
  readonly status: typeof NodeStatus.Closed;
  readonly txBytes: number;
  readonly rxBytes: number;
}

/** A node's CPUs have changed; its status on the wire is the text `node_cpus`. */
export interface NodeCpusChanged extends NodeStatusBase {
  readonly status: "node_cpus";
  readonly nodeCpus: number;
}

/** Any `NODE_STATUS:`. */
export type NodeStatusMessage = NodeInitialized | NodeAvailInfo | NodeClosed | NodeCpusChanged;

/**
 * Everything that the scheduler sends to a client. `JOB_REPLY:` is answered `ACK`, else the
 * reply is to be kept; behind `FILEXFER:` goes a second message (`encodeBareJobReply`), then the
 * file transfer.
 */
export type ToClientMessage =
  | ScheduledMessage
  | JobStatusMessage
  | JobReplyMessage
  | NodeStatusMessage
  | JobFileMessage;

/**
 * Writes a message to a client. Result bytes are not copied where they are large.
 *
 * @param dialect What the client speaks.
 */
export function encodeToClient(
  message: ToClientMessage,
  dialect: Dialect = CURRENT_DIALECT,
): Uint8Array[] {
  return encodeTagged(message.kind, toClientBody(message, dialect), dialect.pickleProtocol);
}

function toClientBody(message: ToClientMessage, dialect: Dialect): PyValue {
  switch (message.kind) {
    case "JOB_REPLY":
      return encodeJobReply(message.reply, dialect);
    case "JOB_STATUS":
      return PyDict.from({
        uid: toInt(message.uid),
        status: toInt(message.status),
        node: message.node,
        hash: message.hash,
        start_time: message.startTimeS,
      });
    case "SCHEDULED":
      return PyDict.from({
        compute_id: toInt(message.computeId),
        pulse_interval: message.pulseIntervalS === null
          ? null
          : Math.max(message.pulseIntervalS, dialect.minPulseIntervalS),
      });
    case "FILEXFER":
      return encodeXferFile(message.file);
    case "NODE_STATUS":
      return nodeStatusBody(message);
  }
}

function nodeStatusBody(message: NodeStatusMessage): PyDict {
  const dict = PyDict.from({
    compute_id: toInt(message.computeId),
    ip_addr: message.ipAddr,
    status: typeof message.status === "number" ? toInt(message.status) : message.status,
    auth: message.auth,
  });
  switch (message.status) {
    case NodeStatus.Initialized:
      return dict.set("dispy_node", encodeDispyNode(message.dispyNode))
        .set("node_auth", message.nodeAuth)
        .set("node_port", toOptionalInt(message.nodePort));
    case NodeStatus.AvailInfo:
      return dict.set("avail_info", encodeOptionalAvailInfo(message.availInfo))
        .set("tx", toInt(message.txBytes))
        .set("rx", toInt(message.rxBytes));
    case NodeStatus.Closed:
      return dict.set("tx", toInt(message.txBytes)).set("rx", toInt(message.rxBytes));
    case "node_cpus":
      return dict.set("node_cpus", toInt(message.nodeCpus));
  }
}

/**
 * Reads a message to a client.
 *
 * @throws {WireError} `malformed`
 */
export function decodeToClient(message: Uint8Array): ToClientMessage {
  const { tag, body } = splitTag(message);
  switch (tag) {
    case "JOB_REPLY":
      return { kind: tag, reply: decodeResult(decodePickle(body, tag)) };
    case "FILEXFER":
      return { kind: tag, file: decodeXferFile(decodePickle(body, tag)) };
    case "JOB_STATUS":
      return decodeJobStatus(requireDict(decodePickle(body, tag), tag));
    case "SCHEDULED": {
      const dict = requireDict(decodePickle(body, tag), tag);
      return {
        kind: tag,
        computeId: requireInt(dict, "compute_id", tag),
        pulseIntervalS: optionalNumber(dict, "pulse_interval", tag),
      };
    }
    case "NODE_STATUS":
      return decodeNodeStatus(requireDict(decodePickle(body, tag), tag));
    default:
      throw unknownTag(tag, "to a client");
  }
}

function decodeJobStatus(dict: PyDict): JobStatusMessage {
  const kind = "JOB_STATUS";
  const status = requireInt(dict, "status", kind);
  if (!isJobStatus(status)) throw badField(kind, "status", "a job status");
  return {
    kind,
    uid: requireInt(dict, "uid", kind),
    hash: requireString(dict, "hash", kind),
    status,
    node: requireString(dict, "node", kind),
    startTimeS: requireNumber(dict, "start_time", kind),
  };
}

function decodeNodeStatus(dict: PyDict): NodeStatusMessage {
  const kind = "NODE_STATUS";
  const base: NodeStatusBase = {
    kind,
    computeId: requireInt(dict, "compute_id", kind),
    auth: requireString(dict, "auth", kind),
    ipAddr: requireString(dict, "ip_addr", kind),
  };
  const status = dict.get("status");
  if (status === "node_cpus") {
    return { ...base, status, nodeCpus: requireInt(dict, "node_cpus", kind) };
  }
  switch (asSafeInt(status)) {
    case NodeStatus.Initialized:
      return {
        ...base,
        status: NodeStatus.Initialized,
        dispyNode: decodeDispyNode(requireValue(dict, "dispy_node", kind)),
        nodeAuth: optionalBytes(dict, "node_auth", kind),
        nodePort: optionalPort(dict, "node_port", kind),
      };
    case NodeStatus.AvailInfo:
      return {
        ...base,
        status: NodeStatus.AvailInfo,
        availInfo: decodeOptionalAvailInfo(dict.get("avail_info")),
        txBytes: optionalInt(dict, "tx", kind) ?? 0,
        rxBytes: optionalInt(dict, "rx", kind) ?? 0,
      };
    case NodeStatus.Closed:
      return {
        ...base,
        status: NodeStatus.Closed,
        txBytes: optionalInt(dict, "tx", kind) ?? 0,
        rxBytes: optionalInt(dict, "rx", kind) ?? 0,
      };
    default:
      throw new WireError("malformed", `${kind}: field "status" must be a node status`);
  }
}
