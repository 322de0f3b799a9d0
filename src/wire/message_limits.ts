/**
 * How long messages may be, by the port that they come to and their tag; and how much those of
 * peers that have not proved a secret may ask of us.
 *
 * @module
 */

import { DEFAULT_LIMITS, type PickleLimits } from "../pickle/mod.ts";
import { CONTROL_TAG, MAX_CONTROL_REQUEST_BYTES } from "./control.ts";
import { tagOrNone } from "./tags.ts";

/** Messages of strangers may be this long: enough for every greeting, and for a short result. */
export const MAX_GREETING_BYTES = 16 * 1024;

/**
 * Limits for the pickles of strangers. A greeting takes about 60 opcodes and is 3 levels deep; the
 * most demanding of a node's messages, a job's file with its `os.stat_result`, twice that.
 */
export const GREETING_LIMITS: PickleLimits = {
  maxDepth: 16,
  maxElements: 1000,
  maxBytes: MAX_GREETING_BYTES,
};

/**
 * Limits for the pickles of nodes. Results and what jobs print are long, but single values in
 * them. An address says little about who sends, so that there is no reason to allow for more.
 */
export const NODE_LIMITS: PickleLimits = {
  ...GREETING_LIMITS,
  maxBytes: DEFAULT_LIMITS.maxBytes,
};

/** Messages with a payload in them: the code of a computation, arguments, results. */
export const MAX_MESSAGE_BYTES = 2 ** 31 - 1;

/** Names of files, and requests that hold nothing but marks, names and numbers. */
const MAX_HEAD_BYTES = 64 * 1024;

/** A node list, with arguments for the setup of its nodes. */
const MAX_NODE_LIST_BYTES = 16 * 1024 * 1024;

/** By port, then by tag. What stands in none of them may be as long as a greeting. */
export const MESSAGE_BYTES = {
  /** To the scheduler's port for nodes. */
  fromNode: {
    JOB_REPLY: MAX_MESSAGE_BYTES,
    FILEXFER: MAX_HEAD_BYTES,
  },
  /** To the scheduler's port for clients. */
  fromClient: {
    COMPUTE: MAX_MESSAGE_BYTES,
    JOB: MAX_MESSAGE_BYTES,
    ALLOCATE_NODE: MAX_NODE_LIST_BYTES,
    FILEXFER: MAX_HEAD_BYTES,
    SENDFILE: MAX_HEAD_BYTES,
    [CONTROL_TAG]: MAX_CONTROL_REQUEST_BYTES,
  },
  /** To a node. Schedulers of dispy's own end a job with all of it. */
  toNode: {
    COMPUTE: MAX_MESSAGE_BYTES,
    SETUP: MAX_MESSAGE_BYTES,
    JOB: MAX_MESSAGE_BYTES,
    TERMINATE_JOB: MAX_MESSAGE_BYTES,
    FILEXFER: MAX_HEAD_BYTES,
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, number>>>>;

/** How long a message may be, which its beginning tells. */
export interface MessageLimit {
  /** Messages up to this length need no look at their beginning. */
  readonly smallBytes: number;
  /** So much of the beginning is looked at. */
  readonly headBytes: number;
  /** The longest that a message with this beginning may be. */
  maxBytes(head: Uint8Array): number;
}

/** Longer than any tag. */
const HEAD_BYTES = 40;

/** The limits of the messages that come to a port. */
export function limitsAt(port: keyof typeof MESSAGE_BYTES): MessageLimit {
  const byTag: ReadonlyMap<string, number> = new Map(Object.entries(MESSAGE_BYTES[port]));
  return {
    smallBytes: MAX_GREETING_BYTES,
    headBytes: HEAD_BYTES,
    maxBytes: (head) => byTag.get(tagOrNone(head)) ?? MAX_GREETING_BYTES,
  };
}
