/**
 * How schedulers and nodes find each other: `PING:`, `PONG:`, `RELAY_INFO:`, `TERMINATED:`, by
 * UDP (the message alone in a datagram) or TCP.
 *
 * @module
 */

import { dumps, PyDict } from "../pickle/mod.ts";
import type { PickleLimits, PyValue } from "../pickle/mod.ts";
import { ANY_PYTHON, decodeAnswer } from "./answers.ts";
import { PYTHON3_PICKLES } from "./dialect.ts";
import {
  optionalBytes,
  optionalInt,
  optionalString,
  requireBytes,
  requireDict,
  requireInt,
  requirePort,
  requireString,
  requireStrings,
  toInt,
} from "./fields.ts";
import { decodeOptionalAvailInfo, encodeOptionalAvailInfo } from "./records/dispy_node.ts";
import type { AvailInfo } from "./records/dispy_node.ts";
import type { OwnProof } from "./own_auth.ts";
import { decodePickle, encodeTagged, splitTag, unknownTag } from "./tags.ts";

/** A scheduler looks for nodes. */
export interface SchedulerPing {
  readonly kind: "PING";
  readonly from: "scheduler";
  readonly version: string;
  readonly sign: string;
  /** The scheduler's node port. */
  readonly port: number;
  readonly ipAddrs: readonly string[];
  /** The address at which this very node is asked, where it is asked directly. */
  readonly nodeIpAddr: string | null;
  /** Highest pickle protocol that it reads, where it says so itself: our own programs do. */
  readonly pickleProtocol?: number;
  /** The version of our own proofs that it takes, where it does. */
  readonly ownAuth?: number;
}

/** A relay tells nodes where the scheduler is. */
export interface RelayPing {
  readonly kind: "PING";
  readonly from: "relay";
  readonly version: string;
  /** The scheduler's; `null` when the relay does not know it: the node then greets first. */
  readonly sign: string | null;
  readonly port: number;
  readonly ipAddrs: readonly string[];
}

/** A node announces itself. */
export interface NodePing {
  readonly kind: "PING";
  readonly from: "node";
  readonly version: string;
  readonly sign: string;
  readonly ipAddr: string;
  readonly port: number;
  /** Where the node was told to find its scheduler. */
  readonly schedulerIpAddr: string | null;
}

/** A node answers a scheduler's ping. */
export interface Pong {
  readonly kind: "PONG";
  readonly version: string;
  readonly sign: string;
  readonly ipAddr: string;
  readonly port: number;
  readonly name: string;
  /** CPUs that the node offers. */
  readonly cpus: number;
  /** What Python's `platform.platform()` says there. */
  readonly platform: string;
  /** Auth code of the node's secret and the scheduler's sign. */
  readonly auth: Uint8Array;
  /** Highest pickle protocol that it reads, where it says so itself: our own programs do. */
  readonly pickleProtocol?: number;
  readonly availInfo: AvailInfo | null;
  /** The address at which this node reaches the scheduler. */
  readonly schedulerIpAddr: string | null;
  /** What a node of ours proves the secret with to a scheduler of ours. */
  readonly ownProof?: OwnProof;
}

/** A relay asks whether a scheduler is there and knows the secret. */
export interface RelayInfo {
  readonly kind: "RELAY_INFO";
  readonly version: string;
  /** The scheduler's sign, where the relay has seen its ping. */
  readonly sign: string | null;
  readonly port: number;
  readonly ipAddrs: readonly string[];
  /** Auth code of the relay's secret and the scheduler's sign, where that is known. */
  readonly auth: Uint8Array | null;
  /** The address at which the relay reached the scheduler. */
  readonly schedulerIpAddr: string;
}

/** The scheduler's answer to `RELAY_INFO:`; `null` instead of it refuses. */
export interface RelayAnswer {
  readonly sign: string;
  readonly ipAddrs: readonly string[];
  readonly port: number;
}

/** A node leaves, or drops the last computation that it had of us. */
export interface Terminated {
  readonly kind: "TERMINATED";
  readonly ipAddr: string;
  readonly port: number;
  readonly sign: string;
}

/** Any greeting. */
export type Ping = SchedulerPing | RelayPing | NodePing;

/** Everything that this module knows. */
export type DiscoveryMessage = Ping | Pong | RelayInfo | Terminated;

/**
 * Reads a discovery message.
 *
 * @throws {WireError} `malformed`, also for any other tag.
 */
