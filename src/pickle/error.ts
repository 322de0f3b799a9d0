/**
 * The only error that reading or writing a pickle raises.
 *
 * @module
 */

/** A pickle that cannot be read, or a value that cannot be written. */
export class PickleError extends Error {
  override readonly name = "PickleError";

  /**
   * @param problem What is wrong; never quotes a payload.
   * @param offset Where in the pickle the offending opcode starts, in bytes; reading only.
   */
  constructor(problem: string, public readonly offset?: number) {
    super(offset === undefined ? problem : `${problem} (at byte ${offset} of the pickle)`);
  }
}
