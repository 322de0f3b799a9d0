/**
 * `dispy.DispyNode` and `dispy.DispyNodeAvailInfo`: a node as clients see it.
 *
 * @module
 */

import { PyDict } from "../../pickle/mod.ts";
import type { PyObject, PyValue } from "../../pickle/mod.ts";
import {
  optionalInt,
  optionalString,
  requireInt,
  requireNumber,
  requireString,
  toInt,
} from "../fields.ts";
import { addExtra, dispyAttributes, dispyClass, extraAttributes, instanceOf } from "./instance.ts";

/** A `dispy.DispyNodeAvailInfo`: what a node has to spare. */
export interface AvailInfo {
  /** Percent of the CPUs that is idle. */
  readonly cpuPercent: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** Percent of the swap space that is free. */
  readonly swapPercent: number;
  /** Attributes that this program does not know. */
  readonly extra: PyDict | null;
}

const AVAIL_INFO_CLASS = dispyClass("DispyNodeAvailInfo");
const AVAIL_INFO_KNOWN: ReadonlySet<PyValue> = new Set(["cpu", "memory", "disk", "swap"]);

/**
 * Reads a `dispy.DispyNodeAvailInfo`.
 *
 * @throws {WireError} `malformed`
 */
export function decodeAvailInfo(value: PyValue): AvailInfo {
  const what = "DispyNodeAvailInfo";
  const attributes = dispyAttributes(value, what);
  return {
    cpuPercent: requireNumber(attributes, "cpu", what),
    memoryBytes: requireNumber(attributes, "memory", what),
    diskBytes: requireNumber(attributes, "disk", what),
    swapPercent: requireNumber(attributes, "swap", what),
    extra: extraAttributes(attributes, AVAIL_INFO_KNOWN),
  };
}

/** A `dispy.DispyNodeAvailInfo`. */
export function encodeAvailInfo(info: AvailInfo): PyObject {
  return instanceOf(
    AVAIL_INFO_CLASS,
    addExtra(
      PyDict.from({
        cpu: info.cpuPercent,
        memory: toInt(Math.round(info.memoryBytes)),
        disk: toInt(Math.round(info.diskBytes)),
        swap: info.swapPercent,
      }),
      info.extra,
    ),
  );
}

/** The `avail_info` entry of many messages: a node without psutil has none. */
export function decodeOptionalAvailInfo(value: PyValue | undefined): AvailInfo | null {
  return value === null || value === undefined ? null : decodeAvailInfo(value);
}

/** The `avail_info` entry of many messages. */
export function encodeOptionalAvailInfo(info: AvailInfo | null): PyValue {
  return info === null ? null : encodeAvailInfo(info);
}

/** A `dispy.DispyNode`: a node that serves a client's computation. */
export interface DispyNode {
  readonly ipAddr: string;
  readonly name: string | null;
  /** CPUs that the computation may use. */
  readonly cpus: number;
  /** CPUs that the node offers. */
  readonly availCpus: number;
  /** Jobs of this client that run there. */
  readonly busy: number;
  readonly jobsDone: number;
  /** Seconds that the node has spent on jobs. */
  readonly cpuTimeS: number;
  /** Bytes sent to the node. */
  readonly txBytes: number;
  /** Bytes received from the node. */
  readonly rxBytes: number;
  /** Seconds since 1970. */
  readonly updateTimeS: number;
  readonly availInfo: AvailInfo | null;
  /** Attributes that this program does not know. */
  readonly extra: PyDict | null;
}

const CLASS = dispyClass("DispyNode");
const KNOWN: ReadonlySet<PyValue> = new Set([
  "ip_addr",
  "name",
  "cpus",
  "avail_cpus",
  "busy",
  "jobs_done",
  "cpu_time",
  "tx",
  "rx",
  "update_time",
  "avail_info",
]);

/**
 * Reads a `dispy.DispyNode`.
 *
 * @throws {WireError} `malformed`
 */
export function decodeDispyNode(value: PyValue): DispyNode {
  const what = "DispyNode";
  const attributes = dispyAttributes(value, what);
  return {
    ipAddr: requireString(attributes, "ip_addr", what),
    name: optionalString(attributes, "name", what),
    cpus: requireInt(attributes, "cpus", what),
    availCpus: requireInt(attributes, "avail_cpus", what),
    busy: requireInt(attributes, "busy", what),
    jobsDone: requireInt(attributes, "jobs_done", what),
    cpuTimeS: requireNumber(attributes, "cpu_time", what),
    // Schedulers before 4.10.5 tell no traffic.
    txBytes: optionalInt(attributes, "tx", what) ?? 0,
    rxBytes: optionalInt(attributes, "rx", what) ?? 0,
    updateTimeS: requireNumber(attributes, "update_time", what),
    availInfo: decodeOptionalAvailInfo(attributes.get("avail_info")),
    extra: extraAttributes(attributes, KNOWN),
  };
}

/** A `dispy.DispyNode`. */
export function encodeDispyNode(node: DispyNode): PyObject {
  return instanceOf(
    CLASS,
    addExtra(
      PyDict.from({
        ip_addr: node.ipAddr,
        name: node.name,
        cpus: toInt(node.cpus),
        avail_cpus: toInt(node.availCpus),
        busy: toInt(node.busy),
        jobs_done: toInt(node.jobsDone),
        cpu_time: node.cpuTimeS,
        tx: toInt(node.txBytes),
        rx: toInt(node.rxBytes),
        update_time: node.updateTimeS,
        avail_info: encodeOptionalAvailInfo(node.availInfo),
      }),
      node.extra,
    ),
  );
}