export function decodeDiscovery(message: Uint8Array): DiscoveryMessage {
  const { tag, body } = splitTag(message);
  const decoded = decodeDiscoveryBody(tag, body);
  if (decoded === undefined) throw unknownTag(tag, "where a node or scheduler greets");
  return decoded;
}

/** As {@linkcode decodeDiscovery} of a message already split; `undefined` for any other tag. */
export function decodeDiscoveryBody(
  tag: string,
  body: Uint8Array,
  limits?: PickleLimits,
): DiscoveryMessage | undefined {
  switch (tag) {
    case "PING":
      return decodePing(body, limits);
    case "PONG":
      return decodePong(body, limits);
    case "RELAY_INFO":
      return decodeRelayInfo(body, limits);
    case "TERMINATED":
      return decodeTerminated(body, limits);
    default:
      return undefined;
  }
}

function decodePing(body: Uint8Array, limits?: PickleLimits): Ping {
  const kind = "PING";
  const dict = requireDict(decodePickle(body, kind, limits), kind);
  const version = requireString(dict, "version", kind);
  const port = requirePort(dict, "port", kind);
  if (dict.has("ip_addr")) {
    return {
      kind,
      from: "node",
      version,
      sign: requireString(dict, "sign", kind),
      ipAddr: requireString(dict, "ip_addr", kind),
      port,
      schedulerIpAddr: optionalString(dict, "scheduler_ip_addr", kind),
    };
  }
  const ipAddrs = requireStrings(dict, "ip_addrs", kind);
  if (dict.has("relay")) {
    return {
      kind,
      from: "relay",
      version,
      sign: optionalString(dict, "sign", kind),
      port,
      ipAddrs,
    };
  }
  return {
    kind,
    from: "scheduler",
    version,
    sign: requireString(dict, "sign", kind),
    port,
    ipAddrs,
    nodeIpAddr: optionalString(dict, "node_ip_addr", kind),
    ...pickleProtocolIn(dict, kind),
    ...ownAuthIn(dict),
  };
}

function decodePong(body: Uint8Array, limits?: PickleLimits): Pong {
  const kind = "PONG";
  const dict = requireDict(decodePickle(body, kind, limits), kind);
  return {
    kind,
    version: requireString(dict, "version", kind),
    sign: requireString(dict, "sign", kind),
    ipAddr: requireString(dict, "ip_addr", kind),
    port: requirePort(dict, "port", kind),
    name: requireString(dict, "name", kind),
    cpus: requireInt(dict, "cpus", kind),
    platform: requireString(dict, "platform", kind),
    auth: requireBytes(dict, "auth", kind),
    ...pickleProtocolIn(dict, kind),
    availInfo: decodeOptionalAvailInfo(dict.get("avail_info")),
    schedulerIpAddr: optionalString(dict, "scheduler_ip_addr", kind),
    ...ownProofIn(dict),
  };
}

function ownAuthIn(dict: PyDict): { ownAuth?: number } {
  const ownAuth = optionalInt(dict, "own_auth", "PING");
  return ownAuth === null ? {} : { ownAuth };
}

function ownProofIn(dict: PyDict): { ownProof?: OwnProof } {
  const kind = "PONG";
  const code = optionalString(dict, "own_code", kind);
  if (code === null) return {};
  const schedulerSign = requireString(dict, "own_sign", kind);
  return { ownProof: { schedulerSign, nonce: requireString(dict, "own_nonce", kind), code } };
}

/** What a peer says that its pickles may be, where it does. */
function pickleProtocolIn(dict: PyDict, kind: "PING" | "PONG"): { pickleProtocol?: number } {
  const pickleProtocol = optionalInt(dict, "pickle_protocol", kind);
  return pickleProtocol === null ? {} : { pickleProtocol };
}

function decodeRelayInfo(body: Uint8Array, limits?: PickleLimits): RelayInfo {
  const kind = "RELAY_INFO";
  const dict = requireDict(decodePickle(body, kind, limits), kind);
  return {
    kind,
    version: requireString(dict, "version", kind),
    sign: optionalString(dict, "sign", kind),
    port: requirePort(dict, "port", kind),
    ipAddrs: requireStrings(dict, "ip_addrs", kind),
    auth: optionalBytes(dict, "auth", kind),
    schedulerIpAddr: requireString(dict, "scheduler_ip_addr", kind),
  };
}

