/**
 * What nodes of this project say of themselves at the end of their platform, word by word, and which
 * computations need or shun such nodes.
 *
 * @module
 */

import type { Compute } from "./records/compute.ts";
import { ComputeType } from "./status.ts";
import { decodeTypeScriptCode, TYPESCRIPT_PLATFORM } from "./typescript_jobs.ts";

/** A node's word for that it runs neither Python functions nor programs in Python. */
export const NO_PYTHON_PLATFORM = "no-python";

/**
 * The word that the platform of a computation's nodes must have; with `!` before it, the one that it
 * must not have. `undefined` where all nodes will do.
 */
export function platformNeeded(
  compute: Pick<Compute, "type" | "name" | "code" | "setup" | "cleanup">,
): string | undefined {
  if (decodeTypeScriptCode(compute.code) !== null) return TYPESCRIPT_PLATFORM;
  const hasFunctions = compute.type === ComputeType.Function ||
    typeof compute.setup === "string" || typeof compute.cleanup === "string";
  return hasFunctions || isPythonProgram(compute.name) ? `!${NO_PYTHON_PLATFORM}` : undefined;
}

/** Whether nodes run a program by Python; dispynode decides so, too. */
export function isPythonProgram(name: string): boolean {
  return name.endsWith(".py");
}
