/**
 * What clients ask of the scheduler at its client port, behind the auth code of the cluster
 * secret; `CLIENT:` alone comes with a filler. Answers are in `client_answers.ts`.
 *
 * @module
 */

import { PyDict } from "../pickle/mod.ts";
import type { PickleLimits, PyValue } from "../pickle/mod.ts";
import { ANY_PYTHON } from "./answers.ts";
import { PYTHON3_PICKLES } from "./dialect.ts";
import {
  optionalFlag,
  optionalInt,
  optionalPort,
  optionalString,
  requireDict,
  requireInt,
  requireList,
  requireString,
  requireValue,
  toInt,
  toOptionalInt,
} from "./fields.ts";
import { decodeCompute, encodeCompute, oldestReleaseOf } from "./records/compute.ts";
import type { Compute } from "./records/compute.ts";
import { decodeDispyJob, encodeDispyJob } from "./records/dispy_job.ts";
import type { DispyJob } from "./records/dispy_job.ts";
import {
  decodeNodeAllocate,
  decodeNodeAllocSpec,
  encodeNodeAllocate,
  encodeNodeAllocSpec,
} from "./records/node_allocate.ts";
import type { NodeAllocate, NodeAllocSpec } from "./records/node_allocate.ts";
import { decodeXferFile, encodeXferFile } from "./records/xfer_file.ts";
import type { XferFile } from "./records/xfer_file.ts";
import { decodePickle, encodeTagged, splitTag, unknownTag } from "./tags.ts";

/** Names a computation and proves that it is the asker's own. */
export interface ComputeRef {
  readonly computeId: number;
  /** The auth that the client got for the computation. A secret. */
  readonly auth: string;
}

/** A client greets. Answer: `encodeClientAnswer`. */
export interface ClientGreeting {
  readonly kind: "CLIENT";
  readonly version: string;
  /** The client's address, where it wants to be known by another than the one we see. */
  readonly ipAddr: string | null;
  readonly schedulerIpAddr: string | null;
}

/** A new computation. Answer: `encodeClientComputeAnswer`. */
export interface ClientComputeRequest {
  readonly kind: "COMPUTE";
  readonly compute: Compute;
  readonly nodeAllocs: readonly NodeAllocSpec[];
  readonly exclusive: boolean;
  /** Highest pickle protocol that it reads, where it says so itself: our own clients do. */
  readonly pickleProtocol?: number;
  /** Of one that was received: the oldest release that its client can be of, as far as it tells. */
  readonly oldestRelease?: string;
}

/** A file of a computation or job. The file transfer follows, see `file_transfer.ts`. */
export interface ClientFileRequest {
  readonly kind: "FILEXFER";
  readonly file: XferFile;
}

/** A file for one node. The file transfer follows, through to the node. */
export interface SendFileRequest {
  readonly kind: "SENDFILE";
  /** The node's address. */
  readonly node: string;
  readonly file: XferFile;
}

/** All files are there: begin. Answer: `ACK` or `NAK`; `SCHEDULED:` follows. */
export interface ScheduleRequest extends ComputeRef {
  readonly kind: "SCHEDULE";
}

/** A job. Answer: its uid; then `ACK` from the client, or `NAK`: forget the job. */
export interface ClientJobRequest {
  readonly kind: "JOB";
  readonly job: DispyJob;
  /** Address of the only node that may run the job. */
  readonly node: string | null;
  readonly auth: string;
}

/** Cancel a job. No answer; its `JOB_REPLY:` follows. */
export interface ClientTerminateJobRequest extends ComputeRef {
  readonly kind: "TERMINATE_JOB";
  readonly uid: number;
}

/** Use these nodes too. Answer: int, 0 is good. */
export interface AllocateNodeRequest extends ComputeRef {
  readonly kind: "ALLOCATE_NODE";
  readonly nodeAllocs: readonly NodeAllocate[];
}

/** Give this node no more jobs. Answer: int, 0 is good. */
export interface DeallocateNodeRequest extends ComputeRef {
  readonly kind: "DEALLOCATE_NODE";
  readonly node: string;
}

/** Give up the computation at this node. Answer: int, 0 is good. */
export interface CloseNodeRequest extends ComputeRef {
  readonly kind: "CLOSE_NODE";
  readonly node: string;
  readonly terminatePending: boolean;
}

/** Use that many CPUs of a node, or all but that many if negative. Answer: int, 0 is good. */
export interface SetNodeCpusRequest extends ComputeRef {
  readonly kind: "SET_NODE_CPUS";
  readonly node: string;
  readonly cpus: number;
}

/** Which jobs run at this node? Answer: list of uids. */
export interface NodeJobsRequest extends ComputeRef {
  readonly kind: "NODE_JOBS";
  readonly node: string;
  /** Whether the node itself is to be asked. */
  readonly fromNode: boolean;
}

/** The client is alive. No answer. */
export interface ClientPulse {
  readonly kind: "PULSE";
  readonly clientIpAddr: string | null;
  /** The port that the computations of this client have as `jobResultPort`. */
  readonly clientPort: number | null;
}

