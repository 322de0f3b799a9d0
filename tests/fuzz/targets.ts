/**
 * What is fuzzed: every decoder of ours that reads what others have written.
 *
 * @module
 */

import { parseCommandLine } from "../../src/cli/command_line.ts";
import { dumps, loads, PickleError, readableBy } from "../../src/pickle/mod.ts";
import {
  decodeAckAnswer,
  decodeBareJobReply,
  decodeClientAnswer,
  decodeClientComputeAnswer,
  decodeClientRequest,
  decodeComputeAnswer,
  decodeDiscovery,
  decodeIntAnswer,
  decodeNodeRequest,
  decodePendingJobsAnswer,
  decodeRelayAnswer,
  decodeRetrieveJobAnswer,
  decodeUidsAnswer,
  GREETING_LIMITS,
  WireError,
} from "../../src/wire/mod.ts";
import {
  type ControlNode,
  type ControlRequest,
  decodeControlAnswer,
  decodeControlRequest,
  encodeControlAnswer,
  encodeControlRequest,
} from "../../src/wire/control.ts";
import {
  decodeTypeScriptArguments,
  decodeTypeScriptValue,
  encodeTypeScriptArguments,
  encodeTypeScriptValue,
} from "../../src/wire/typescript_jobs.ts";
import { FakeEnvironment } from "../unit/cli/fake_environment.ts";
import corpus from "../unit/pickle/corpus.json" with { type: "json" };
import { CODECS } from "../unit/wire/codecs.ts";
import {
  answersOf,
  type Direction,
  jobReplyByProtocol,
  messagesOf,
} from "../unit/wire/fixtures/mod.ts";
import { CLUSTER_RULES, CONFIG_FILES } from "./texts.ts";

/** A decoder and what it is fed with. */
export interface Target {
  readonly name: string;
  /** Good inputs; what it is fed with is made of them. */
  readonly corpus: readonly Uint8Array[];
  /** Whether it takes the input; throws where anything but its documented error comes out. */
  readonly takes: (bytes: Uint8Array) => boolean;
}

/** Feeds `decode`; an error that is `expected` is a refusal. */
function taker(
  expected: (error: unknown) => boolean,
  decode: (bytes: Uint8Array) => unknown,
): (bytes: Uint8Array) => boolean {
  return (bytes) => {
    try {
      decode(bytes);
      return true;
    } catch (error) {
      if (!expected(error)) throw error;
      return false;
    }
  };
}

const isMalformed = (error: unknown) => error instanceof WireError && error.kind === "malformed";
const isNoAnswer = (error: unknown) =>
  error instanceof WireError && (error.kind === "malformed" || error.kind === "closed");
const isPickleError = (error: unknown) => error instanceof PickleError;

const directions = Object.keys(CODECS) as Direction[];

const messages: Target[] = directions.map((direction) => ({
  name: `messages, ${direction}`,
  corpus: messagesOf(direction),
  takes: (bytes) => {
    let taken: ReturnType<typeof CODECS[typeof direction]>;
    try {
      taken = CODECS[direction](bytes);
    } catch (error) {
      if (!isMalformed(error)) throw error;
      return false;
    }
    // What is taken can be passed on, and is the same there.
    const again = CODECS[direction](taken.encoded);
    if (again.decoded.kind !== taken.decoded.kind) throw new Error("another message came out");
    return true;
  },
}));

const limited: Target[] = [
  {
    name: "messages of strangers to the node port",
    corpus: [...messagesOf("from_node"), ...messagesOf("discovery")],
    takes: taker(isMalformed, (bytes) => decodeNodeRequest(bytes, GREETING_LIMITS)),
  },
  {
    name: "messages of strangers to the client port",
    corpus: messagesOf("from_client"),
    takes: taker(isMalformed, (bytes) => decodeClientRequest(bytes, GREETING_LIMITS)),
  },
  {
    name: "datagrams",
    corpus: messagesOf("discovery"),
    takes: taker(isMalformed, decodeDiscovery),
  },
];

const answerDecoders: [string, (bytes: Uint8Array) => unknown][] = [
  ["yes or no", decodeAckAnswer],
  ["int", (bytes) => decodeIntAnswer(bytes, "answer")],
  ["uids", (bytes) => decodeUidsAnswer(bytes, "answer")],
  ["of a node to a computation", decodeComputeAnswer],
  ["to a relay", decodeRelayAnswer],
  ["to a client's greeting", decodeClientAnswer],
  ["to a client's computation", decodeClientComputeAnswer],
  ["pending jobs", decodePendingJobsAnswer],
  ["retrieved job", decodeRetrieveJobAnswer],
  ["job reply behind a file", decodeBareJobReply],
];

const ANSWERS = [
  "int",
  "uids",
  "compute_refused",
  "client",
  "client_compute",
  "pending_jobs",
  "retrieve_job",
  "relay",
] as const;

