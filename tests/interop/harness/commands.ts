/**
 * Our own commands (`dispyscheduler status`, `submit`, …) in a scenario.
 *
 * @module
 */

import { SYSTEM_ENVIRONMENT } from "../../../src/cli/environment.ts";
import { cancelCommand, nodesCommand, statusCommand } from "../../../src/cli/control_options.ts";
import { longNames } from "../../../src/cli/options.ts";
import { submitCommand } from "../../../src/cli/submit_options.ts";
import { type Lab, SCHEDULER_PERMISSIONS } from "./lab.ts";
import type { LabProcess } from "./process.ts";

/** The permissions that commands are run with. */
const PERMISSIONS = [...SCHEDULER_PERMISSIONS, "--allow-env"];

/** How a command is run. */
export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from standard input, a file; /dev/null when absent. */
  readonly stdin?: string;
  /** Files to find in its working directory at the start. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A command that has ended. */
export interface CommandRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that is running. */
export class Command {
  constructor(
    readonly process: LabProcess,
    private readonly folder: string,
    private readonly name: string,
  ) {}

  /** What it has printed so far. */
  async output(): Promise<Omit<CommandRun, "code">> {
    const [stdout, stderr] = await Promise.all(
      ["stdout", "stderr"].map((name) => Deno.readTextFile(`${this.folder}/${name}`)),
    );
    return { stdout: stdout!, stderr: stderr! };
  }

  /** Waits for its end, whatever its exit code. What it says may name options of its own only. */
  async ended(): Promise<CommandRun> {
    const { code } = await this.process.ended();
    const output = await this.output();
    const foreign = foreignOptions(this.name, output.stderr);
    if (foreign.length === 0) return { code, ...output };
    throw new Error(`${this.name} has no ${foreign.join(", ")}: ${output.stderr}`);
  }
}

const COMMANDS = [submitCommand, statusCommand, nodesCommand, cancelCommand]
  .map((command) => command(SYSTEM_ENVIRONMENT));

/** Options that a command's own lines speak of and that it does not have. */
function foreignOptions(name: string, stderr: string): string[] {
  const known = COMMANDS.find((command) => command.name === name);
  if (known === undefined) return [];
  const own = longNames(known.table);
  const said = stderr.split("\n").filter((line) => line.startsWith("dispyscheduler"));
  // Where an option is the scheduler's, the text says so.
  const named = said.join("\n").matchAll(/(?<!scheduler's )--(?!allow)([a-z][a-z_]*)/g);
  return [...named].map(([, option]) => option!).filter((option) => !own.has(option as never));
}

/** Starts `dispyscheduler` with these arguments, in a working directory of its own. */
export async function startCommand(
  lab: Lab,
  args: readonly (string | number)[],
  options: CommandOptions = {},
): Promise<Command> {
  const folder = await lab.folder("command");
  const cwd = await lab.folder("cwd");
  const stdin = options.stdin === undefined ? "/dev/null" : `${folder}/stdin`;
  if (options.stdin !== undefined) await Deno.writeTextFile(stdin, options.stdin);
  for (const [path, text] of Object.entries(options.files ?? {})) {
    await Deno.writeTextFile(`${cwd}/${path}`, text);
  }
  const redirected = `exec "$@" <${stdin} >${folder}/stdout 2>${folder}/stderr`;
  await Promise.all(["stdout", "stderr"].map((name) => Deno.create(`${folder}/${name}`)))
    .then((files) => files.forEach((file) => file.close()));
  const program = ["deno", "run", ...PERMISSIONS, `${lab.root}/main.ts`, ...args.map(String)];
  const process = lab.start(
    `dispyscheduler ${args[0]}`,
    ["sh", "-c", redirected, "sh", ...program],
    cwd,
    lab.namespace,
    options.env ?? {},
  );
  return new Command(process, folder, String(args[0]));
}

/** Runs a command to its end. */
export async function runCommand(
  lab: Lab,
  args: readonly (string | number)[],
  options: CommandOptions = {},
): Promise<CommandRun> {
  return await (await startCommand(lab, args, options)).ended();
}

/** Runs a command that must succeed and prints one JSON object. */
// deno-lint-ignore no-explicit-any -- whatever the command prints.
export async function commandJson(lab: Lab, args: readonly (string | number)[]): Promise<any> {
  const { code, stdout, stderr } = await runCommand(lab, [...args, "--json"]);
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
  return JSON.parse(stdout);
}
