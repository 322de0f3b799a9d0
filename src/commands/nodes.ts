/**
 * `dispyscheduler nodes`: lists the nodes of a running scheduler, drains and limits them.
 *
 * @module
 */

import { nodesCommand, type NodesConfig } from "../cli/control_options.ts";
import { renderNodes } from "../cli/control_tables.ts";
import { SYSTEM_ENVIRONMENT } from "../cli/environment.ts";
import { controlJson, type ControlNode } from "../wire/control.ts";
import { ControlLink } from "./control_link.ts";
import { print, runCommand } from "./run_command.ts";

async function run({ connection, nodes, cpus, json }: NodesConfig): Promise<number> {
  const link = new ControlLink(connection);
  let shown: readonly ControlNode[];
  if (nodes.length === 0) {
    shown = (await link.ask({ request: "status" })).nodes;
  } else {
    const limited: ControlNode[] = [];
    for (const node of nodes) {
      limited.push((await link.ask({ request: "limitNode", node, cpus })).node);
    }
    shown = limited;
  }
  if (!json) print(renderNodes(shown));
  else for (const node of shown) print(nodeJson(node));
  return 0;
}

/** A node as one JSON line. */
function nodeJson(node: ControlNode): string {
  const { node: fields } = controlJson("limitNode", { node }) as { node: unknown };
  return JSON.stringify(fields) + "\n";
}

/**
 * Runs the command.
 *
 * @param args The arguments behind its name.
 * @returns The exit code.
 */
export function runNodes(args: readonly string[]): Promise<number> {
  return runCommand(args, nodesCommand(SYSTEM_ENVIRONMENT), run);
}
