/**
 * A first argument that is no command.
 *
 * @module
 */

import { nearestWord } from "./suggestion.ts";

/**
 * Says in one line that there is no such command, and which there are.
 *
 * @param given The argument, which is no option.
 * @param commands The names of those that there are.
 */
export function unknownCommand(given: string, commands: readonly string[]): string {
  const nearest = nearestWord(given, commands);
  return `${JSON.stringify(given)} is no command; ` +
    (nearest === undefined ? "" : `did you mean ${nearest}? `) +
    `The commands are ${commands.join(", ")} (all options of the scheduler: --help; its nodes: ` +
    "-n NODE1 -n NODE2)";
}
