/**
 * The program: its first argument may name a command; without one it is the scheduler.
 *
 * @module
 */

import { USAGE_EXIT_CODE } from "./src/cli/usage_error.ts";
import { flushLog } from "./src/log/log.ts";

/** How long the end waits for a log that nobody reads. */
const LOG_FLUSH_MS = 1_000;

/** Runs a command with the arguments that follow its name, and tells the exit code. */
type Command = (args: readonly string[]) => Promise<number>;

/** Loads a command only when it is asked for: each brings modules that the others do not need. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  scheduler: async () => (await import("./src/commands/scheduler.ts")).runScheduler,
  node: async () => (await import("./src/commands/node.ts")).runNode,
  status: async () => (await import("./src/commands/status.ts")).runStatus,
  nodes: async () => (await import("./src/commands/nodes.ts")).runNodes,
  submit: async () => (await import("./src/commands/submit.ts")).runSubmit,
  cancel: async () => (await import("./src/commands/cancel.ts")).runCancel,
};

if (import.meta.main) {
  const [name = "", ...rest] = Deno.args;
  const isNamed = Object.hasOwn(COMMANDS, name);
  if (!isNamed && name !== "" && !name.startsWith("-")) {
    const { unknownCommand } = await import("./src/cli/unknown_command.ts");
    console.error(`dispyscheduler: ${unknownCommand(name, Object.keys(COMMANDS))}`);
    Deno.exit(USAGE_EXIT_CODE);
  }
  const command = await COMMANDS[isNamed ? name : "scheduler"]!();
  const code = await command(isNamed ? rest : Deno.args);
  await flushLog(LOG_FLUSH_MS);
  // Connections that nobody will answer may be open: they end with the program.
  Deno.exit(code);
}
