/**
 * The one error type of this folder.
 *
 * @module
 */

/**
 * What went wrong between us and a peer:
 *
 * - `closed`: the connection ended in the middle of something
 * - `timeout`: the peer took longer than the operation's time limit
 * - `too_large`: the peer announced more bytes than we take
 * - `malformed`: what arrived is not the message that it should be
 * - `refused`: the peer understood and said no
 * - `connect`: no connection could be made at all
 */
export type WireErrorKind =
  | "closed"
  | "timeout"
  | "too_large"
  | "malformed"
  | "refused"
  | "connect";

/**
 * Thrown by everything in `wire`. The message is one line that is safe to log: it names messages,
 * fields and addresses, never secrets, job arguments or results.
 */
export class WireError extends Error {
  override readonly name = "WireError";

  constructor(readonly kind: WireErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** A peer has announced a message that is longer than we take. Nothing of it was read. */
export class TooLargeError extends WireError {
  constructor(
    message: string,
    /** How long it is. */
    readonly lengthBytes: number,
    /** Its tag; empty where its beginning was not looked at. */
    readonly tag: string,
  ) {
    super("too_large", message);
  }
}

/** Longest piece of a peer's text that we repeat in a message of ours. */
const QUOTED_TEXT_LENGTH = 200;

/**
 * A peer's text made safe for one line of a log: control characters become spaces, and what is
 * longer than `maxLength` characters is cut.
 */
export function quotable(text: string, maxLength: number = QUOTED_TEXT_LENGTH): string {
  // deno-lint-ignore no-control-regex
  const line = text.slice(0, maxLength + 1).replace(/[\u0000-\u001f\u007f-\u009f\s]+/g, " ").trim();
  return line.length > maxLength ? line.slice(0, maxLength) + "…" : line;
}
