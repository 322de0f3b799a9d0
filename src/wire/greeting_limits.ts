/**
 * How much a peer that has not proved anything may ask of us.
 *
 * @module
 */

import type { PickleLimits } from "../pickle/mod.ts";

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
