/**
 * What the commands that talk to a scheduler have in common.
 *
 * @module
 */

import type { ConnectionConfig } from "../cli/connection_options.ts";
import type { AnyTable } from "../cli/options.ts";
import { readSubcommand, type Subcommand } from "../cli/subcommand.ts";
import { messageOf } from "../log/error_message.ts";
import { CommandError } from "./command_error.ts";
import { hideSecrets } from "./hidden_secrets.ts";

/** The exit code of a command that could not do what it was to do. */
const FAILURE_EXIT_CODE = 1;

/** What a program exits with whose reader has gone (`| head`): as if ended by SIGPIPE. */
const READER_GONE_EXIT_CODE = 141;

/** What all of these commands are told. */
interface Connecting {
  readonly connection: ConnectionConfig;
}

/**
 * Reads a command's arguments and runs it.
 *
 * @param run Does it, and tells the exit code; throws {@linkcode CommandError}.
 * @param failureCode The exit code where it does so.
 * @returns The exit code.
 */
export async function runCommand<Table extends AnyTable, Config extends Connecting>(
  args: readonly string[],
  command: Subcommand<Table, Config>,
  run: (config: Config) => Promise<number>,
  failureCode: number = FAILURE_EXIT_CODE,
): Promise<number> {
  const outcome = readSubcommand(args, command);
  const program = `dispyscheduler ${command.name}`;
  return await reported(program, failureCode, async () => {
    if (outcome.kind === "exit") return say(outcome);
    // Where it may not do so, the secret stays as it is known from `ps`: the README says so.
    hideSecrets([outcome.config.connection.secret]);
    return await run(outcome.config);
  });
}

/** What a command line comes to that asks for nothing to be run. */
export interface ExitOutcome {
  readonly code: number;
  /** Whole lines. */
  readonly stdout?: string;
  /** Whole lines. */
  readonly stderr?: string;
}

/**
 * Prints what there is to say instead of running anything.
 *
 * @param program How it is called.
 * @returns The exit code.
 */
export async function exitWith(program: string, outcome: ExitOutcome): Promise<number> {
  return await reported(program, FAILURE_EXIT_CODE, () => Promise.resolve(say(outcome)));
}

function say({ code, stdout, stderr }: ExitOutcome): number {
  if (stdout !== undefined) print(stdout);
  if (stderr !== undefined) console.error(stderr.trimEnd());
  return code;
}

/** Runs `task`; where it fails as it may, says why and tells the exit code for that. */
async function reported(
  program: string,
  failureCode: number,
  task: () => Promise<number>,
): Promise<number> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return READER_GONE_EXIT_CODE;
    if (!(error instanceof CommandError)) throw error;
    console.error(`${program}: ${error.message}`);
    return failureCode;
  }
}

/**
 * Writes all of a text to stdout before it returns.
 *
 * @throws as {@linkcode writeAll}
 */
export function print(text: string): void {
  writeAll(Deno.stdout, new TextEncoder().encode(text));
}

/**
 * Writes all of `bytes` before it returns.
 *
 * @throws {Deno.errors.BrokenPipe} where nobody reads any more
 * @throws {CommandError} where it cannot be written, as on a full disk
 */
export function writeAll(
  target: { writeSync(bytes: Uint8Array): number },
  bytes: Uint8Array,
): void {
  try {
    for (let written = 0; written < bytes.length;) {
      written += target.writeSync(bytes.subarray(written));
    }
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw error;
    throw new CommandError(`cannot write the output: ${messageOf(error)}`, { cause: error });
  }
}
