/**
 * The command line of dispyscheduler, from arguments to a checked configuration.
 *
 * @module
 */
import { readArguments } from "./arguments.ts";
import { readConfigFile, renderConfigFile } from "./config_file.ts";
import { type CliEnvironment, readOptionFile, writeOptionFile } from "./environment.ts";
import { helpText } from "./help.ts";
import { OPTIONS, type OptionTable } from "./options.ts";
import { buildConfig, type SchedulerConfig } from "./scheduler_config.ts";
import { secretWarnings } from "./secrets.ts";
import { USAGE_EXIT_CODE, UsageError } from "./usage_error.ts";
import { versionText } from "./version.ts";

/** What the arguments ask for: run, or print something and exit. */
export type CliOutcome =
  | {
    readonly kind: "run";
    readonly config: SchedulerConfig;
    /** What is allowed but unwise, one line each, for the log. */
    readonly warnings: readonly string[];
  }
  | {
    readonly kind: "exit";
    readonly code: number;
    /** Whole lines for stdout. */
    readonly stdout?: string;
    /** Whole lines for stderr. */
    readonly stderr?: string;
  };

/**
 * Reads the arguments, and the configuration file they may name.
 *
 * @param args The arguments, without the program's name.
 * @param environment Reads and writes the files that options name.
 * @param table The options; another table than the program's own is for tests.
 * @returns A checked configuration to run with; or what to print, and the exit code: 0 after
 *   `--help`, `--version` and `--save_config`, 2 with one line on stderr after a mistake.
 */
export function parseCommandLine(
  args: readonly string[],
  environment: CliEnvironment,
  table: OptionTable = OPTIONS,
): CliOutcome {
  try {
    return interpret(args, environment, table);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { kind: "exit", code: USAGE_EXIT_CODE, stderr: `dispyscheduler: ${error.message}\n` };
  }
}

function interpret(
  args: readonly string[],
  environment: CliEnvironment,
  table: OptionTable,
): CliOutcome {
  const given = readArguments(args, table);
  if (given.values.help) return { kind: "exit", code: 0, stdout: helpText(table) };
  if (given.values.version) return { kind: "exit", code: 0, stdout: versionText() };

  const { config: configPath, save_config: savePath } = given.values;
  const selection = configPath === undefined ? given : given.over(readConfigFile(
    readOptionFile(environment, configPath, given.origin("config")),
    configPath,
    table,
  ));
  const config = buildConfig(selection, environment);
  if (savePath !== undefined) {
    const text = renderConfigFile(selection);
    writeOptionFile(environment, savePath, text, given.origin("save_config"));
    return { kind: "exit", code: 0 };
  }
  return {
    kind: "run",
    config,
    warnings: [...selection.unavailable(), ...secretWarnings(selection, environment)],
  };
}