function decodeTerminated(body: Uint8Array, limits?: PickleLimits): Terminated {
  const kind = "TERMINATED";
  const dict = requireDict(decodePickle(body, kind, limits), kind);
  return {
    kind,
    ipAddr: requireString(dict, "ip_addr", kind),
    port: requirePort(dict, "port", kind),
    sign: requireString(dict, "sign", kind),
  };
}

/**
 * Writes a discovery message.
 *
 * @param pickleProtocol Highest that the receiver's Python reads. Greetings and farewells are for
 * whoever there is.
 */
export function encodeDiscovery(
  message: DiscoveryMessage,
  pickleProtocol: number = PYTHON3_PICKLES,
): Uint8Array[] {
  const isForAll = message.kind === "PING" || message.kind === "TERMINATED";
  const protocol = isForAll ? ANY_PYTHON : pickleProtocol;
  return encodeTagged(message.kind, discoveryBody(message), protocol, "unicode");
}

function discoveryBody(message: DiscoveryMessage): PyDict {
  switch (message.kind) {
    case "PING":
      return pingBody(message);
    case "PONG": {
      const dict = PyDict.from({
        port: toInt(message.port),
        sign: message.sign,
        version: message.version,
        name: message.name,
        cpus: toInt(message.cpus),
        platform: message.platform,
        auth: message.auth,
        avail_info: encodeOptionalAvailInfo(message.availInfo),
        ip_addr: message.ipAddr,
        scheduler_ip_addr: message.schedulerIpAddr,
      });
      const { ownProof } = message;
      if (ownProof !== undefined) {
        dict.set("own_sign", ownProof.schedulerSign).set("own_nonce", ownProof.nonce);
        dict.set("own_code", ownProof.code);
      }
      return withPickleProtocol(dict, message);
    }
    case "RELAY_INFO": {
      const dict = PyDict.from({
        version: message.version,
        ip_addrs: [...message.ipAddrs],
        port: toInt(message.port),
        sign: message.sign,
        relay: "y",
      });
      if (message.auth !== null) dict.set("auth", message.auth);
      return dict.set("scheduler_ip_addr", message.schedulerIpAddr);
    }
    case "TERMINATED":
      return PyDict.from({
        ip_addr: message.ipAddr,
        port: toInt(message.port),
        sign: message.sign,
      });
  }
}

function pingBody(ping: Ping): PyDict {
  const common: Record<string, PyValue> = { version: ping.version, port: toInt(ping.port) };
  switch (ping.from) {
    case "scheduler": {
      const dict = PyDict.from({ ...common, sign: ping.sign, ip_addrs: [...ping.ipAddrs] });
      if (ping.nodeIpAddr !== null) dict.set("node_ip_addr", ping.nodeIpAddr);
      if (ping.ownAuth !== undefined) dict.set("own_auth", toInt(ping.ownAuth));
      return withPickleProtocol(dict, ping);
    }
    case "relay": {
      const dict = PyDict.from({ ...common, ip_addrs: [...ping.ipAddrs], relay: "y" });
      return ping.sign === null ? dict : dict.set("sign", ping.sign);
    }
    case "node":
      return PyDict.from({
        ...common,
        sign: ping.sign,
        ip_addr: ping.ipAddr,
        scheduler_ip_addr: ping.schedulerIpAddr,
      });
  }
}

/** Peers that do not know of this entry look past it. */
function withPickleProtocol(dict: PyDict, { pickleProtocol }: SchedulerPing | Pong): PyDict {
  return pickleProtocol === undefined ? dict : dict.set("pickle_protocol", toInt(pickleProtocol));
}

/** The scheduler's answer to `RELAY_INFO:`. */
export function encodeRelayAnswer(answer: RelayAnswer | null): Uint8Array {
  if (answer === null) return dumps(null, ANY_PYTHON);
  return dumps(
    PyDict.from({
      sign: answer.sign,
      ip_addrs: [...answer.ipAddrs],
      port: toInt(answer.port),
    }),
    ANY_PYTHON,
  );
}

/**
 * Reads the scheduler's answer to `RELAY_INFO:`.
 *
 * @throws {WireError} `malformed`, or `closed` where there is no answer.
 */
export function decodeRelayAnswer(message: Uint8Array): RelayAnswer | null {
  const what = "answer to RELAY_INFO";
  const value = decodeAnswer(message, what);
  if (value === null) return null;
  const dict = requireDict(value, what);
  return {
    sign: requireString(dict, "sign", what),
    ipAddrs: requireStrings(dict, "ip_addrs", what),
    port: requirePort(dict, "port", what),
  };
}
