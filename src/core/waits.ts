/**
 * Why a cluster waits: for itself, and node by node. Nothing is changed here, and nothing decided:
 * each reason names what `dispatch.ts`, `shares.ts` and `clusters.ts` have found in their way.
 *
 * @module
 */

import { allocatedCpus, patternNames } from "./allocation.ts";
import { clusterAhead } from "./clusters.ts";
import type { Cluster, Node, Share } from "./entities.ts";
import { isHeldByOther } from "./shares.ts";
import type { Core } from "./state.ts";
import { unsuitability } from "./suitability.ts";

/** Why no job of a cluster can start at all, whatever its nodes do. */
export type ClusterWaitKind =
  /** Its client still sends files, or has not yet asked for it to be scheduled. */
  | "not_scheduled"
  /** One of both is exclusive: another cluster goes first. */
  | "exclusive_ahead"
  /** Its client is being told that it is scheduled. */
  | "announcing"
  /** It uses as many CPUs as it may. */
  | "cpu_limit"
  /** The scheduler has no node. */
  | "no_node"
  /** None of the scheduler's nodes is in its client's node list. */
  | "no_node_matches";

/** Why no job of a cluster can start at a node that its client's node list names. */
export type NodeWaitKind =
  /** All CPUs that it may use are in use. */
  | "busy"
  /** The computation, its files and its `setup` are on their way. */
  | "setting_up"
  /** It did not take the computation, or `setup` has failed. */
  | "setup_failed"
  /** A command has drained it. */
  | "drained"
  /** The client's node list leaves none of its CPUs, or it offers none. */
  | "no_cpus"
  /** The client has deallocated or closed it. */
  | "released"
  /** Another cluster has it for itself, or this one would and others use it. */
  | "held"
  /** It does not understand the cluster: it is of another generation of dispy, or runs no TypeScript. */
  | "unsuitable"
  /** It could not be reached, and is tried again. */
  | "not_answering"
  /** It has not answered since the scheduler was started again. */
  | "unconfirmed"
  /** It was given up. */
  | "lost";

/** A reason why a cluster waits. */
export interface Wait {
  readonly kind: ClusterWaitKind | NodeWaitKind;
  /** The nodes that it is true of, the first of them; none where it is true of the cluster itself. */
  readonly nodes: readonly string[];
  /** How many nodes there are. */
  readonly count: number;
  /** What is known beyond that: what a node has said, the name of another cluster. */
  readonly reason: string | null;
}

/** So many nodes are named with a reason. */
const MAX_NAMED = 8;

/** Reasons that pass by themselves, as long as all is well. */
const PASSING: ReadonlySet<Wait["kind"]> = new Set([
  "busy",
  "setting_up",
  "announcing",
  "cpu_limit",
  "exclusive_ahead",
]);

/** Whether jobs of `cluster` wait, none runs, and nothing is on its way to change that. */
export function isStuck(core: Core, cluster: Cluster): boolean {
  if (cluster.jobs.size === 0 || cluster.busy > 0 || cluster.state !== "active") return false;
  return waitsOf(core, cluster).every(({ kind }) => !PASSING.has(kind));
}

/**
 * Why jobs of `cluster` wait, or would wait now; none where one could start, or where it ends. Those
 * that concern most nodes come first.
 */
export function waitsOf(core: Core, cluster: Cluster): Wait[] {
  const own = ownWait(core, cluster);
  if (own !== null) return [own];
  if (cluster.state !== "active") return [];
  const waits = new Map<
    string,
    { -readonly [Key in keyof Wait]: Wait[Key] } & { nodes: string[] }
  >();
  const add = (ipAddr: string, kind: NodeWaitKind, reason: string | null) => {
    const key = `${kind} ${reason}`;
    let wait = waits.get(key);
    if (wait === undefined) waits.set(key, wait = { kind, nodes: [], count: 0, reason });
    wait.count++;
    if (wait.nodes.length < MAX_NAMED) wait.nodes.push(ipAddr);
  };
  for (const node of core.nodes.values()) {
    const wait = nodeWait(cluster, node);
    if (wait === "none") return [];
    if (wait !== null) add(node.ipAddr, ...wait);
  }
  for (const [ipAddr, reason] of cluster.lostNodes) {
    if (!core.nodes.has(ipAddr)) add(ipAddr, "lost", reason);
  }
  if (waits.size > 0) return [...waits.values()].sort((one, other) => other.count - one.count);
  const kind = core.nodes.size === 0 ? "no_node" : "no_node_matches";
  return [{ kind, nodes: [], count: 0, reason: null }];
}

