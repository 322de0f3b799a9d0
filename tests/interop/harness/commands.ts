/**
 * Our own commands (`dispyscheduler status`, `submit`, …) in a scenario.
 *
 * @module
 */

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
  constructor(readonly process: LabProcess, private readonly folder: string) {}

  /** What it has printed so far. */
  async output(): Promise<Omit<CommandRun, "code">> {
    const [stdout, stderr] = await Promise.all(
      ["stdout", "stderr"].map((name) => Deno.readTextFile(`${this.folder}/${name}`)),
    );
    return { stdout: stdout!, stderr: stderr! };
  }

  /** Waits for its end, whatever its exit code. */
  async ended(): Promise<CommandRun> {
    const { code } = await this.process.ended();
    return { code, ...await this.output() };
  }
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
  return new Command(process, folder);
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
