/**
 * What clients may do with their nodes beyond running jobs: use more or fewer, set their CPUs,
 * send files to them.
 *
 * @module
 */

import {
  type Node,
  type NodeAllocation,
  onNodeCloseRequested,
  onNodeCpusRequested,
  onNodeDeallocated,
  onNodesAllocated,
} from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import {
  type AllocateNodeRequest,
  type CloseNodeRequest,
  type DeallocateNodeRequest,
  encodeToNode,
  MAX_NODE_LIST,
  type MessageStream,
  refuseFile,
  relayFile,
  type SendFileRequest,
  type SetNodeCpusRequest,
} from "../wire/mod.ts";
import { toAllocation } from "./computation_intake.ts";
import type { Computation } from "./computation.ts";
import { type Context, nodeAuthOf } from "./context.ts";
import { dialectOfNode } from "./dialects.ts";
import { messageOf } from "../log/error_message.ts";
import { bytesToTake, fileRefusal, truncated } from "./file_limits.ts";
import { computationSize } from "./holding_sizes.ts";
import type { NodeLink } from "./node_link.ts";

const log = getLogger("clientside");

/** What clients are told: done, or not. */
const DONE = 0;
const NOT_DONE = -1;

/** Requests that change which nodes a client uses, and how. */
export type NodeControlRequest =
  | AllocateNodeRequest
  | DeallocateNodeRequest
  | CloseNodeRequest
  | SetNodeCpusRequest;

/** See the module's description. */
export class NodeControl {
  constructor(private readonly context: Context, private readonly nodeLink: NodeLink) {}

  /** A node that a client has named by address or name. */
  find(name: string): Node | undefined {
    const { nodes } = this.context.engine.core;
    const named = nodes.get(name);
    if (named !== undefined) return named;
    for (const each of nodes.values()) if (each.name === name) return each;
    return undefined;
  }

  /** The address of a node that a client has named by address or name. */
  resolve(name: string): string | undefined {
    return this.find(name)?.ipAddr;
  }

  /** Carries out a request; returns what the client is told. */
  change(request: NodeControlRequest, computation: Computation | undefined): number {
    if (computation === undefined) return NOT_DONE;
    const { engine } = this.context;
    const { cluster } = computation;
    if (request.kind === "ALLOCATE_NODE") {
      for (const { depends } of request.nodeAllocs) {
        const missing = depends.find((xfer) =>
          typeof xfer === "string" || computation.files.find(xfer) === undefined
        );
        if (missing !== undefined) {
          log.warning("node not allocated: dispy does not send the files of such a request", {
            computation: cluster.name,
          });
          return NOT_DONE;
        }
      }
      // What such an entry asks for beyond nodes was settled when the cluster was made.
      const allocations = request.nodeAllocs.map(toAllocation);
      if (!this.#charge(computation, allocations)) return NOT_DONE;
      engine.post((core, nowMs) => onNodesAllocated(core, cluster, allocations, nowMs));
      return DONE;
    }
    const ipAddr = this.resolve(request.node);
    if (ipAddr === undefined) return NOT_DONE;
    const done = engine.post((core, nowMs) => {
      switch (request.kind) {
        case "DEALLOCATE_NODE":
          return onNodeDeallocated(core, cluster, ipAddr, nowMs);
        case "CLOSE_NODE": {
          const { terminatePending } = request;
          return onNodeCloseRequested(core, cluster, ipAddr, terminatePending, nowMs);
        }
        case "SET_NODE_CPUS":
          return onNodeCpusRequested(core, cluster, ipAddr, request.cpus, nowMs);
      }
    });
    return done ? DONE : NOT_DONE;
  }

  /** Whether there is room for a computation with these nodes in its list, too; takes it. */
  #charge(computation: Computation, added: readonly NodeAllocation[]): boolean {
    const { cluster, owner, compute, holding } = computation;
    const { budget } = this.context.payloads;
    const replaced = new Set(added.map(({ pattern }) => pattern));
    const all = [...added, ...cluster.allocations.filter((each) => !replaced.has(each.pattern))];
    const size = computationSize(compute, all);
    const refusal = all.length > MAX_NODE_LIST
      ? `its node list would have ${all.length} entries; the limit is ${MAX_NODE_LIST}`
      : budget.holdingRefusal(owner, "its longer node list", {
        keptBytes: Math.max(0, size.keptBytes - holding.size.keptBytes),
        residentBytes: Math.max(0, size.residentBytes - holding.size.residentBytes),
      });
    if (refusal !== null) {
      log.warning("node not allocated", { computation: cluster.name, reason: refusal });
      return false;
    }
    holding.release();
    computation.holding = budget.hold(owner, size);
    return true;
  }

  /** Passes a file from a client to one of its nodes. */
  async sendFile(stream: MessageStream, { node: name, file }: SendFileRequest): Promise<void> {
    const computation = file.computeId === null
      ? undefined
      : this.context.computations.get(file.computeId);
    const ipAddr = this.resolve(name);
    const share = ipAddr === undefined ? undefined : computation?.cluster.shares.get(ipAddr);
    const refusal = fileRefusal(this.context.options, file);
    if (share?.state !== "ready" || refusal !== null) {
      const reason = refusal ?? "the client does not use the node";
      log.warning("file for a node refused", { file: file.name, node: name, reason });
      await refuseFile(stream);
      return;
    }
    const target = await this.#openTransfer(share.node, stream);
    using _ = target;
    const passBytes = bytesToTake(this.context.options, file);
    const request = encodeToNode(
      { kind: "FILEXFER", file: truncated(file, passBytes) },
      dialectOfNode(share.node),
    );
    await target.writeRequest(nodeAuthOf(this.context, share.node), ...request);
    const { transferredBytes } = await relayFile(
      stream,
      target,
      file.stat.sizeBytes,
      passBytes,
    );
    share.txBytes += transferredBytes;
  }

  async #openTransfer(node: Node, from: MessageStream): Promise<MessageStream> {
    try {
      return await this.nodeLink.connect(node);
    } catch (error) {
      log.warning("file cannot be passed to a node", {
        node: node.ipAddr,
        reason: messageOf(error),
      });
      await refuseFile(from);
      throw error;
    }
  }
}
