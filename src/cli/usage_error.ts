/**
 * A mistake in how the program was called. The message is one line which names the option, what was
 * given and what would be right; the program shows it and exits with {@linkcode USAGE_EXIT_CODE}.
 */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The exit code for wrong usage, the one of Python's argparse. */
export const USAGE_EXIT_CODE = 2;
