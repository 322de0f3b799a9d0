/**
 * What the commands that talk to a scheduler have in common.
 *
 * @module
 */

import type { AnyTable } from "../cli/options.ts";
import { readSubcommand, type Subcommand } from "../cli/subcommand.ts";
import { CommandError } from "./command_error.ts";

/** The exit code of a command that could not do what it was to do. */
const FAILURE_EXIT_CODE = 1;

/** What a program exits with whose reader has gone (`| head`): as if ended by SIGPIPE. */
const READER_GONE_EXIT_CODE = 141;

/**
 * Reads a command's arguments and runs it.
 *
 * @param run Does it, and tells the exit code; throws {@linkcode CommandError}.
 * @param failureCode The exit code where it does so.
 * @returns The exit code.
 */
export async function runCommand<Table extends AnyTable, Config>(
  args: readonly string[],
  command: Subcommand<Table, Config>,
  run: (config: Config) => Promise<number>,
  failureCode: number = FAILURE_EXIT_CODE,
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
    return failureCode;
  }
}

/** Writes all of a text to stdout before it returns. */
export function print(text: string): void {
  writeAll(Deno.stdout, new TextEncoder().encode(text));
}

/** Writes all of `bytes` before it returns. */
export function writeAll(
  target: { writeSync(bytes: Uint8Array): number },
  bytes: Uint8Array,
): void {
  for (let written = 0; written < bytes.length;) {
    written += target.writeSync(bytes.subarray(written));
  }
}
