/**
 * The main thread of a TypeScript job's process: stands between the node and the thread that runs
 * the job, and ends the process when the node is gone.
 *
 * Is handed to Deno as text, behind a line that defines `WORKER_SOURCE`.
 *
 * @module
 */

import process from "node:process";
import { Worker } from "node:worker_threads";
import type { FromProcess, ToProcess } from "./messages.ts";

/** The text of job_worker.ts. */
declare const WORKER_SOURCE: string;

let worker: Worker | null = null;

function tell(message: FromProcess): void {
  process.send!(message);
}

process.on("disconnect", () => Deno.exit(1));
process.on("message", (message: ToProcess) => {
  if (message.kind !== "load") {
    worker?.postMessage(message);
    return;
  }
  const url = new URL(`data:application/typescript,${encodeURIComponent(WORKER_SOURCE)}`);
  worker = new Worker(url, { workerData: message.order });
  worker.on("message", tell);
  worker.on("error", (error: unknown) => {
    tell({
      kind: "thrown",
      text: error instanceof Error ? error.stack ?? error.message : `${error}`,
    });
  });
  worker.on("exit", (code) => tell({ kind: "exited", code }));
});
tell({ kind: "up" });
