/**
 * What this machine gives to hold jobs: found out at the node's start, and told in its log.
 *
 * @module
 */

import { join } from "node:path";
import { getLogger } from "../../log/log.ts";
import type { ProcessMark } from "../process_tree.ts";
import { Cgroups } from "./cgroup.ts";
import { findNamespace } from "./namespace.ts";
import { Orphans } from "./orphans.ts";

const log = getLogger("node");

/** How often orphans are looked for while there are computations. */
const SWEEP_MS = 5_000;

/** Holds what the jobs of one computation start. */
export interface ComputationHold {
  /** What stands before a command that runs functions, so that nothing it starts outlives it. */
  readonly launcher: readonly string[];
  /** What stands before a program, which cannot be the first process of a PID namespace. */
  readonly programLauncher: readonly string[];
  /** Ends all that is left. */
  end(): Promise<void>;
  /** The same, for good. */
  close(): Promise<void>;
}

/** Holds what jobs start, so that the node can end all of it. */
export interface Containment {
  /** Where all that jobs start is killed by a "1", also by another process; `null` = nowhere. */
  readonly killFile: string | null;
  /** For a computation that comes. */
  hold(): Promise<ComputationHold>;
  /** Ends what jobs of closed computations have left; `held`: the marks of those that are here. */
  sweep(held: Iterable<ProcessMark>): Promise<void>;
  /** The node ends, and no computation is left. */
  close(): Promise<void>;
}

const NOTHING = () => Promise.resolve();

/** For nodes that do not look for more: processes are found by their marks and parents alone. */
export const NO_CONTAINMENT: Containment = {
  killFile: null,
  hold: () => Promise.resolve({ launcher: [], programLauncher: [], end: NOTHING, close: NOTHING }),
  sweep: NOTHING,
  close: NOTHING,
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
  const cgroups = await Cgroups.open();
  const orphans = Orphans.open();
  log.info("how jobs are held", {
    pid_namespace: namespace.kind === "none" ? `no (${namespace.reason})` : namespace.kind,
    cgroup: typeof cgroups === "string" ? `no (${cgroups})` : cgroups.folder,
    orphans_found: typeof orphans === "string" ? `no (${orphans})` : "yes",
  });
  const inNamespace = namespace.kind === "none" ? [] : namespace.launcher;
  return {
    killFile: typeof cgroups === "string" ? null : join(cgroups.folder, "cgroup.kill"),
    async hold() {
      const group = typeof cgroups === "string" ? null : await cgroups.make();
      const inGroup = group?.launcher ?? [];
      return {
        launcher: [...inGroup, ...inNamespace],
        programLauncher: inGroup,
        end: async () => void await group?.kill(),
        close: async () => await group?.close(),
      };
    },
    sweep: async (held) => {
      if (typeof orphans !== "string") await orphans.sweep(held);
    },
    close: async () => {
      if (typeof cgroups !== "string") await cgroups.close();
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
