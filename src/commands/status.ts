/**
 * `dispyscheduler status`: what a running scheduler does.
 *
 * @module
 */

import { statusCommand, type StatusConfig } from "../cli/control_options.ts";
import { renderControlStatus, renderJobs } from "../cli/control_tables.ts";
import { SYSTEM_ENVIRONMENT } from "../cli/environment.ts";
import { controlJson } from "../wire/control.ts";
import { ControlLink } from "./control_link.ts";
import { print, runCommand } from "./run_command.ts";

/** Clears a terminal and begins at its top. */
const CLEAR = "\x1b[H\x1b[2J\x1b[3J";

async function look(link: ControlLink, config: StatusConfig): Promise<string> {
  const { cluster, limit, json } = config;
  if (cluster === null) {
    const status = await link.ask({ request: "status" });
    return json
      ? JSON.stringify(controlJson("status", status)) + "\n"
      : renderControlStatus(status);
  }
  const answer = await link.ask({ request: "jobs", cluster, limit });
  return json
    ? JSON.stringify(controlJson("jobs", answer)) + "\n"
    : renderJobs(answer.cluster, answer.jobs);
}

async function run(config: StatusConfig): Promise<number> {
  const link = new ControlLink(config.connection);
  const clears = config.watchMs !== null && !config.json && Deno.stdout.isTerminal();
  while (true) {
    const text = await look(link, config);
    print(clears ? CLEAR + text : text);
    if (config.watchMs === null) return 0;
    await new Promise((resolve) => setTimeout(resolve, config.watchMs!));
    if (!clears && !config.json) print("\n");
  }
}

/**
 * Runs the command.
 *
 * @param args The arguments behind its name.
 * @returns The exit code.
 */
export function runStatus(args: readonly string[]): Promise<number> {
  return runCommand(args, statusCommand(SYSTEM_ENVIRONMENT), run);
}