function ownWait(core: Core, cluster: Cluster): Wait | null {
  const wait = (kind: ClusterWaitKind, reason: string | null = null): Wait => {
    return { kind, nodes: [], count: 0, reason };
  };
  switch (cluster.state) {
    case "received":
      return wait("not_scheduled");
    case "waiting": {
      const ahead = clusterAhead(core, cluster);
      return wait("exclusive_ahead", ahead === null ? null : `${ahead.name} (${ahead.id})`);
    }
    case "announcing":
      return wait("announcing");
    case "active":
      return cluster.isAtLimit ? wait("cpu_limit", `${cluster.terms.maxCpus}`) : null;
    default:
      return null;
  }
}

/** Why no job can start at `node`; "none" where one could, `null` where the list does not name it. */
function nodeWait(
  cluster: Cluster,
  node: Node,
): readonly [kind: NodeWaitKind, reason: string | null] | "none" | null {
  const named = cluster.allocations.filter(({ pattern }) => patternNames(pattern, node));
  if (named.length === 0) return null;
  const unsuitable = unsuitability(cluster, node);
  if (unsuitable !== null) return ["unsuitable", unsuitable];
  if (cluster.excludedNodes.has(node.ipAddr)) return ["released", null];
  if (named.every((allocation) => allocatedCpus(allocation, node.availCpus) === 0)) {
    return ["no_cpus", null];
  }
  const share = cluster.shares.get(node.ipAddr);
  if (node.cpuLimit === 0) return ["drained", null];
  if (share === undefined) return [isHeldByOther(node, cluster) ? "held" : "setting_up", null];
  if (share.state !== "ready") return shareWait(share);
  if (node.inventory !== null && !node.inventory.isConfirmed) return ["unconfirmed", null];
  if (node.pausedUntilMs !== 0) return [node.unreachable > 0 ? "not_answering" : "busy", null];
  const isFree = node.busy < Math.min(node.cpus, node.cpuLimit) && share.busy < share.maxCpus;
  if (isFree) return "none";
  return [node.cpus === 0 ? "no_cpus" : "busy", null];
}

function shareWait({ state, failure }: Share): readonly [NodeWaitKind, string | null] {
  switch (state) {
    case "failed":
      return ["setup_failed", failure];
    case "drained":
    case "closing":
    case "closed":
      return ["released", null];
    default:
      return ["setting_up", null];
  }
}

/** What is said of each reason, beside the nodes. */
const TEXTS: Readonly<Record<Wait["kind"], string>> = {
  not_scheduled: "its client has not sent all files yet",
  exclusive_ahead: "another cluster goes first, as one of both is exclusive",
  announcing: "its client is being told that it is scheduled",
  cpu_limit: "it uses as many CPUs as it may",
  no_node: "the scheduler has no node",
  no_node_matches: "none of the scheduler's nodes is in its client's node list",
  busy: "all CPUs that it may use are busy",
  setting_up: "being set up",
  setup_failed: "could not be set up",
  drained: "drained: dispyscheduler nodes resume",
  no_cpus: "no CPUs for it",
  released: "deallocated or closed by its client",
  held: "in use by another cluster, and one of both is exclusive",
  unsuitable: "not used",
  not_answering: "could not be reached; tried again",
  unconfirmed: "has not answered since the scheduler was started again",
  lost: "gone",
};

/** A reason in words, such as `10.0.0.2, 10.0.0.3: drained: dispyscheduler nodes resume`. */
export function describeWait({ kind, nodes, count, reason }: Wait): string {
  const what = reason === null ? TEXTS[kind] : `${TEXTS[kind]}: ${reason}`;
  if (count === 0) return what;
  const others = count > nodes.length ? ` and ${count - nodes.length} more` : "";
  return `${nodes.join(", ")}${others}: ${what}`;
}
