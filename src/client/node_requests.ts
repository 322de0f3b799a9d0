/**
 * Requests about the nodes of a cluster.
 *
 * @module
 */

import {
  type ClientRequest,
  type ComputeRef,
  decodeAnswer,
  decodeUidsAnswer,
  encodeToNode,
} from "../wire/mod.ts";
import type { ClusterJob } from "./cluster_job.ts";
import type { ComputationBase } from "./computation.ts";
import { FileTransferError, NodeRequestError } from "./errors.ts";
import { describeFile, sendContent } from "./files.ts";
import type { JobTable } from "./job_table.ts";
import { nodeAddress, nodeAllocate, type NodeTable, wantedNodes } from "./nodes.ts";
import type { NodeSpec } from "./options.ts";
import type { SchedulerLink } from "./scheduler_link.ts";

/** What the requests work with. */
export interface NodeRequestParts<Result> {
  readonly link: SchedulerLink;
  readonly ref: ComputeRef;
  readonly computation: ComputationBase<Result>;
  readonly nodes: NodeTable;
  readonly jobs: JobTable<Result>;
}

/** See the module's description. */
export class NodeRequests<Result> {
  readonly #parts: NodeRequestParts<Result>;

  constructor(parts: NodeRequestParts<Result>) {
    this.#parts = parts;
  }

  async allocate(spec: string | NodeSpec): Promise<void> {
    const { link, ref, computation } = this.#parts;
    const [node] = await wantedNodes([spec], ref.computeId);
    if (node === undefined) return;
    for (const file of node.depends) {
      await link.request({ kind: "FILEXFER", file }, (stream) => sendContent(stream, file));
    }
    const nodeAllocs = [nodeAllocate(node, computation)];
    await this.#order({ kind: "ALLOCATE_NODE", ...ref, nodeAllocs }, `allocate ${node.host}`);
  }

  async deallocate(host: string): Promise<void> {
    const node = await nodeAddress(host);
    const { ref } = this.#parts;
    await this.#order({ kind: "DEALLOCATE_NODE", ...ref, node }, `deallocate ${host}`);
  }

  async close(host: string, terminatePending: boolean): Promise<void> {
    const node = await nodeAddress(host);
    const { ref } = this.#parts;
    const request = { kind: "CLOSE_NODE", ...ref, node, terminatePending } as const;
    await this.#order(request, `close ${host}`);
  }

  async setCpus(host: string, cpus: number): Promise<void> {
    const node = await nodeAddress(host);
    const { ref } = this.#parts;
    await this.#order({ kind: "SET_NODE_CPUS", ...ref, node, cpus }, `set the CPUs of ${host}`);
  }

  async jobsAt(host: string, fromNode: boolean): Promise<ClusterJob<Result>[]> {
    const { link, ref, jobs } = this.#parts;
    const node = await nodeAddress(host);
    const request = { kind: "NODE_JOBS", ...ref, node, fromNode } as const;
    const uids = await link.askFor(
      request,
      (message) => decodeUidsAnswer(message, "answer to NODE_JOBS"),
    );
    return uids.map((uid) => jobs.byUid(uid)).filter((job) => job !== undefined);
  }

  async sendFile(path: string | URL, host: string, direct: boolean): Promise<void> {
    const { link, ref, nodes } = this.#parts;
    const node = await nodeAddress(host);
    const file = await describeFile(path, ref.computeId);
    if (!direct) {
      await link.request({ kind: "SENDFILE", node, file }, (stream) => sendContent(stream, file));
      return;
    }
    const door = nodes.door(node);
    if (door === undefined) {
      throw new FileTransferError(`${file.name}: node ${host} does not serve this cluster`);
    }
    const stream = await link.network.connect(node, door.port);
    try {
      await stream.writeRequest(door.auth, ...encodeToNode({ kind: "FILEXFER", file }));
      await sendContent(stream, file);
    } finally {
      stream.close();
    }
  }

  /** Sends a request that is answered with a number, of which 0 is good. */
  async #order(request: ClientRequest, what: string): Promise<void> {
    const status = await this.#parts.link.askFor(request, (message) => {
      const value = decodeAnswer(message, `answer to ${request.kind}`);
      // dispy's own scheduler has closed the node where it answers `None`.
      return value === null ? 0 : Number(value);
    });
    if (status === 0) return;
    throw new NodeRequestError(
      `the scheduler did not ${what}: is the node there, and does the cluster use it?`,
    );
  }
}
