/**
 * What this machine gives to hold jobs: found out at the node's start, and told in its log.
 *
 * @module
 */

import { getLogger } from "../../log/log.ts";
import type { ProcessMark } from "../process_tree.ts";
import { findNamespace } from "./namespace.ts";
import { Orphans } from "./orphans.ts";

const log = getLogger("node");

/** How often orphans are looked for while there are computations. */
const SWEEP_MS = 5_000;

/** Holds what jobs start, so that the node can end all of it. */
export interface Containment {
  /** What stands before a command, so that nothing it starts outlives it; empty = nothing does. */
  readonly launcher: readonly string[];
  /** Ends what jobs of closed computations have left; `held`: the marks of those that are here. */
  sweep(held: Iterable<ProcessMark>): Promise<void>;
}

/** For nodes that do not look for more: processes are found by their marks and parents alone. */
export const NO_CONTAINMENT: Containment = {
  launcher: [],
  sweep: () => Promise.resolve(),
};

/**
 * Finds out what there is, and says so in the log.
 *
 * @param wantsNamespace Whether a PID namespace may be used.
 */
export async function findContainment(wantsNamespace: boolean): Promise<Containment> {
  const namespace = wantsNamespace
    ? await findNamespace()
    : { kind: "none", reason: "not wanted" } as const;
  const orphans = Orphans.open();
  log.info("how jobs are held", {
    pid_namespace: namespace.kind === "none" ? `no (${namespace.reason})` : namespace.kind,
    orphans_found: typeof orphans === "string" ? `no (${orphans})` : "yes",
  });
  return {
    launcher: namespace.kind === "none" ? [] : namespace.launcher,
    sweep: async (held) => {
      if (typeof orphans !== "string") await orphans.sweep(held);
    },
  };
}

/** Sweeps again and again. @returns a function that ends that. */
export function sweepRegularly(
  containment: Containment,
  held: () => Iterable<ProcessMark>,
): () => void {
  let isSweeping = false;
  const timer = setInterval(async () => {
    if (isSweeping) return;
    isSweeping = true;
    await containment.sweep(held());
    isSweeping = false;
  }, SWEEP_MS);
  return () => clearInterval(timer);
}