/** Send again what I have not got. Answer: int, how many results there are or will be. */
export interface ClientResendRequest extends ComputeRef {
  readonly kind: "RESEND_JOB_RESULTS";
}

/** Which results are there? Answer: `encodePendingJobsAnswer`. */
export interface PendingJobsRequest extends ComputeRef {
  readonly kind: "PENDING_JOBS";
}

/** One result. Answer: `encodeRetrieveJobAnswer`; then `ACK` from the client. */
export interface RetrieveJobRequest extends ComputeRef {
  readonly kind: "RETRIEVE_JOB";
  readonly uid: number;
  readonly hash: string;
}

/** The computation is done with. No answer. */
export interface ClientCloseRequest extends ComputeRef {
  readonly kind: "CLOSE";
  readonly terminatePending: boolean;
}

/** Everything that a client asks. */
export type ClientRequest =
  | ClientGreeting
  | ClientComputeRequest
  | ClientFileRequest
  | SendFileRequest
  | ScheduleRequest
  | ClientJobRequest
  | ClientTerminateJobRequest
  | AllocateNodeRequest
  | DeallocateNodeRequest
  | CloseNodeRequest
  | SetNodeCpusRequest
  | NodeJobsRequest
  | ClientPulse
  | ClientResendRequest
  | PendingJobsRequest
  | RetrieveJobRequest
  | ClientCloseRequest;

/**
 * Reads a client's request, without the auth code.
 *
 * @param limits Those for trusted peers when absent; see `GREETING_LIMITS`.
 * @throws {WireError} `malformed`
 */
export function decodeClientRequest(message: Uint8Array, limits?: PickleLimits): ClientRequest {
  const { tag, body } = splitTag(message);
  if (tag === "FILEXFER") {
    return { kind: tag, file: decodeXferFile(decodePickle(body, tag, limits)) };
  }
  const decodeDict = CLIENT_REQUESTS[tag];
  if (decodeDict === undefined) throw unknownTag(tag, "to the client port");
  return decodeDict(requireDict(decodePickle(body, tag, limits), tag));
}

function decodeComputeRef(
  dict: PyDict,
  what: Extract<ClientRequest, ComputeRef>["kind"],
): ComputeRef {
  return {
    computeId: requireInt(dict, "compute_id", what),
    auth: requireString(dict, "auth", what),
  };
}

/** By tag, how the dict of a request is read. */
const CLIENT_REQUESTS: Readonly<Record<string, (dict: PyDict) => ClientRequest>> = {
  __proto__: null as never,
  JOB: (dict) => {
    const kind = "JOB";
    return {
      kind,
      job: decodeDispyJob(requireValue(dict, "job", kind)),
      node: optionalString(dict, "node", kind),
      auth: requireString(dict, "auth", kind),
    };
  },
  CLIENT: (dict) => {
    const kind = "CLIENT";
    return {
      kind,
      version: requireString(dict, "version", kind),
      ipAddr: optionalString(dict, "ip_addr", kind),
      schedulerIpAddr: optionalString(dict, "scheduler_ip_addr", kind),
    };
  },
  COMPUTE: (dict) => {
    const kind = "COMPUTE";
    const pickleProtocol = optionalInt(dict, "pickle_protocol", kind);
    return {
      kind,
      compute: decodeCompute(requireValue(dict, "compute", kind)),
      oldestRelease: oldestReleaseOf(requireValue(dict, "compute", kind)),
      nodeAllocs: requireList(dict, "node_allocs", kind).map(decodeNodeAllocSpec),
      exclusive: optionalFlag(dict, "exclusive", kind),
      ...(pickleProtocol === null ? {} : { pickleProtocol }),
    };
  },
  SENDFILE: (dict) => {
    const kind = "SENDFILE";
    return {
      kind,
      node: requireString(dict, "node", kind),
      file: decodeXferFile(requireValue(dict, "xf", kind)),
    };
  },
  SCHEDULE: (dict) => {
    const kind = "SCHEDULE";
    return { kind, ...decodeComputeRef(dict, kind) };
  },
  TERMINATE_JOB: (dict) => {
    const kind = "TERMINATE_JOB";
    return { kind, ...decodeComputeRef(dict, kind), uid: requireInt(dict, "uid", kind) };
  },
  ALLOCATE_NODE: (dict) => {
    const kind = "ALLOCATE_NODE";
    const lone = dict.get("node_alloc") ?? null;
    const allocs = Array.isArray(lone) ? requireList(dict, "node_alloc", kind) : [lone];
    return {
      kind,
      ...decodeComputeRef(dict, kind),
      nodeAllocs: allocs.map(decodeNodeAllocate),
    };
  },
  DEALLOCATE_NODE: (dict) => {
    const kind = "DEALLOCATE_NODE";
    return { kind, ...decodeComputeRef(dict, kind), node: requireString(dict, "node", kind) };
  },
  CLOSE_NODE: (dict) => {
    const kind = "CLOSE_NODE";
    return {
      kind,
      ...decodeComputeRef(dict, kind),
      node: requireString(dict, "node", kind),
      terminatePending: optionalFlag(dict, "terminate_pending", kind),
    };
  },
  SET_NODE_CPUS: (dict) => {
    const kind = "SET_NODE_CPUS";
    return {
      kind,
      ...decodeComputeRef(dict, kind),
      node: requireString(dict, "node", kind),
      cpus: requireInt(dict, "cpus", kind),
    };
  },
  NODE_JOBS: (dict) => {
    const kind = "NODE_JOBS";
    return {
      kind,
      ...decodeComputeRef(dict, kind),
      node: requireString(dict, "node", kind),
      fromNode: optionalFlag(dict, "from_node", kind),
    };
  },
  PULSE: (dict) => {
    const kind = "PULSE";
    return {
      kind,
      clientIpAddr: optionalString(dict, "client_ip_addr", kind),
      clientPort: optionalPort(dict, "client_port", kind),
    };
  },
  RESEND_JOB_RESULTS: (dict) => {
    const kind = "RESEND_JOB_RESULTS";
    return { kind, ...decodeComputeRef(dict, kind) };
  },
  PENDING_JOBS: (dict) => {
    const kind = "PENDING_JOBS";
    return { kind, ...decodeComputeRef(dict, kind) };
  },
  RETRIEVE_JOB: (dict) => {
    const kind = "RETRIEVE_JOB";
    return {
      kind,
      ...decodeComputeRef(dict, kind),
      uid: requireInt(dict, "uid", kind),
      hash: requireString(dict, "hash", kind),
    };
  },
  CLOSE: (dict) => {
    const kind = "CLOSE";
    return {
      kind,
      ...decodeComputeRef(dict, kind),
      terminatePending: optionalFlag(dict, "terminate_pending", kind),
    };
  },
};

