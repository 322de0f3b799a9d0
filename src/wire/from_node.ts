/**
 * What nodes (and relays) send to the scheduler's node port, without any auth prefix.
 *
 * @module
 */

import { dumpChunks, PyDict } from "../pickle/mod.ts";
import type { PickleLimits, PyValue } from "../pickle/mod.ts";
import { decodeAnswer } from "./answers.ts";
import { CURRENT_DIALECT, type Dialect } from "./dialect.ts";
import { decodeDiscoveryBody, encodeDiscovery } from "./discovery.ts";
import type { DiscoveryMessage } from "./discovery.ts";
import {
  optionalPort,
  optionalString,
  requireDict,
  requireInt,
  requireString,
  toInt,
  toOptionalInt,
} from "./fields.ts";
import { decodeOptionalAvailInfo, encodeOptionalAvailInfo } from "./records/dispy_node.ts";
import type { AvailInfo } from "./records/dispy_node.ts";
import { decodeJobReply, decodeResult, encodeJobReply } from "./records/job_reply.ts";
import type { JobReply } from "./records/job_reply.ts";
import { decodeXferFile, encodeXferFile } from "./records/xfer_file.ts";
import type { XferFile } from "./records/xfer_file.ts";
import { decodePickle, encodeTagged, splitTag, unknownTag } from "./tags.ts";

/** A job's result, final or provisional. Answer: `ACK`, without which the node keeps it. */
export interface JobReplyMessage {
  readonly kind: "JOB_REPLY";
  readonly reply: JobReply;
}

/** A node is alive. Answer: `PULSE`. */
export interface NodePulse {
  readonly kind: "PULSE";
  readonly ipAddr: string;
  readonly port: number | null;
  /** CPUs that are busy. */
  readonly cpus: number;
  readonly schedulerIpAddr: string | null;
  readonly availInfo: AvailInfo | null;
}

/**
 * A job sends a file to its client. A second message follows, the job's reply so far:
 * {@linkcode decodeBareJobReply}; then the file transfer, see `file_transfer.ts`.
 */
export interface JobFileMessage {
  readonly kind: "FILEXFER";
  readonly file: XferFile;
}

/** The number of CPUs that a node offers has changed. No answer. */
export interface NodeCpus {
  readonly kind: "NODE_CPUS";
  readonly ipAddr: string;
  readonly sign: string;
  readonly cpus: number;
}

/** Everything that comes to the scheduler's node port. */
export type NodeRequest =
  | JobReplyMessage
  | NodePulse
  | JobFileMessage
  | NodeCpus
  | DiscoveryMessage;

/**
 * Reads a message to the scheduler's node port.
 *
 * @param limits Those for trusted peers when absent; see `GREETING_LIMITS`.
 * @throws {WireError} `malformed`
 */
export function decodeNodeRequest(message: Uint8Array, limits?: PickleLimits): NodeRequest {
  const { tag, body } = splitTag(message);
  switch (tag) {
    case "JOB_REPLY":
      return { kind: tag, reply: decodeResult(decodePickle(body, tag, limits)) };
    case "FILEXFER":
      return { kind: tag, file: decodeXferFile(decodePickle(body, tag, limits)) };
    case "PULSE": {
      const dict = requireDict(decodePickle(body, tag, limits), tag);
      return {
        kind: tag,
        ipAddr: requireString(dict, "ip_addr", tag),
        port: optionalPort(dict, "port", tag),
        cpus: requireInt(dict, "cpus", tag),
        schedulerIpAddr: optionalString(dict, "scheduler_ip_addr", tag),
        availInfo: decodeOptionalAvailInfo(dict.get("avail_info")),
      };
    }
    case "NODE_CPUS": {
      const dict = requireDict(decodePickle(body, tag, limits), tag);
      return {
        kind: tag,
        ipAddr: requireString(dict, "ip_addr", tag),
        sign: requireString(dict, "sign", tag),
        cpus: requireInt(dict, "cpus", tag),
      };
    }
    default: {
      const discovery = decodeDiscoveryBody(tag, body, limits);
      if (discovery === undefined) throw unknownTag(tag, "to the node port");
      return discovery;
    }
  }
}

/** Writes a message to the scheduler's node port. */
export function encodeNodeRequest(request: NodeRequest): Uint8Array[] {
  switch (request.kind) {
    case "JOB_REPLY":
      return encodeTagged(request.kind, encodeJobReply(request.reply));
    case "FILEXFER":
      return encodeTagged(request.kind, encodeXferFile(request.file));
    case "PULSE":
      return encodeTagged(request.kind, pulseBody(request));
    case "NODE_CPUS":
      return encodeTagged(
        request.kind,
        PyDict.from({
          ip_addr: request.ipAddr,
          sign: request.sign,
          cpus: toInt(request.cpus),
        }),
      );
    default:
      return encodeDiscovery(request);
  }
}

function pulseBody(pulse: NodePulse): PyValue {
  return PyDict.from({
    ip_addr: pulse.ipAddr,
    port: toOptionalInt(pulse.port),
    cpus: toInt(pulse.cpus),
    scheduler_ip_addr: pulse.schedulerIpAddr,
    avail_info: encodeOptionalAvailInfo(pulse.availInfo),
  });
}

/**
 * Writes the second message of a job's `FILEXFER:`: the job's reply so far, without a tag.
 *
 * @param dialect What the receiver speaks.
 */
export function encodeBareJobReply(
  reply: JobReply,
  dialect: Dialect = CURRENT_DIALECT,
): Uint8Array[] {
  return dumpChunks(encodeJobReply(reply, dialect), dialect.pickleProtocol, "str");
}

/**
 * Reads the second message of a job's `FILEXFER:`.
 *
 * @param limits Those for trusted peers when absent.
 * @throws {WireError} `malformed`, or `closed` where there is none.
 */
export function decodeBareJobReply(message: Uint8Array, limits?: PickleLimits): JobReply {
  return decodeJobReply(decodeAnswer(message, "job reply behind FILEXFER", limits));
}
