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

/** The error for a byte that is not an opcode. */
export function notAnOpcode(opcode: number, offset: number): PickleError {
  const hex = opcode.toString(16).padStart(2, "0");
  return new PickleError(`0x${hex} is not a pickle opcode`, offset);
}
