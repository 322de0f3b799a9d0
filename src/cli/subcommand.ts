/**
 * Command lines of the commands behind the program's name: `dispyscheduler status …`.
 *
 * @module
 */

import { type ForeignOptions, type Operands, readArguments } from "./arguments.ts";
import { helpText } from "./help.ts";
import type { AnyTable } from "./options.ts";
import type { Selection } from "./selection.ts";
import { USAGE_EXIT_CODE, UsageError } from "./usage_error.ts";
import { versionText } from "./version.ts";

/** A command: what may stand in its command line, and what it comes to. */
export interface Subcommand<Table extends AnyTable, Config> {
  readonly name: string;
  /** Has the flags `help` and `version`. */
  readonly table: Table;
  /** How the command is called and what it does; stands above the options in its help. */
  readonly intro: string;
  readonly operands: Operands;
  readonly foreign?: ForeignOptions;
  /** Checks how everything fits together; throws `UsageError`. */
  readonly build: (selection: Selection<Table>) => Config;
}

/** What the arguments ask for: run, or print something and exit. */
export type SubcommandOutcome<Config> =
  | { readonly kind: "run"; readonly config: Config }
  | {
    readonly kind: "exit";
    readonly code: number;
    /** Whole lines for stdout. */
    readonly stdout?: string;
    /** Whole lines for stderr. */
    readonly stderr?: string;
  };

/**
 * Reads the arguments of a command.
 *
 * @param args The arguments behind the command's name.
 * @returns Its configuration; or what to print and the exit code: 0 after `--help` and
 *   `--version`, 2 with one line on stderr after a mistake.
 */
export function readSubcommand<Table extends AnyTable, Config>(
  args: readonly string[],
  command: Subcommand<Table, Config>,
): SubcommandOutcome<Config> {
  try {
    const selection = readArguments(
      args,
      command.table,
      command.operands,
      command.foreign,
    );
    if (selection.has("help")) {
      return { kind: "exit", code: 0, stdout: helpText(command.table, command.intro) };
    }
    if (selection.has("version")) return { kind: "exit", code: 0, stdout: versionText() };
    return { kind: "run", config: command.build(selection) };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const stderr = `dispyscheduler ${command.name}: ${error.message}\n`;
    return { kind: "exit", code: USAGE_EXIT_CODE, stderr };
  }
}
