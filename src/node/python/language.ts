/**
 * Python functions as jobs: what dispy was made for.
 *
 * @module
 */

import { messageOf } from "../../log/error_message.ts";
import { NO_PYTHON_PLATFORM } from "../../wire/platform_words.ts";
import { decodeTypeScriptCode } from "../../wire/typescript_jobs.ts";
import {
  type ComputationCode,
  type ComputationRunner,
  type ComputationTask,
  type JobLanguage,
  RunnerError,
} from "../runner.ts";
import { PythonComputation } from "./computation.ts";
import { REQUIREMENTS } from "./harness.ts";
import type { PythonSettings } from "./session.ts";

/**
 * How long a job may take to end by itself once it was interrupted. dispy tells its users of "about
 * 5 seconds".
 */
const TERMINATE_GRACE_MS = 5000;

/** How long Python may take to tell its version: it may lie on a disk of the network. */
const FIND_LIMIT_MS = 20_000;

/** Ends with a word about the version, or with what is wrong on stderr. */
const PROBE = `${REQUIREMENTS}\nprint('%d.%d.%d' % sys.version_info[:3])\n`;

/** Runs Python functions through the machine's Python, which needs no dispy for it. */
export class PythonLanguage implements JobLanguage {
  readonly name: string;
  readonly platformMark = "";
  readonly #settings: PythonSettings;

  /**
   * @param python The Python to run, 3.8 or newer: a path, or a name that is looked for in PATH.
   * @param terminateGraceMs How long a job may take to end by itself once it was interrupted.
   * @param version Of that Python, for the log.
   */
  constructor(
    python: string = "python3",
    terminateGraceMs: number = TERMINATE_GRACE_MS,
    version: string = "",
  ) {
    this.#settings = { python, terminateGraceMs };
    this.name = `Python ${version} (${python})`.replace("  ", " ");
  }

  accepts(code: ComputationCode): boolean {
    return isPythonFunction(code);
  }

  open(task: ComputationTask): Promise<ComputationRunner> {
    return PythonComputation.open(this.#settings, task);
  }
}

/** In the place of Python where there is none: refuses its functions, and says why. */
export class NoPython implements JobLanguage {
  readonly name = "no Python";
  readonly platformMark = NO_PYTHON_PLATFORM;

  /** @param reason Why there is none, and what to do. */
  constructor(readonly reason: string) {}

  accepts(code: ComputationCode): boolean {
    return isPythonFunction(code);
  }

  open(): Promise<ComputationRunner> {
    return Promise.reject(new RunnerError(this.reason));
  }
}

/** Whether a computation is one of Python functions. */
function isPythonFunction({ type, code }: ComputationCode): boolean {
  return type === "function" && decodeTypeScriptCode(code) === null;
}

/**
 * Looks for the Python that is to run jobs.
 *
 * @param python A path, or a name that is looked for in PATH.
 * @param launcher What stands before the command: it may not be there for everybody.
 * @param limitMs How long it may take to tell its version.
 */
export async function findPython(
  python: string,
  launcher: readonly string[] = [],
  limitMs: number = FIND_LIMIT_MS,
): Promise<PythonLanguage | NoPython> {
  const none = (why: string) =>
    new NoPython(`Python functions cannot run at this node: ${why} (node's option --python)`);
  const limit = AbortSignal.timeout(limitMs);
  try {
    const [program = python, ...args] = [...launcher, python, "-c", PROBE];
    const { success, code, stdout, stderr } = await new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal: limit,
    }).output();
    const [said = "", complaint = ""] = [stdout, stderr].map((bytes) => {
      return new TextDecoder().decode(bytes).trim().split("\n").at(-1);
    });
    if (success) return new PythonLanguage(python, TERMINATE_GRACE_MS, said);
    if (limit.aborted) return none(`${python} does not tell its version`);
    return none(`${python} is of no use: ${complaint || `it ends with code ${code}`}`);
  } catch (error) {
    return none(
      error instanceof Deno.errors.NotFound
        ? `there is no ${python}: install Python 3.8 or newer`
        : messageOf(error),
    );
  }
}
