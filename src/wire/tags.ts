/**
 * A message is a tag ending in `:` followed by a pickle, a bare word, or a bare pickle.
 *
 * @module
 */

import { dumpChunks, loads, PickleError, protocolReadByWriter } from "../pickle/mod.ts";
import type { PickleLimits, Python2Text, PyValue } from "../pickle/mod.ts";
import { quotable, WireError } from "./errors.ts";

const ENCODER = new TextEncoder();

/** "Understood and done", where an exchange needs no more than that. */
export const ACK: Uint8Array = ENCODER.encode("ACK");

/** "No", to a request that is answered {@linkcode ACK} otherwise. */
export const NAK: Uint8Array = ENCODER.encode("NAK");

/** The scheduler's answer to a node's pulse. */
export const PULSE: Uint8Array = ENCODER.encode("PULSE");

/** Whether `message` is the bare word `ACK`. */
export function isAck(message: Uint8Array): boolean {
  return equalBytes(message, ACK);
}

/** Whether `message` is the bare word `PULSE`. */
export function isPulse(message: Uint8Array): boolean {
  return equalBytes(message, PULSE);
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}

/** Longest tag that is looked for; the longest in use has 18 letters. */
const MAX_TAG_LENGTH = 32;

/** A message cut in two: a tag, and what stands after its colon. */
export interface TaggedMessage {
  readonly tag: string;
  readonly body: Uint8Array;
}

/**
 * Cuts a message behind its tag.
 *
 * @throws {WireError} `malformed` where no tag stands at the message's beginning.
 */
export function splitTag(message: Uint8Array): TaggedMessage {
  let tag = "";
  const end = Math.min(message.length, MAX_TAG_LENGTH);
  for (let i = 0; i < end; i++) {
    const code = message[i] as number;
    if (code === 0x3a && i > 0) return { tag, body: message.subarray(i + 1) };
    const isTagLetter = (code >= 0x41 && code <= 0x5a) || code === 0x5f;
    if (!isTagLetter) break;
    tag += String.fromCharCode(code);
  }
  throw new WireError(
    "malformed",
    message.length === 0 ? "message is empty" : "message does not begin with a tag",
  );
}

/**
 * The tag of a message of which nothing else is to be read.
 *
 * @throws {WireError} `malformed` where no tag stands at the message's beginning.
 */
export function tagOf(message: Uint8Array): string {
  return splitTag(message).tag;
}

/** The tag at the beginning of a message; empty where there is none. */
export function tagOrNone(message: Uint8Array): string {
  try {
    return splitTag(message).tag;
  } catch {
    return "";
  }
}

/** The error for a tag that has no business where it was received. */
export function unknownTag(tag: string, where: string): WireError {
  return new WireError("malformed", `unknown message "${quotable(tag, MAX_TAG_LENGTH)}" ${where}`);
}

const tagBytes = new Map<string, Uint8Array>();

/**
 * A message of `tag` and the pickle of `body`, in chunks: large bytes are not copied.
 *
 * @param pickleProtocol Highest that the receiver's Python reads; 2 is for Python 2 alone.
 * @param text What Python 2 gets for text that is not ASCII: `str` is what dispy itself has there.
 */
export function encodeTagged(
  tag: string,
  body: PyValue,
  pickleProtocol?: number,
  text: Python2Text = "str",
): Uint8Array[] {
  let prefix = tagBytes.get(tag);
  if (prefix === undefined) {
    prefix = ENCODER.encode(tag + ":");
    tagBytes.set(tag, prefix);
  }
  return [prefix, ...dumpChunks(body, pickleProtocol, text)];
}

/**
 * Reads a pickle that a peer sent.
 *
 * @param what Names the message in errors.
 * @param limits Those for trusted peers when absent.
 * @throws {WireError} `malformed` where `bytes` are no pickle that we take.
 */
export function decodePickle(bytes: Uint8Array, what: string, limits?: PickleLimits): PyValue {
  try {
    return loads(bytes, limits);
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    throw new WireError("malformed", `${what}: ${quotable(error.message)}`, { cause: error });
  }
}

/**
 * Highest pickle protocol that the peer's Python reads, as far as a message of the peer's tells.
 *
 * @throws {WireError} `malformed` where it is no message with a pickle.
 */
export function picklesReadBy(message: Uint8Array): number {
  try {
    return protocolReadByWriter(splitTag(message).body);
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    throw new WireError("malformed", quotable(error.message), { cause: error });
  }
}
