/**
 * A client for dispy clusters: Python functions, programs and TypeScript functions run as jobs on
 * the nodes of a scheduler (`dispyscheduler`, or dispy's own `dispyscheduler.py`).
 *
 * For Deno and Node.js: everything is made of `node:` modules, which both have.
 *
 * @example
 * ```ts
 * import { python, SharedJobCluster } from "@dispyscheduler/dispyscheduler/client";
 *
 * const computation = python<[number], number>({
 *   code: `
 * def double(n):
 *     return 2 * n
 * `,
 * });
 * await using cluster = await SharedJobCluster.open({ computation, scheduler: "127.0.0.1" });
 * for await (const job of cluster.map([[1], [2], [3]], { concurrency: 2 })) {
 *   console.log(job.ipAddr, await job.result);
 * }
 * ```
 *
 * @module
 */

export {
  type Computation,
  type ComputationBase,
  type ComputationOptions,
  type EncodedArguments,
  program,
  type ProgramOptions,
  python,
  type PythonOptions,
} from "./computation.ts";
export * from "./errors.ts";
export type { Job, JobState, PlacedFile, SubmitOptions } from "./job.ts";
export type * from "./options.ts";
export { JobCluster } from "./job_cluster.ts";
export { PythonObject } from "./python_object.ts";
export type { PythonOutput } from "./python_results.ts";
export {
  pyByteArray,
  pyFloat,
  pyFrozenSet,
  type PythonForm,
  type PythonInput,
  pyTuple,
} from "./python_values.ts";
export { recoverJobs, type RecoverOptions } from "./recover_jobs.ts";
export { SharedJobCluster } from "./shared_job_cluster.ts";
export {
  type AnyFunction,
  typescript,
  type TypeScriptFunctionOptions,
  type TypeScriptModuleOptions,
} from "./typescript.ts";
