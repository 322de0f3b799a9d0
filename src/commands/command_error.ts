/** A command cannot do what it is to do; the message is one line for the user. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}
