/**
 * Which nodes a cluster has use for, whatever its client wishes: those that understand it.
 *
 * @module
 */

import type { Cluster, Node } from "./entities.ts";
import { findAllocation } from "./allocation.ts";
import type { Core } from "./state.ts";

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

/** The nodes that the cluster's client has named and that it cannot use, by the reason. */
export function unsuitableNodes(core: Core, cluster: Cluster): Map<string, Node[]> {
  const byReason = new Map<string, Node[]>();
  for (const node of core.nodes.values()) {
    const reason = unsuitability(cluster, node);
    if (reason === null || findAllocation(cluster.allocations, node) === undefined) continue;
    const nodes = byReason.get(reason);
    if (nodes === undefined) byReason.set(reason, [node]);
    else nodes.push(node);
  }
  return byReason;
}
