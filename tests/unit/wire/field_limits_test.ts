/** Each field of each message is taken at its limit and not beyond: made from the table of limits. */

import { assert } from "@std/assert/assert.js";
import { assertEquals } from "@std/assert/equals.js";
import { assertStringIncludes } from "@std/assert/string_includes.js";
import { dumps, PyDict, PyGlobal, PyObject, PyTuple } from "../../../src/pickle/mod.ts";
import type { PyValue } from "../../../src/pickle/mod.ts";
import {
  FIELD_LIMITS,
  type FieldLimit,
  type LimitedName,
  withoutFieldLimits,
} from "../../../src/wire/field_limits.ts";
import {
  decodeAvailInfo,
  decodeClientAnswer,
  decodeClientComputeAnswer,
  decodeClientRequest,
  decodeCompute,
  decodeDiscovery,
  decodeDispyJob,
  decodeDispyNode,
  decodeFileStat,
  decodeJobReply,
  decodeNodeAllocate,
  decodeNodeAllocSpec,
  decodeNodeRequest,
  decodePendingJobsAnswer,
  decodeRelayAnswer,
  decodeToClient,
  decodeToNode,
  decodeXferFile,
  NodeStatus,
  WireError,
} from "../../../src/wire/mod.ts";
import { joined } from "./codecs.ts";

type Fields = Record<string, PyValue>;

