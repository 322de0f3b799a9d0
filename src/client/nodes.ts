/**
 * The nodes of a cluster: which are wanted, and what is heard of those that serve it.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import {
  canonicalAddress,
  ipRexOf,
  NODE_ALLOCATE_CLASS,
  type NodeAllocate,
  type NodeAllocSpec,
  NodeStatus,
  type NodeStatusMessage,
  type XferFile,
} from "../wire/mod.ts";
import { messageOf } from "../log/error_message.ts";
import type { ComputationBase } from "./computation.ts";
import { NodeRequestError } from "./errors.ts";
import { describeFile } from "./files.ts";
import type { ClusterNode, NodeEvent, NodeSpec } from "./options.ts";

/** What is needed to speak to a node itself. */
export interface NodeDoor {
  readonly port: number;
  /** The auth code that the node asks for. A secret. */
  readonly auth: Uint8Array;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The nodes that serve a cluster, as last heard. */
export class NodeTable {
  readonly #nodes = new Map<string, Mutable<ClusterNode>>();
  readonly #doors = new Map<string, NodeDoor>();
  readonly #onNode: (node: ClusterNode, event: NodeEvent) => void;

  /** @param onNode Told of every change. */
  constructor(onNode: (node: ClusterNode, event: NodeEvent) => void) {
    this.#onNode = onNode;
  }

  /** By address. */
  get nodes(): ReadonlyMap<string, ClusterNode> {
    return this.#nodes;
  }

  /** How to reach the node itself; `undefined` where the scheduler has not told. */
  door(ipAddr: string): NodeDoor | undefined {
    return this.#doors.get(ipAddr);
  }

  /** The scheduler has news of a node. */
  onStatus(message: NodeStatusMessage): void {
    const { ipAddr } = message;
    if (message.status === NodeStatus.Initialized) return this.#onInitialized(message);
    const node = this.#nodes.get(ipAddr);
    if (node === undefined) return;
    node.updatedAt = new Date();
    switch (message.status) {
      case NodeStatus.AvailInfo:
        if (message.availInfo !== null) node.available = message.availInfo;
        node.txBytes = message.txBytes;
        node.rxBytes = message.rxBytes;
        return this.#onNode(node, "AvailInfo");
      case NodeStatus.Closed:
        node.txBytes = message.txBytes;
        node.rxBytes = message.rxBytes;
        node.cpus = 0;
        this.#doors.delete(ipAddr);
        return this.#onNode(node, "Closed");
      case "node_cpus":
        node.cpus = message.nodeCpus;
        return this.#onNode(node, "AvailInfo");
    }
  }

  /** A job has begun to run there. */
  onJobStarted(ipAddr: string): void {
    const node = this.#nodes.get(ipAddr);
    if (node !== undefined) node.busy++;
  }

  /** A job that ran there does so no longer, and has not ended there. */
  onJobMoved(ipAddr: string): void {
    const node = this.#nodes.get(ipAddr);
    if (node !== undefined) node.busy = Math.max(0, node.busy - 1);
  }

  /** A job that ran there has ended. */
  onJobEnded(ipAddr: string, seconds: number): void {
    const node = this.#nodes.get(ipAddr);
    if (node === undefined) return;
    node.busy = Math.max(0, node.busy - 1);
    node.jobsDone++;
    node.cpuTimeS += Math.max(0, seconds);
  }

  #onInitialized(message: Extract<NodeStatusMessage, { dispyNode: unknown }>): void {
    const { dispyNode, nodeAuth, nodePort } = message;
    const { ipAddr } = dispyNode;
    const before = this.#nodes.get(ipAddr);
    const node: Mutable<ClusterNode> = {
      ipAddr,
      name: dispyNode.name,
      cpus: dispyNode.cpus,
      busy: before?.busy ?? 0,
      jobsDone: before?.jobsDone ?? dispyNode.jobsDone,
      cpuTimeS: before?.cpuTimeS ?? dispyNode.cpuTimeS,
      txBytes: dispyNode.txBytes,
      rxBytes: dispyNode.rxBytes,
      available: dispyNode.availInfo,
      updatedAt: new Date(),
    };
    this.#nodes.set(ipAddr, node);
    if (nodeAuth !== null && nodePort !== null && nodePort > 0) {
      this.#doors.set(ipAddr, { port: nodePort, auth: nodeAuth });
    }
    this.#onNode(node, "Initialized");
  }
}

/** A wanted node, with its files described. */
export interface WantedNode {
  readonly host: string;
  readonly port: number | null;
  readonly cpus: number;
  readonly depends: readonly XferFile[];
  readonly setupArgs: readonly unknown[];
}

/**
 * Looks up the nodes that a program wants. As with dispy, the order in which patterns are tried
 * is from the most specific to the least.
 *
 * @throws {NodeRequestError} Where a name is not known.
 * @throws {FileTransferError} Where a file is not there.
 */
export async function wantedNodes(
  specs: readonly (string | NodeSpec)[],
  computeId: number | null,
): Promise<WantedNode[]> {
  const wanted = await Promise.all(specs.map(async (given): Promise<WantedNode> => {
    const spec: NodeSpec = typeof given === "string" ? { host: given } : given;
    return {
      host: await nodeAddress(spec.host),
      port: spec.port ?? null,
      cpus: spec.cpus ?? 0,
      depends: await Promise.all((spec.depends ?? []).map((file) => describeFile(file, computeId))),
      setupArgs: spec.setupArgs ?? [],
    };
  }));
  const rexes = new Map(wanted.map((node) => [node, ipRexOf(node.host)]));
  return wanted.sort((a, b) => rexes.get(a)! < rexes.get(b)! ? 1 : -1);
}

/** How a wanted node stands in `COMPUTE:`. */
export function allocSpec(
  { host, port, cpus, depends, setupArgs }: WantedNode,
  computation: ComputationBase<unknown>,
): NodeAllocSpec {
  return { host, port, cpus, depends, setupArgs: computation.encodeSetupArguments(setupArgs) };
}

/** How a wanted node stands in `ALLOCATE_NODE:`. */
export function nodeAllocate(
  node: WantedNode,
  computation: ComputationBase<unknown>,
): NodeAllocate {
  const { host, ...rest } = allocSpec(node, computation);
  return {
    ...rest,
    ipAddr: host,
    ipRex: ipRexOf(host),
    cls: NODE_ALLOCATE_CLASS,
    hasSlots: false,
    extra: null,
  };
}

/**
 * The address of a node, as dispy writes addresses; patterns stay as they are.
 *
 * @throws {NodeRequestError} Where the name is not known.
 */
export async function nodeAddress(host: string): Promise<string> {
  if (host.includes("*")) return host;
  try {
    const addresses = await lookup(host, { all: true });
    const chosen = addresses.find(({ family }) => family === 4) ?? addresses[0];
    return canonicalAddress(chosen?.address ?? host);
  } catch (error) {
    throw new NodeRequestError(`node ${host} is not known: ${messageOf(error)}`, { cause: error });
  }
}
