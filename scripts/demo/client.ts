/**
 * What both client programs of the demo have in common: they tell on standard output, a JSON line
 * each, when a job begins and ends.
 *
 * @module
 */

import type { Job, JobEvent } from "../../src/client/mod.ts";

/** A line of a client program. */
export type Told =
  | { readonly kind: "runs"; readonly job: number; readonly node: string }
  | {
    readonly kind: "done";
    readonly job: number;
    readonly node: string;
    readonly seconds: number;
  }
  /** Something for whoever watches. */
  | { readonly kind: "says"; readonly text: string };

/** Says something to the demo. */
export function tell(told: Told): void {
  console.log(JSON.stringify(told));
}

/** Tells of a job; a cluster's `onJob`. */
export function tellOfJob(job: Job, event: JobEvent): void {
  const { startedAt, endedAt, ipAddr } = job;
  if (ipAddr === null) return;
  const common = { job: Number(job.id), node: ipAddr };
  if (event === "Running") tell({ kind: "runs", ...common });
  else if (event === "Finished" && startedAt !== null && endedAt !== null) {
    tell({ kind: "done", ...common, seconds: (endedAt.getTime() - startedAt.getTime()) / 1000 });
  }
}