/** A valid message or record, and how one with these fields is read. */
interface Sample {
  readonly fields: Fields;
  readonly read: (fields: Fields) => unknown;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function instance(name: string, fields: Fields): PyObject {
  return new PyObject(
    { kind: "newobj", cls: new PyGlobal("dispy", name), args: new PyTuple([]) },
    [{ kind: "build", state: PyDict.from(fields) }],
  );
}

const tagged = (decode: (message: Uint8Array) => unknown, tag: string) => (fields: Fields) =>
  decode(joined([bytes(`${tag}:`), dumps(PyDict.from(fields))]));

const bare = (decode: (message: Uint8Array) => unknown) => (fields: Fields) =>
  decode(dumps(PyDict.from(fields)));

const record = (decode: (value: PyValue) => unknown, name: string) => (fields: Fields) =>
  decode(instance(name, fields));

/** Python's `os.stat_result` gives its numbers by place, and the times once more by name. */
function statOf(fields: Fields): PyObject {
  const numbers: PyValue[] = Array(10).fill(0n);
  numbers[0] = fields["st_mode"]!;
  numbers[6] = fields["st_size"]!;
  const { st_atime, st_mtime } = fields;
  return new PyObject({
    kind: "reduce",
    callable: new PyGlobal("os", "stat_result"),
    args: new PyTuple([
      new PyTuple(numbers),
      PyDict.from({ st_atime: st_atime!, st_mtime: st_mtime! }),
    ]),
  });
}

const REF = { compute_id: 7n, auth: "auth" };
const STAT = { st_mode: 0o100644n, st_size: 3n, st_atime: 1.5, st_mtime: 2.5 };
const XFER = { name: "/a/b", dest_path: "c", compute_id: 7n, stat_buf: statOf(STAT), sep: "/" };
const FILE = instance("_XferFile", XFER);
const JOB = {
  uid: 1n,
  hash: "h",
  compute_id: 7n,
  _args: bytes("args"),
  _kwargs: bytes("kwargs"),
  xfer_files: [],
  code: "",
};
const REPLY = {
  uid: 1n,
  hash: "h",
  ip_addr: "10.0.0.2",
  status: 11n,
  result: bytes("r"),
  start_time: 1.5,
  end_time: 2.5,
  cpus: 1n,
};
const COMPUTE = {
  type: 1n,
  name: "f",
  id: 7n,
  code: "def f(): pass",
  dest_path: "d",
  xfer_files: [],
  reentrant: false,
  exclusive: false,
  setup_args_count: 0n,
  scheduler_ip_addr: "10.0.0.1",
  scheduler_port: 1n,
  node_ip_addr: "10.0.0.2",
  auth: "auth",
  job_result_port: 1n,
  pulse_interval: 5.0,
};
const NODE = {
  ip_addr: "10.0.0.2",
  name: "n",
  cpus: 1n,
  avail_cpus: 2n,
  busy: 0n,
  jobs_done: 3n,
  cpu_time: 1.5,
  tx: 1n,
  rx: 2n,
  update_time: 3.5,
};
const PING = { version: "4.15.2", sign: "s", port: 9700n };
const NODE_STATUS = { ...REF, ip_addr: "10.0.0.2" };

const ofClient = (tag: string, fields: Fields): Sample => ({
  fields,
  read: tagged(decodeClientRequest, tag),
});
const ofNode = (tag: string, fields: Fields): Sample => ({
  fields,
  read: tagged(decodeNodeRequest, tag),
});
const toNode = (tag: string, fields: Fields): Sample => ({
  fields,
  read: tagged(decodeToNode, tag),
});
const toClient = (tag: string, fields: Fields): Sample => ({
  fields,
  read: tagged(decodeToClient, tag),
});
const recorded = (name: string, fields: Fields, decode: (value: PyValue) => unknown): Sample => ({
  fields,
  read: record(decode, name),
});

/** By message or record: one sample for each form that it has; together they have all fields. */
const SAMPLES: Readonly<Record<LimitedName, readonly Sample[]>> = {
  PING: [
    { ...PING, ip_addr: "10.0.0.2", scheduler_ip_addr: "10.0.0.1" } as Fields,
    { ...PING, ip_addrs: ["10.0.0.1"], node_ip_addr: "10.0.0.2", own_auth: 1n } as Fields,
    { ...PING, ip_addrs: ["10.0.0.1"], pickle_protocol: 5n } as Fields,
    { ...PING, ip_addrs: ["10.0.0.1"], relay: "y" } as Fields,
  ].map((fields) => ({ fields, read: tagged(decodeDiscovery, "PING") })),
  PONG: [ofNode("PONG", {
    ...{ ...PING, ip_addr: "10.0.0.2", name: "n", cpus: 2n, platform: "Linux" },
    pickle_protocol: 5n,
    ...{ own_sign: "s", own_nonce: "n", own_code: "c" },
    ...{ auth: bytes("auth"), avail_info: null, scheduler_ip_addr: "10.0.0.1" },
  })],
  RELAY_INFO: [ofNode("RELAY_INFO", {
    ...{ ...PING, ip_addrs: ["10.0.0.1"], auth: bytes("auth"), scheduler_ip_addr: "10.0.0.1" },
  })],
  "answer to RELAY_INFO": [{
    fields: { sign: "s", ip_addrs: ["10.0.0.1"], port: 9700n },
    read: bare(decodeRelayAnswer),
  }],
  TERMINATED: [ofNode("TERMINATED", { ip_addr: "10.0.0.2", port: 9701n, sign: "s" })],
  NODE_CPUS: [ofNode("NODE_CPUS", { ip_addr: "10.0.0.2", sign: "s", cpus: 2n })],
  PULSE: [
    ofNode("PULSE", {
      ...{ ip_addr: "10.0.0.2", port: 9701n, cpus: 1n, scheduler_ip_addr: "10.0.0.1" },
    }),
    ofClient("PULSE", { client_ip_addr: "10.0.0.9", client_port: 1n }),
  ],
  CLIENT: [ofClient("CLIENT", {
    ...{ version: "4.15.2", ip_addr: "10.0.0.9", scheduler_ip_addr: "10.0.0.1" },
  })],
  COMPUTE: [ofClient("COMPUTE", {
    ...{ compute: instance("_Compute", COMPUTE), exclusive: false, pickle_protocol: 5n },
    node_allocs: [PyDict.from({ host: "*", depends: [] })],
  })],
  JOB: [ofClient("JOB", { job: instance("_DispyJob_", JOB), node: "10.0.0.2", auth: "auth" })],
  SENDFILE: [ofClient("SENDFILE", { node: "10.0.0.2", xf: FILE })],
  SCHEDULE: [ofClient("SCHEDULE", REF)],
  TERMINATE_JOB: [ofClient("TERMINATE_JOB", { ...REF, uid: 1n })],
  ALLOCATE_NODE: [ofClient("ALLOCATE_NODE", {
    ...REF,
    node_alloc: [instance("NodeAllocate", { ip_addr: "10.0.0.2" })],
  })],
  DEALLOCATE_NODE: [ofClient("DEALLOCATE_NODE", { ...REF, node: "10.0.0.2" })],
  CLOSE_NODE: [ofClient("CLOSE_NODE", { ...REF, node: "10.0.0.2", terminate_pending: false })],
  SET_NODE_CPUS: [ofClient("SET_NODE_CPUS", { ...REF, node: "10.0.0.2", cpus: 1n })],
  NODE_JOBS: [ofClient("NODE_JOBS", { ...REF, node: "10.0.0.2", from_node: false })],
  JOBS: [toNode("JOBS", REF)],
  RESEND_JOB_RESULTS: [
    ofClient("RESEND_JOB_RESULTS", REF),
    toNode("RESEND_JOB_RESULTS", REF),
  ],
  PENDING_JOBS: [ofClient("PENDING_JOBS", REF)],
  RETRIEVE_JOB: [ofClient("RETRIEVE_JOB", { ...REF, uid: 1n, hash: "h" })],
  SETUP: [toNode("SETUP", { compute_id: 7n, setup_args: new PyTuple([]) })],
  CLOSE: [
    ofClient("CLOSE", { ...REF, terminate_pending: true }),
    toNode("CLOSE", { ...REF, node_ip_addr: "10.0.0.2", terminate_pending: true, close: true }),
  ],
  "answer to CLIENT": [{
    fields: { ip_addr: "10.0.0.9", port: 9702n, sign: "s", version: "4.15.2" },
    read: bare(decodeClientAnswer),
  }],
  "answer to COMPUTE": [{ fields: REF, read: bare(decodeClientComputeAnswer) }],
  "answer to PENDING_JOBS": [{
    fields: { done: [], pending: 1n },
    read: bare(decodePendingJobsAnswer),
  }],
  SCHEDULED: [toClient("SCHEDULED", { compute_id: 7n, pulse_interval: 5.0 })],
  JOB_STATUS: [toClient("JOB_STATUS", {
    ...{ uid: 1n, hash: "h", status: 6n, node: "10.0.0.2", start_time: 1.5 },
  })],
  NODE_STATUS: [
    toClient("NODE_STATUS", { ...NODE_STATUS, status: "node_cpus", node_cpus: 1n }),
    toClient("NODE_STATUS", {
      ...{ ...NODE_STATUS, status: BigInt(NodeStatus.Initialized), node_port: 9701n },
      ...{ dispy_node: instance("DispyNode", NODE), node_auth: bytes("auth") },
    }),
    toClient("NODE_STATUS", {
      ...{ ...NODE_STATUS, status: BigInt(NodeStatus.Closed), tx: 1n, rx: 1n },
    }),
  ],
  _Compute: [recorded("_Compute", COMPUTE, decodeCompute)],
  _DispyJob_: [recorded("_DispyJob_", JOB, decodeDispyJob)],
  _JobReply: [recorded("_JobReply", REPLY, decodeJobReply)],
  _XferFile: [recorded("_XferFile", XFER, decodeXferFile)],
  stat_result: [{ fields: STAT, read: (fields) => decodeFileStat(statOf(fields)) }],
  "node allocation": [{
    fields: { host: "*", port: 9701n, cpus: 0n, depends: [] },
    read: (fields) => decodeNodeAllocSpec(PyDict.from(fields)),
  }],
  NodeAllocate: [recorded("NodeAllocate", {
    ...{ ip_addr: "10.0.0.2", ip_rex: "10.0.0.2", port: 9701n, cpus: 0n, depends: [] },
  }, decodeNodeAllocate)],
  DispyNodeAvailInfo: [recorded("DispyNodeAvailInfo", {
    ...{ cpu: 1.5, memory: 2n, disk: 3n, swap: 4.5 },
  }, decodeAvailInfo)],
  DispyNode: [recorded("DispyNode", NODE, decodeDispyNode)],
  // Read by our node from its own disk; see kept_replies_test.ts.
  "kept reply": [],
};

/** What is taken of a field, and what is not; of a clamped number, what each comes to. */
interface Cases {
  readonly taken: readonly PyValue[];
  readonly refused: readonly PyValue[];
  readonly clamped: readonly (readonly [sent: PyValue, read: number])[];
}

/** Longer texts and bytes than that are payloads, which a test does not make. */
const MAX_MADE = 1 << 20;

function casesOf(limit: FieldLimit): Cases {
  const none = { taken: [], refused: [], clamped: [] };
  switch (limit.kind) {
    case "text": {
      if (limit.maxChars > MAX_MADE) return { ...none, taken: ["x".repeat(MAX_MADE)] };
      const most = "x".repeat(limit.maxChars);
      // A str of Python 2 that is not ASCII is bytes; they are not decoded where they are too many.
      const most2 = new TextEncoder().encode("é".repeat(limit.maxChars));
      const refused = [most + "x", 1n, new Uint8Array(2 * limit.maxChars + 2).fill(0xff)];
      return { ...none, taken: [most, most2], refused };
    }
    case "bytes": {
      if (limit.maxBytes > MAX_MADE) return { ...none, taken: [new Uint8Array(MAX_MADE)] };
      // A str of Python 2 that is ASCII looks like text.
      const refused = [new Uint8Array(limit.maxBytes + 1), "x".repeat(limit.maxBytes + 1), "é"];
      return { ...none, taken: [new Uint8Array(limit.maxBytes)], refused };
    }
    case "texts": {
      const { maxItems, maxChars } = limit;
      const most = "x".repeat(maxChars);
      return {
        ...none,
        taken: [Array(maxItems).fill(most), new PyTuple([most])],
        refused: [Array(maxItems + 1).fill("x"), [most + "x"], [1n]],
      };
    }
    case "int": {
      const { min, max } = limit;
      const refused = [BigInt(min) - 1n, BigInt(max) + 1n, 1n << 70n, NaN, Infinity];
      return { ...none, taken: [BigInt(min), BigInt(max)], refused };
    }
    case "number": {
      const { min, max, isClamped } = limit;
      const odd = [NaN, Infinity, -Infinity, max * 2 + 1, min - 1, 10n ** 400n];
      if (!isClamped) return { ...none, taken: [BigInt(min), BigInt(max)], refused: odd };
      const clamped = odd.map((sent) => {
        const value = Number(sent);
        return [sent, Number.isNaN(value) ? Math.max(min, 0) : value < min ? min : max] as const;
      });
      return { ...none, taken: [min, max], clamped };
    }
    case "list":
      // Items of any kind are counted before they are looked at.
      return { ...none, refused: [Array(limit.maxItems + 1).fill(null)] };
    case "flag":
      return { ...none, taken: [true, false], refused: ["yes", 1.5] };
    case "object":
      return none;
  }
}

/** Numbers of which the meaning allows less than the range. */
const FURTHER_BOUND: ReadonlySet<string> = new Set([
  "_Compute.type",
  "_JobReply.status",
  "JOB_STATUS.status",
]);

function errorOf(sample: Sample, fields: Fields): WireError | null {
  try {
    sample.read(fields);
    return null;
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
}

/** A number anywhere in what was read. */
function holds(value: unknown, number: number): boolean {
  if (typeof value === "number") return value === number;
  return typeof value === "object" && value !== null &&
    Object.values(value).some((each) => holds(each, number));
}

for (const [name, fields] of Object.entries(FIELD_LIMITS) as [LimitedName, object][]) {
  const samples = SAMPLES[name];
  if (samples.length === 0) continue;
  Deno.test(`each field of ${name} is taken at its limit, and not beyond`, () => {
    for (const [field, limit] of Object.entries(fields) as [string, FieldLimit][]) {
      const concerned = samples.filter((sample) => field in sample.fields);
      assert(concerned.length > 0, `no sample of ${name} has the field ${field}`);
      const { taken, refused, clamped } = casesOf(limit);
      for (const sample of concerned) {
        assertEquals(errorOf(sample, sample.fields), null, `${name}: the sample itself`);
        for (const value of FURTHER_BOUND.has(`${name}.${field}`) ? [] : taken) {
          const error = errorOf(sample, { ...sample.fields, [field]: value });
          assertEquals(error?.message, undefined, `${name}.${field} at its limit`);
        }
        for (const value of refused) {
          const error = errorOf(sample, { ...sample.fields, [field]: value });
          assertEquals(error?.kind, "malformed", `${name}.${field} beyond its limit`);
          assertStringIncludes(error!.message, field);
          assert(error!.message.length < 200, "the value itself is not told");
        }
        for (const [sent, expected] of clamped) {
          const read = sample.read({ ...sample.fields, [field]: sent });
          assert(holds(read, expected), `${name}.${field}: ${sent} counts as ${expected}`);
          assert(!JSON.stringify(numbersOf(read)).includes("null"), "no NaN, no infinity");
        }
      }
    }
  });
}

/** All numbers in what was read; JSON writes those that are none as `null`. */
function numbersOf(value: unknown): number[] {
  if (typeof value === "number") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(numbersOf);
}

Deno.test("no field of a record is read that has no limit: an unknown one is a fault of ours", () => {
  // What a release of dispy adds stays with the attributes that are passed on, and is charged.
  const read = record(decodeCompute, "_Compute");
  const compute = read({ ...COMPUTE, new_one: "x".repeat(MAX_MADE) }) as { extra: PyDict };
  assertEquals([...compute.extra].map(([key]) => key), ["new_one"]);
});

Deno.test("what was accepted before there were limits can still be read", () => {
  const long = { ...XFER, name: "n".repeat(100_000) };
  const sample = SAMPLES._XferFile[0]!;
  assertEquals(errorOf(sample, long)?.kind, "malformed");
  assertEquals(withoutFieldLimits(() => errorOf(sample, long)), null);
  assertEquals(errorOf(sample, long)?.kind, "malformed");
});
