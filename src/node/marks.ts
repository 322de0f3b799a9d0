/**
 * The variables by which a node's processes are found again: children inherit them.
 *
 * @module
 */

import type { ProcessMark } from "./process_tree.ts";

/** Which node a process belongs to. */
const NODE_VARIABLE = "DISPYSCHEDULER_NODE_RUN";

/** Which computation a process belongs to. */
const COMPUTATION_VARIABLE = "DISPYSCHEDULER_COMPUTATION";

/** Which job a process belongs to. */
export const JOB_VARIABLE = "DISPYSCHEDULER_JOB";

/** A mark for all processes of a node, as long as it runs. */
export function newNodeMark(): ProcessMark {
  return `${NODE_VARIABLE}=${crypto.randomUUID()}`;
}

/** A mark for all processes of a computation. */
export function newComputationMark(): ProcessMark {
  return `${COMPUTATION_VARIABLE}=${crypto.randomUUID()}`;
}

/** Marks as variables of an environment. */
export function markedEnvironment(...marks: ProcessMark[]): Record<string, string> {
  return Object.fromEntries(marks.map((mark) => {
    const at = mark.indexOf("=");
    return [mark.slice(0, at), mark.slice(at + 1)];
  }));
}
