/**
 * Python functions as jobs: what dispy was made for.
 *
 * @module
 */

import { decodeTypeScriptCode } from "../../wire/typescript_jobs.ts";
import type {
  ComputationCode,
  ComputationRunner,
  ComputationTask,
  JobLanguage,
} from "../runner.ts";
import { PythonComputation } from "./computation.ts";
import type { PythonSettings } from "./session.ts";

/**
 * How long a job may take to end by itself once it was interrupted. dispy tells its users of "about
 * 5 seconds".
 */
const TERMINATE_GRACE_MS = 5000;

/** Runs Python functions through the machine's Python, which needs no dispy for it. */
export class PythonLanguage implements JobLanguage {
  readonly name: string;
  readonly platformMark = "";
  readonly #settings: PythonSettings;

  /**
   * @param python The Python to run, 3.8 or newer: a path, or a name that is looked for in PATH.
   * Whether it is there shows when the first computation comes.
   * @param terminateGraceMs How long a job may take to end by itself once it was interrupted.
   */
  constructor(python: string = "python3", terminateGraceMs: number = TERMINATE_GRACE_MS) {
    this.#settings = { python, terminateGraceMs };
    this.name = `Python (${python})`;
  }

  accepts({ type, code }: ComputationCode): boolean {
    return type === "function" && decodeTypeScriptCode(code) === null;
  }

  open(task: ComputationTask): Promise<ComputationRunner> {
    return PythonComputation.open(this.#settings, task);
  }
}
