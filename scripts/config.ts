/**
 * What the scripts take from `deno.json`, so that it stands nowhere else.
 *
 * @module
 */

import type { Children } from "./children.ts";

/** The folder of the checkout. */
export const ROOT = new URL("../", import.meta.url);

interface Config {
  version: string;
  tasks: Record<string, string | undefined>;
}

async function readConfig(): Promise<Config> {
  return JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
}

/** The version of the program. */
export async function version(): Promise<string> {
  return (await readConfig()).version;
}

/**
 * The permission flags of the `start` task: the scripts run the scheduler with what its users give
 * it.
 *
 * @throws {Error} if the task grants nothing or everything
 */
export async function permissionFlags(): Promise<string[]> {
  const start = (await readConfig()).tasks.start ?? "";
  const flags = start.split(" ").filter((word) => /^--(allow|deny)-|^--no-prompt$/.test(word));
  if (flags.length === 0) throw new Error('deno.json: the task "start" grants no permissions');
  if (flags.includes("--allow-all")) throw new Error('deno.json: the task "start" grants them all');
  return flags;
}

/** The command line that runs the scheduler of this checkout with `args`. */
export async function schedulerCommand(args: readonly string[]): Promise<string[]> {
  const main = new URL("main.ts", ROOT).pathname;
  return [Deno.execPath(), "run", ...await permissionFlags(), main, ...args];
}

/**
 * Fetches whatever `entries` (paths in the checkout) import from a registry: a program in a network
 * of its own cannot.
 *
 * @throws {Error} if that fails
 */
export async function cacheModules(children: Children, entries: readonly string[]): Promise<void> {
  const args = ["cache", "--quiet", ...entries];
  const { success } = await children.spawn(Deno.execPath(), { args, cwd: ROOT }).status;
  if (!success) throw new Error("could not fetch the modules; deno says why above");
}
