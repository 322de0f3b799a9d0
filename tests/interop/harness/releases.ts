/**
 * Releases of dispy: which of them the tests know, and what their programs call things.
 *
 * @module
 */

import {
  CURRENT_RELEASE,
  ensureRelease,
  type Unavailable,
  type Venv,
} from "../../../scripts/venv.ts";

/** A release of dispy with a Python that it runs on. */
export interface ReleaseName {
  readonly dispy: string;
  /** `2.7` or `3.6`; the `python3` on PATH when absent. */
  readonly python?: string;
}

/** A release that is installed. */
export interface Release extends ReleaseName {
  readonly venv: Venv;
}

/** Releases that run on today's Pythons: played wherever the tests are. */
export const TODAYS_RELEASES: readonly ReleaseName[] = [
  { dispy: "4.15.2" },
  { dispy: "4.14.0" },
  { dispy: "4.12.4" },
  { dispy: "4.11.1" },
  { dispy: "4.10.6" },
];

/** Releases and Pythons that are played where the machine has such a Python. */
export const OLD_RELEASES: readonly ReleaseName[] = [
  { dispy: "4.10.0", python: "3.6" },
  { dispy: "4.9.1", python: "3.6" },
  { dispy: "4.8.9", python: "3.6" },
  { dispy: "4.7.7", python: "3.6" },
  { dispy: "4.6.18", python: "3.6" },
  { dispy: "4.15.2", python: "2.7" },
  { dispy: "4.10.6", python: "2.7" },
  { dispy: "4.6.18", python: "2.7" },
];

/** How tests and tables call a release. */
export function titleOf({ dispy, python }: ReleaseName): string {
  return python === undefined ? dispy : `${dispy}, Python ${python}`;
}

/** The name with its programs, or why this machine has none. */
export async function installed(name: ReleaseName): Promise<Release | Unavailable> {
  const venv = await ensureRelease(name.dispy, name.python);
  return "unavailable" in venv ? venv : { ...name, venv };
}

/** Whether a release is this one or a later one. */
export function isFrom({ dispy }: ReleaseName, oldest: string): boolean {
  const [parts, wanted] = [dispy, oldest].map((text) => text.split(".").map(Number));
  for (const [index, part] of wanted!.entries()) {
    if (parts![index] !== part) return parts![index]! > part;
  }
  return true;
}

/** The port of a release's scheduler for nodes; those of nodes and for clients follow. */
export function portOf(release: ReleaseName = { dispy: CURRENT_RELEASE }): number {
  return isFrom(release, "4.15") ? 9700 : isFrom(release, "4.11") ? 61590 : 51347;
}

/** The option by which a release's node is told where the scheduler is. */
export function hostOption(release: ReleaseName = { dispy: CURRENT_RELEASE }): string {
  return isFrom(release, "4.13") ? "--scheduler_host" : "--scheduler_node";
}