/**
 * Writes a client's request, without the auth code. Our own clients speak today's dispy, whatever
 * the scheduler is: a scheduler of dispy's takes clients of its own release alone.
 */
export function encodeClientRequest(request: ClientRequest): Uint8Array[] {
  const isForAll = !WITH_PAYLOADS.has(request.kind);
  const protocol = isForAll ? ANY_PYTHON : PYTHON3_PICKLES;
  return encodeTagged(request.kind, clientRequestBody(request), protocol, "unicode");
}

/** Requests with bytes or users' objects in them; nodes are sent the others, too. */
const WITH_PAYLOADS: ReadonlySet<ClientRequest["kind"]> = new Set([
  ...["COMPUTE", "JOB", "ALLOCATE_NODE", "FILEXFER", "SENDFILE"] as const,
]);

function clientRequestBody(request: ClientRequest): PyValue {
  switch (request.kind) {
    case "JOB":
      return PyDict.from({
        node: request.node,
        job: encodeDispyJob(request.job),
        auth: request.auth,
      });
    case "CLIENT":
      return PyDict.from({
        version: request.version,
        ip_addr: request.ipAddr,
        scheduler_ip_addr: request.schedulerIpAddr,
      });
    case "COMPUTE": {
      const dict = PyDict.from({
        compute: encodeCompute(request.compute),
        node_allocs: request.nodeAllocs.map(encodeNodeAllocSpec),
        exclusive: request.exclusive,
      });
      const { pickleProtocol } = request;
      if (pickleProtocol !== undefined) dict.set("pickle_protocol", toInt(pickleProtocol));
      return dict;
    }
    case "FILEXFER":
      return encodeXferFile(request.file);
    case "SENDFILE":
      return PyDict.from({ node: request.node, xf: encodeXferFile(request.file) });
    case "PULSE":
      return PyDict.from({
        client_ip_addr: request.clientIpAddr,
        client_port: toOptionalInt(request.clientPort),
      });
    default:
      return computeRequestBody(request);
  }
}

/** Body of the requests that name a computation by {@linkcode ComputeRef}. */
function computeRequestBody(request: Extract<ClientRequest, ComputeRef>): PyDict {
  const dict = PyDict.from({ compute_id: toInt(request.computeId), auth: request.auth });
  switch (request.kind) {
    case "SCHEDULE":
    case "RESEND_JOB_RESULTS":
    case "PENDING_JOBS":
      return dict;
    case "TERMINATE_JOB":
      return dict.set("uid", toInt(request.uid));
    case "ALLOCATE_NODE":
      return dict.set("node_alloc", request.nodeAllocs.map(encodeNodeAllocate));
    case "DEALLOCATE_NODE":
      return dict.set("node", request.node);
    case "CLOSE_NODE":
      return dict.set("node", request.node).set("terminate_pending", request.terminatePending);
    case "SET_NODE_CPUS":
      return dict.set("node", request.node).set("cpus", toInt(request.cpus));
    case "NODE_JOBS":
      return dict.set("node", request.node).set("get_uids", true)
        .set("from_node", request.fromNode);
    case "RETRIEVE_JOB":
      return dict.set("uid", toInt(request.uid)).set("hash", request.hash);
    case "CLOSE":
      return dict.set("terminate_pending", request.terminatePending);
  }
}