const answers: Target = {
  name: "answers of all kinds",
  corpus: [
    ...ANSWERS.flatMap(answersOf),
    ...jobReplyByProtocol,
    new TextEncoder().encode("ACK"),
  ],
  takes: (bytes) => {
    let taken = 0;
    for (const [name, decode] of answerDecoders) {
      try {
        if (taker(isNoAnswer, decode)(bytes)) taken++;
      } catch (error) {
        throw new Error(`answer ${name}`, { cause: error });
      }
    }
    return taken > 0;
  },
};

const pickles: Target = {
  name: "pickles",
  corpus: Object.values(corpus).map((base64) => Uint8Array.fromBase64(base64)),
  takes: taker(isPickleError, (bytes) => {
    const value = loads(bytes);
    loads(dumps(value));
  }),
};

const smallPickles: Target = {
  ...pickles,
  name: "pickles under tight limits",
  takes: taker(isPickleError, (bytes) => loads(bytes, GREETING_LIMITS)),
};

const foreignPickles: Target = {
  ...pickles,
  name: "pickles written anew for other Pythons",
  takes: (bytes) =>
    [2, 3, 4].map((protocol) =>
      taker(isPickleError, () => {
        const written = readableBy(protocol, bytes);
        if (written !== bytes && readableBy(protocol, written) !== written) {
          throw new Error("what was written anew would be written anew");
        }
      })(bytes)
    ).includes(true),
};

const typeScriptValues: Target = {
  name: "values of TypeScript jobs",
  corpus: [
    encodeTypeScriptValue({ a: [1, 2.5, 3n, "text", null, undefined, new Date(0)] }),
    encodeTypeScriptValue(
      new Map<unknown, unknown>([["k", new Set([1])], [2, new Float64Array(4)]]),
    ),
    encodeTypeScriptValue(new Error("what happened")),
    encodeTypeScriptArguments([{ deep: { deeper: [[]] } }, new Uint8Array(9)]).args,
  ],
  takes: taker(isNoAnswer, (bytes) => {
    try {
      decodeTypeScriptArguments(bytes);
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
    }
    decodeTypeScriptValue(bytes);
  }),
};

const isNoControl = (error: unknown) =>
  isMalformed(error) || (error instanceof WireError && error.kind === "refused");

const CONTROL_REQUESTS: readonly ControlRequest[] = [
  { request: "status" },
  { request: "cancelJob", cluster: "compute @ 10.0.0.1", uid: 17 },
  { request: "limitNode", node: "10.0.0.2", cpus: null },
];

const CONTROL_NODE: ControlNode = {
  address: "10.0.0.2",
  name: "node",
  state: "ready",
  platform: "Linux",
  dispyVersion: "4.15.2",
  cpus: 4,
  availCpus: 4,
  cpuLimit: null,
  busyCpus: 1,
  jobsDone: 2,
  cpuTimeMs: 3.5,
  silentMs: 4,
  clusters: [17],
};

const controls: Target = {
  name: "messages of the commands",
  corpus: [
    ...CONTROL_REQUESTS.map((request) => encodeControlRequest(request)),
    encodeControlAnswer("status", {
      uptimeMs: 1,
      nodes: [CONTROL_NODE],
      clusters: [],
      totals: { jobsPending: 0, jobsRunning: 1, jobsDone: 2, cpuTimeMs: 3.5, clustersWaiting: 0 },
    }),
  ],
  takes: taker(isNoControl, (bytes) => {
    try {
      decodeControlRequest(bytes);
    } catch (error) {
      if (!isMalformed(error)) throw error;
      decodeControlAnswer("status", bytes);
    }
  }),
};

/** Feeds a file to the command line, which says what is wrong, and with which exit code. */
function fileTarget(name: string, option: string, texts: readonly string[]): Target {
  const decoder = new TextDecoder();
  return {
    name,
    corpus: texts.map((text) => new TextEncoder().encode(text)),
    takes: (bytes) => {
      const environment = new FakeEnvironment({ file: decoder.decode(bytes) });
      const outcome = parseCommandLine([option, "file"], environment);
      if (outcome.kind === "run" || outcome.code === 0) return true;
      const lines = (outcome.stderr ?? "").trimEnd().split("\n");
      if (outcome.code !== 2 || lines.length !== 1) {
        throw new Error(`exit code ${outcome.code}, ${lines.length} lines`);
      }
      return false;
    },
  };
}

/** All that is fuzzed. */
export const TARGETS: readonly Target[] = [
  ...messages,
  ...limited,
  answers,
  typeScriptValues,
  controls,
  pickles,
  smallPickles,
  foreignPickles,
  fileTarget("configuration files", "--config", CONFIG_FILES),
  fileTarget("cluster rules", "--cluster_rules", CLUSTER_RULES),
];
