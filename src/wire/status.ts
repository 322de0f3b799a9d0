/**
 * The numbers by which dispy names what became of jobs and nodes.
 *
 * @module
 */

/** Job status, as in the class attributes of `dispy.DispyJob`. */
export const JobStatus = {
  Created: 5,
  Running: 6,
  ProvisionalResult: 7,
  Cancelled: 8,
  Terminated: 9,
  Abandoned: 10,
  Finished: 11,
} as const;

/** One of the numbers in {@linkcode JobStatus}. */
export type JobStatus = typeof JobStatus[keyof typeof JobStatus];

/** Node status, as in the class attributes of `dispy.DispyNode`. */
export const NodeStatus = {
  Initialized: 4,
  Closed: 16,
  AvailInfo: 17,
} as const;

/** One of the numbers in {@linkcode NodeStatus}. */
export type NodeStatus = typeof NodeStatus[keyof typeof NodeStatus];

/** Kind of computation, as in the class attributes of `dispy._Compute`. */
export const ComputeType = {
  Function: 1,
  Program: 2,
} as const;

/** One of the numbers in {@linkcode ComputeType}. */
export type ComputeType = typeof ComputeType[keyof typeof ComputeType];

const JOB_STATUSES: ReadonlySet<number> = new Set(Object.values(JobStatus));

/** Whether `status` is one that dispy knows. */
export function isJobStatus(status: number): status is JobStatus {
  return JOB_STATUSES.has(status);
}
