/**
 * How much a pickle may ask of the reader.
 *
 * @module
 */

/** Bounds on a pickle; one that goes past any of them is refused with a `PickleError`. */
export interface PickleLimits {
  /** Levels of values in values, at most {@linkcode MAX_DEPTH}, which is as deep as we write. */
  readonly maxDepth: number;
  /**
   * Opcodes carried out, which bounds the values made: a small int or `None` takes one, a new
   * string two, a tuple of two ints four. Each makes the reader hold at most about 100 bytes.
   */
  readonly maxElements: number;
  /**
   * Size of the pickle, plus the long strings and ints that it repeats by reference; of these no
   * more than {@linkcode MAX_REPEATED_BYTES}.
   */
  readonly maxBytes: number;
}

/** Long strings and ints that a pickle repeats by reference, whatever its own size may be. */
export const MAX_REPEATED_BYTES = 1 << 29;

/**
 * Levels of values in values that are written, and read at most. Python's own pickler reaches
 * its default recursion limit of 1000 a little earlier.
 */
export const MAX_DEPTH = 1000;

/** Limits for messages from trusted peers: payloads up to the longest message pass. */
export const DEFAULT_LIMITS: PickleLimits = {
  maxDepth: MAX_DEPTH,
  maxElements: 1 << 24,
  maxBytes: 2 ** 31 - 1,
};

/**
 * Limits for a pickle that is read only to be written anew for another Python. Its values take
 * memory of their own meanwhile, about 100 bytes each.
 */
export const REWRITE_LIMITS: PickleLimits = { ...DEFAULT_LIMITS, maxElements: 1 << 20 };

/** Opcodes that are looked at, one after the other, where nothing is made of them. */
export const MAX_SCANNED_OPCODES = 1 << 26;
