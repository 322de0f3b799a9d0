/**
 * `dispyscheduler cancel`: ends a cluster, or one job, of a running scheduler.
 *
 * @module
 */

import { cancelCommand, type CancelConfig } from "../cli/control_options.ts";
import { clusterName } from "../cli/control_tables.ts";
import { SYSTEM_ENVIRONMENT } from "../cli/environment.ts";
import { escapeControls } from "../log/escape.ts";
import { controlJson } from "../wire/control.ts";
import { ControlLink } from "./control_link.ts";
import { print, runCommand } from "./run_command.ts";

async function run(config: CancelConfig): Promise<number> {
  const link = new ControlLink(config.connection);
  const { cluster: named, uid, terminateRunning, json } = config;
  if (uid !== null) {
    const answer = await link.ask({ request: "cancelJob", cluster: named, uid });
    const { cluster, job } = answer;
    const at = job.node === null ? "" : ` at ${job.node}`;
    print(
      json
        ? JSON.stringify(controlJson("cancelJob", answer)) + "\n"
        : escapeControls(`Cancelled job ${uid} (${job.state}${at}) of ${clusterName(cluster)}`) +
          "\n",
    );
    return 0;
  }
  const answer = await link.ask({ request: "cancelCluster", cluster: named, terminateRunning });
  const { cluster, cancelledWaiting, cancelledRunning } = answer;
  print(
    json
      ? JSON.stringify(controlJson("cancelCluster", answer)) + "\n"
      : escapeControls(`Cancelled cluster ${clusterName(cluster)}, id ${cluster.id}: `) +
        `${cancelledWaiting} jobs that waited, ${cancelledRunning} that ran` +
        (terminateRunning ? "" : `; ${cluster.jobsRunning} may finish`) + "\n",
  );
  return 0;
}

/**
 * Runs the command.
 *
 * @param args The arguments behind its name.
 * @returns The exit code.
 */
export function runCancel(args: readonly string[]): Promise<number> {
  return runCommand(args, cancelCommand(SYSTEM_ENVIRONMENT), run);
}
