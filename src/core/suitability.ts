/**
 * Which nodes a cluster has use for, whatever its client wishes: those that understand it.
 *
 * @module
 */

import type { Cluster, Node } from "./entities.ts";

/** Why the cluster cannot use the node, as the end of "node X is not used: …"; `null` = it can. */
export function unsuitability({ options }: Cluster, { info }: Node): string | null {
  const { platform, generation } = options;
  const words = info.platform.split(/\s+/);
  if (platform?.startsWith("!")) {
    const word = platform.slice(1);
    if (words.includes(word)) return `its platform says ${word}`;
  } else if (platform !== undefined && !words.includes(platform)) {
    return `it does not run ${platform}`;
  }
  const ofNode = info.generation ?? null;
  if (generation !== undefined && ofNode !== null && ofNode !== generation) {
    return `it is of ${ofNode}, the cluster of ${generation}`;
  }
  return null;
}
