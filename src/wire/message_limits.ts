/**
 * How much the messages of peers that have not proved a secret may ask of us.
 *
 * @module
 */

import { DEFAULT_LIMITS, type PickleLimits } from "../pickle/mod.ts";

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
