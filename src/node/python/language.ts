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

/** Runs Python functions through the machine's Python, which needs no dispy for it. */
export class PythonLanguage implements JobLanguage {
  readonly name: string;
  readonly platformMark = "";
  readonly #python: string;

  /**
   * @param python The Python to run, 3.8 or newer: a path, or a name that is looked for in PATH.
   * Whether it is there shows when the first computation comes.
   */
  constructor(python: string = "python3") {
    this.#python = python;
    this.name = `Python (${python})`;
  }

  accepts({ type, code }: ComputationCode): boolean {
    return type === "function" && decodeTypeScriptCode(code) === null;
  }

  open(task: ComputationTask): Promise<ComputationRunner> {
    return PythonComputation.open(this.#python, task);
  }
}
