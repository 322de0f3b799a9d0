/**
 * How this program starts itself again, for another of its commands.
 *
 * @module
 */

/** A program and its arguments. */
export interface OwnCommand {
  readonly program: string;
  readonly args: string[];
}

/** The command line by which this program runs with `args`, with every permission. */
export function ownCommand(args: string[]): OwnCommand {
  const program = Deno.execPath();
  if (Deno.build.standalone) return { program, args };
  const main = new URL("../../main.ts", import.meta.url).href;
  return { program, args: ["run", "--allow-all", "--no-prompt", main, ...args] };
}
