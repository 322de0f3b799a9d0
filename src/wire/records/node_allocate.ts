/**
 * Which nodes a client wants: `dispy.NodeAllocate` objects, or dicts that say the same.
 *
 * @module
 */

import { PyDict, PyObject, PyTuple, textOfBytes } from "../../pickle/mod.ts";
import type { PyValue } from "../../pickle/mod.ts";
import {
  badField,
  optionalInt,
  optionalPort,
  optionalString,
  requireDict,
  requireList,
  requireString,
  toInt,
  toOptionalInt,
} from "../fields.ts";
import {
  addExtra,
  dispyClass,
  extraAttributes,
  hasSlotState,
  instanceAttributes,
  instanceOf,
  slotInstanceOf,
} from "./instance.ts";
import { decodeXferFile, encodeXferFile } from "./xfer_file.ts";
import type { XferFile } from "./xfer_file.ts";

/**
 * A file that a node gets before `setup`. A string is a path on the client's machine, whose file
 * the client has not sent: dispy does so with `allocate_node` alone.
 */
export type NodeDepend = XferFile | string;

/** The dicts in `COMPUTE:`, one for each node or pattern that the client named. */
export interface NodeAllocSpec {
  /** An address, or a pattern in which `*` stands for anything. */
  readonly host: string;
  /** The node's port where it is not the usual one. */
  readonly port: number | null;
  /** CPUs to use: 0 for all, a negative number for all but that many. */
  readonly cpus: number;
  readonly depends: readonly NodeDepend[];
  /** Arguments for `setup`: user objects, passed on as they are. */
  readonly setupArgs: PyTuple;
}

/** A `dispy.NodeAllocate`, or an instance of any class with the same attributes. */
export interface NodeAllocate {
  /** An address, or a pattern in which `*` stands for anything. */
  readonly ipAddr: string;
  /** The same as a regular expression of Python's; from another machine, so better not run. */
  readonly ipRex: string;
  /** The node's port where it is not the usual one. */
  readonly port: number | null;
  /** CPUs to use: 0 for all, a negative number for all but that many. */
  readonly cpus: number;
  readonly depends: readonly NodeDepend[];
  /** Arguments for `setup`: user objects, passed on as they are. */
  readonly setupArgs: PyTuple;
  /** The class, which may be a user's own. */
  readonly cls: PyValue;
  /** Whether the class has `__slots__`. */
  readonly hasSlots: boolean;
  /** Attributes that this program does not know. */
  readonly extra: PyDict | null;
}

/** The class `dispy.NodeAllocate`. */
export const NODE_ALLOCATE_CLASS: PyValue = dispyClass("NodeAllocate");

const KNOWN: ReadonlySet<PyValue> = new Set([
  "ip_addr",
  "ip_rex",
  "port",
  "cpus",
  "depends",
  "setup_args",
]);

function decodeDepends(dict: PyDict, what: "node allocation" | "NodeAllocate"): NodeDepend[] {
  if (!dict.has("depends")) return [];
  return requireList(dict, "depends", what)
    .map((depend) => {
      if (typeof depend === "string") return depend;
      return depend instanceof Uint8Array ? textOfBytes(depend) : decodeXferFile(depend);
    });
}

function encodeDepends(depends: readonly NodeDepend[]): PyValue[] {
  return depends.map((depend) => typeof depend === "string" ? depend : encodeXferFile(depend));
}

/** The dict that today's clients send in place of a tuple of address, port and CPUs. */
function dictOfTuple({ items: [host, port, cpus] }: PyTuple): PyDict {
  return PyDict.from({ host: host ?? null, port: port ?? null, cpus: cpus ?? null });
}

/** As dispy does: a list becomes a tuple, any other lone value a tuple of one. */
function decodeSetupArgs(dict: PyDict): PyTuple {
  const value = dict.get("setup_args");
  if (value === undefined) return new PyTuple([]);
  if (value instanceof PyTuple) return value;
  return new PyTuple(Array.isArray(value) ? value : [value]);
}

/**
 * Reads one of the dicts (before 4.11: tuples) in `COMPUTE:`.
 *
 * @throws {WireError} `malformed`
 */
export function decodeNodeAllocSpec(value: PyValue): NodeAllocSpec {
  const what = "node allocation";
  const dict = value instanceof PyTuple ? dictOfTuple(value) : requireDict(value, what);
  return {
    host: requireString(dict, "host", what),
    port: optionalPort(dict, "port", what),
    cpus: optionalInt(dict, "cpus", what) ?? 0,
    depends: decodeDepends(dict, what),
    setupArgs: decodeSetupArgs(dict),
  };
}

/** One of the dicts in `COMPUTE:`. */
export function encodeNodeAllocSpec(spec: NodeAllocSpec): PyDict {
  return PyDict.from({
    host: spec.host,
    port: toOptionalInt(spec.port),
    cpus: toInt(spec.cpus),
    depends: encodeDepends(spec.depends),
    setup_args: spec.setupArgs,
  });
}

/**
 * Reads a `dispy.NodeAllocate`, or an instance of any class that has its attributes: users may
 * derive classes of their own from it.
 *
 * @throws {WireError} `malformed`
 */
export function decodeNodeAllocate(value: PyValue): NodeAllocate {
  const what = "NodeAllocate";
  const attributes = instanceAttributes(value, what);
  const { construction } = value as PyObject;
  const cls = construction.kind === "reduce" ? construction.callable : construction.cls;
  const ipAddr = requireString(attributes, "ip_addr", what);
  if (ipAddr === "") throw badField(what, "ip_addr", "an address or pattern");
  return {
    ipAddr,
    ipRex: optionalString(attributes, "ip_rex", what) ?? ipRexOf(ipAddr),
    port: optionalPort(attributes, "port", what),
    cpus: optionalInt(attributes, "cpus", what) ?? 0,
    depends: decodeDepends(attributes, what),
    setupArgs: decodeSetupArgs(attributes),
    cls,
    hasSlots: hasSlotState(value as PyObject),
    extra: extraAttributes(attributes, KNOWN),
  };
}

/** A `dispy.NodeAllocate`, or an instance of the class that {@linkcode NodeAllocate.cls} names. */
export function encodeNodeAllocate(allocate: NodeAllocate): PyObject {
  const attributes = addExtra(
    PyDict.from({
      ip_addr: allocate.ipAddr,
      ip_rex: allocate.ipRex,
      port: toOptionalInt(allocate.port),
      cpus: toInt(allocate.cpus),
      depends: encodeDepends(allocate.depends),
      setup_args: allocate.setupArgs,
    }),
    allocate.extra,
  );
  return allocate.hasSlots
    ? slotInstanceOf(allocate.cls, attributes)
    : instanceOf(allocate.cls, attributes);
}

/** The regular expression that dispy makes of an address or pattern. */
export function ipRexOf(ipAddr: string): string {
  return ipAddr.replaceAll(".", "\\.").replaceAll("*", ".*");
}
