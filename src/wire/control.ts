/**
 * How our own commands talk to a running scheduler of ours: a message of its own at the client
 * port, behind the auth code of the cluster secret, with JSON in it. dispy's peers never send it.
 *
 * @module
 */

import { WireError } from "./errors.ts";
import { fromJson, type Shape, type Shaped, toJson } from "./shape.ts";
import { splitTag } from "./tags.ts";

/** The message's tag. */
export const CONTROL_TAG = "DISPYSCHEDULER_CONTROL";

/** Changes when a message no longer means what it meant before. */
export const CONTROL_VERSION = 1;

/**
 * What a command announces as its dispy version in its greeting: a scheduler of ours answers each
 * with the version that it came with, while dispy's own answers nobody but its own version.
 */
export const CONTROL_GREETING_VERSION = "dispyscheduler";

/** A request is at most this long. */
export const MAX_CONTROL_REQUEST_BYTES = 64 * 1024;

/** The shapes of requests, by name. */
const REQUESTS = {
  /** What is going on. */
  status: {},
  /** The jobs of a cluster that are not done, in order of submission, at most `limit` of them. */
  jobs: { cluster: "string", limit: "number" },
  /** Why no job of a cluster can start. */
  waits: { cluster: "string" },
  /** Ends a cluster: its waiting jobs, and those that run unless they are to go on. */
  cancelCluster: { cluster: "string", terminateRunning: "boolean" },
  /** Ends a job. */
  cancelJob: { cluster: "string", uid: "number" },
  /** Sets how many CPUs of a node are used at most: 0 drains it, `null` takes the limit off. */
  limitNode: { node: "string", cpus: "number?" },
} as const satisfies Record<string, { readonly [field: string]: Shape }>;

/** What can be asked. */
export type ControlRequestName = keyof typeof REQUESTS;

/** A request: `cluster` is an id or a name, `node` an address or a name. */
export type ControlRequest<Name extends ControlRequestName = ControlRequestName> = {
  [Each in Name]: { readonly request: Each } & Shaped<typeof REQUESTS[Each]>;
}[Name];

/** What the scheduler knows of a node. */
const NODE = {
  address: "string",
  name: "string",
  /** Fixed words: `ready`, `drained`, `not_answering`, `silent`, `unconfirmed`. */
  state: "string",
  platform: "string",
  dispyVersion: "string",
  /** CPUs in use at most, clients' wishes included. */
  cpus: "number",
  availCpus: "number",
  /** The limit that a command has set; 0 = drained. */
  cpuLimit: "number?",
  busyCpus: "number",
  jobsDone: "number",
  cpuTimeMs: "number",
  /** How long ago it was last heard of. */
  silentMs: "number",
  /** Ids of the clusters that use it. */
  clusters: ["number"],
} as const satisfies Shape;

/** A reason why a cluster waits. */
const WAIT = {
  /** Fixed words, such as `setup_failed`. */
  kind: "string",
  /** Nodes that it is true of, the first of them; none where it is true of the cluster itself. */
  nodes: ["string"],
  /** How many nodes there are. */
  nodeCount: "number",
  /** What is known beyond that, such as what a node has said. */
  reason: "string?",
  /** All of that in words. */
  text: "string",
} as const satisfies Shape;

/** What the scheduler knows of a cluster. */
const CLUSTER = {
  id: "number",
  name: "string",
  clientAddress: "string",
  state: "string",
  /** How long ago it was created. */
  ageMs: "number",
  jobsPending: "number",
  jobsRunning: "number",
  jobsDone: "number",
  cpuTimeMs: "number",
  /** Results that its client has not acknowledged. */
  resultsUndelivered: "number",
  /** Where none of its jobs runs: why none could start; empty where one could. */
  waits: [WAIT],
} as const satisfies Shape;

/** What the scheduler knows of a job. */
const JOB = {
  uid: "number",
  state: "string",
  /** The node that it was given to. */
  node: "string?",
  /** Since its submission. */
  ageMs: "number",
  /** Since its start on the node. */
  runningMs: "number?",
} as const satisfies Shape;

const STATUS = {
  uptimeMs: "number",
  nodes: [NODE],
  clusters: [CLUSTER],
  totals: {
    jobsPending: "number",
    jobsRunning: "number",
    jobsDone: "number",
    cpuTimeMs: "number",
    clustersWaiting: "number",
  },
} as const satisfies Shape;

