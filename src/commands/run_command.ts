/**
 * What the commands that talk to a scheduler have in common.
 *
 * @module
 */

import type { AnyTable } from "../cli/options.ts";
import { readSubcommand, type Subcommand } from "../cli/subcommand.ts";
import { CommandError } from "./control_link.ts";

/** The exit code of a command that could not do what it was to do. */
export const FAILURE_EXIT_CODE = 1;

/** What a program exits with whose reader has gone (`| head`): as if ended by SIGPIPE. */
const READER_GONE_EXIT_CODE = 141;

/**
 * Reads a command's arguments and runs it.
 *
 * @param run Does it, and tells the exit code; throws {@linkcode CommandError}.
 * @returns The exit code.
 */
export async function runCommand<Table extends AnyTable, Config>(
  args: readonly string[],
  command: Subcommand<Table, Config>,
  run: (config: Config) => Promise<number>,
): Promise<number> {
  const outcome = readSubcommand(args, command);
  try {
    if (outcome.kind === "exit") {
      if (outcome.stdout !== undefined) print(outcome.stdout);
      if (outcome.stderr !== undefined) console.error(outcome.stderr.trimEnd());
      return outcome.code;
    }
    return await run(outcome.config);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return READER_GONE_EXIT_CODE;
    if (!(error instanceof CommandError)) throw error;
    console.error(`dispyscheduler ${command.name}: ${error.message}`);
    return FAILURE_EXIT_CODE;
  }
}

/** Writes all of a text to stdout before it returns. */
export function print(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) {
    written += Deno.stdout.writeSync(bytes.subarray(written));
  }
}