/** The shapes of answers, by request. */
const ANSWERS = {
  status: STATUS,
  jobs: { cluster: CLUSTER, jobs: [JOB] },
  waits: { waits: [WAIT] },
  cancelCluster: { cluster: CLUSTER, cancelledWaiting: "number", cancelledRunning: "number" },
  cancelJob: { cluster: CLUSTER, job: JOB },
  limitNode: { node: NODE },
} as const satisfies Record<ControlRequestName, Shape>;

/** The answer to a request. */
export type ControlAnswer<Name extends ControlRequestName> = Shaped<typeof ANSWERS[Name]>;

/** A node in answers. */
export type ControlNode = Shaped<typeof NODE>;
/** A cluster in answers. */
export type ControlCluster = Shaped<typeof CLUSTER>;
/** A reason why a cluster waits, in answers. */
export type ControlWait = Shaped<typeof WAIT>;
/** A job in answers. */
export type ControlJob = Shaped<typeof JOB>;
/** The answer to `status`. */
export type ControlStatus = Shaped<typeof STATUS>;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true });

/** Writes a request, its tag in front. */
export function encodeControlRequest<Name extends ControlRequestName>(
  request: ControlRequest<Name>,
): Uint8Array {
  const name = request.request;
  const body = toJson(REQUESTS[name] as Shape, request as never);
  return ENCODER.encode(
    `${CONTROL_TAG}:${JSON.stringify({ version: CONTROL_VERSION, request: name, body })}`,
  );
}

/**
 * Reads a request.
 *
 * @throws {WireError} `malformed`
 */
export function decodeControlRequest(message: Uint8Array): ControlRequest {
  const what = "control request";
  if (message.length > MAX_CONTROL_REQUEST_BYTES) {
    throw new WireError(
      "malformed",
      `${what}: ${message.length} bytes; the limit is ${MAX_CONTROL_REQUEST_BYTES}`,
    );
  }
  const json = parse(splitTag(message).body, what);
  const { version, request } = fromJson({ version: "number", request: "string" }, json, what);
  if (version !== CONTROL_VERSION) {
    throw new WireError(
      "malformed",
      `${what}: version ${version}, where this scheduler knows version ${CONTROL_VERSION}`,
    );
  }
  if (!Object.hasOwn(REQUESTS, request)) {
    throw new WireError("malformed", `${what}: field "request" must be a known request`);
  }
  const name = request as ControlRequestName;
  const { body } = json as { body?: unknown };
  return { request: name, ...fromJson(REQUESTS[name] as Shape, body, what) as object } as never;
}

/** Writes the answer to a request. */
export function encodeControlAnswer<Name extends ControlRequestName>(
  name: Name,
  answer: ControlAnswer<Name>,
): Uint8Array {
  return ENCODER.encode(
    JSON.stringify({ version: CONTROL_VERSION, answer: toJson(ANSWERS[name], answer) }),
  );
}

/** Writes what is told where a request cannot be carried out: one line. */
export function encodeControlRefusal(reason: string): Uint8Array {
  return ENCODER.encode(JSON.stringify({ version: CONTROL_VERSION, refusal: reason }));
}

/**
 * Reads the answer to a request.
 *
 * @throws {WireError} `refused` with the scheduler's reason; `malformed`
 */
export function decodeControlAnswer<Name extends ControlRequestName>(
  name: Name,
  message: Uint8Array,
): ControlAnswer<Name> {
  const what = "answer to a control request";
  const { answer, refusal } = (parse(message, what) ?? {}) as Record<string, unknown>;
  if (typeof refusal === "string") throw new WireError("refused", refusal);
  return fromJson(ANSWERS[name] as Shape, answer, what) as ControlAnswer<Name>;
}

/** An answer as `--json` shows it: just as it is on the wire. */
export function controlJson<Name extends ControlRequestName>(
  name: Name,
  answer: ControlAnswer<Name>,
): unknown {
  return toJson(ANSWERS[name], answer);
}

function parse(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(DECODER.decode(bytes));
  } catch (cause) {
    throw new WireError("malformed", `${what}: is no JSON`, { cause });
  }
}
