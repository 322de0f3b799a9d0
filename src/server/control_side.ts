/**
 * Requests of our own commands (`status`, `cancel`, `nodes`) at the client port.
 *
 * @module
 */

import {
  type Cluster,
  type Core,
  describeWait,
  type Job,
  type Node,
  nodeState,
  onClusterCancelled,
  onJobEnded,
  onNodeLimited,
  waitsOf,
} from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import {
  type ControlAnswer,
  type ControlCluster,
  type ControlJob,
  type ControlNode,
  type ControlRequest,
  type ControlRequestName,
  type ControlWait,
  decodeControlRequest,
  encodeControlAnswer,
  encodeControlRefusal,
} from "../wire/control.ts";
import { type MessageStream, WireError } from "../wire/mod.ts";
import type { Context } from "./context.ts";
import { totalsOf } from "./status.ts";

const log = getLogger("control");

/** Requests that change nothing. */
const QUESTIONS: ReadonlySet<ControlRequestName> = new Set(["status", "jobs", "waits"]);

/** A request cannot be carried out; the message goes to whoever asked. */
class Refusal extends Error {
  override readonly name = "Refusal";
}

/** What carries out each request. */
type Handlers = {
  [Name in ControlRequestName]: (
    request: ControlRequest<Name>,
    nowMs: number,
  ) => ControlAnswer<Name>;
};

/** See the module's description. */
export class ControlSide {
  readonly #handlers: Handlers = {
    status: (_, nowMs) => this.#status(nowMs),
    jobs: (request, nowMs) => this.#jobs(request, nowMs),
    waits: ({ cluster }) => ({ waits: this.#waits(this.#findCluster(cluster)) }),
    cancelCluster: (request, nowMs) => this.#cancelCluster(request, nowMs),
    cancelJob: (request, nowMs) => this.#cancelJob(request, nowMs),
    limitNode: (request, nowMs) => this.#limitNode(request, nowMs),
  };

  /** @param startedMs When the scheduler was started. */
  constructor(private readonly context: Context, private readonly startedMs: number) {}

  /** Answers a request of somebody who has proved the cluster secret. */
  async serve(stream: MessageStream, message: Uint8Array): Promise<void> {
    const answer = this.#answer(message, stream.remoteAddr.hostname);
    await this.context.engine.committed();
    await stream.writeMessage(answer);
  }

  #answer(message: Uint8Array, from: string): Uint8Array {
    try {
      const request = decodeControlRequest(message);
      if (!QUESTIONS.has(request.request)) {
        log.info("asked by a command", { ...request, from });
      }
      return this.#carryOut(request);
    } catch (error) {
      const isTold = error instanceof Refusal || error instanceof WireError;
      if (!isTold) throw error;
      return encodeControlRefusal(error.message);
    }
  }

  #carryOut<Name extends ControlRequestName>(request: ControlRequest<Name>): Uint8Array {
    const name: Name = request.request;
    const handler: Handlers[Name] = this.#handlers[name];
    return encodeControlAnswer(name, handler(request, Date.now()));
  }

  #status(nowMs: number): ControlAnswer<"status"> {
    const { core } = this.context.engine;
    const clusters = [...core.clusters.values()].map((cluster) => this.#cluster(cluster, nowMs));
    return {
      uptimeMs: nowMs - this.startedMs,
      nodes: [...core.nodes.values()].map((node) => nodeStatus(core, node, nowMs)),
      clusters,
      totals: totalsOf(core, clusters),
    };
  }

  #jobs({ cluster: named, limit }: ControlRequest<"jobs">, nowMs: number): ControlAnswer<"jobs"> {
    const cluster = this.#findCluster(named);
    const jobs: ControlJob[] = [];
    for (const job of cluster.jobs.values()) {
      if (jobs.length >= limit) break;
      jobs.push(jobStatus(job, nowMs));
    }
    return { cluster: this.#cluster(cluster, nowMs), jobs };
  }

  #cancelCluster(
    { cluster: named, terminateRunning }: ControlRequest<"cancelCluster">,
    nowMs: number,
  ): ControlAnswer<"cancelCluster"> {
    const cluster = this.#findCluster(named);
    const before = this.#cluster(cluster, nowMs);
    this.context.engine.post((core) => onClusterCancelled(core, cluster, terminateRunning, nowMs));
    return {
      cluster: this.#cluster(cluster, nowMs),
      cancelledWaiting: before.jobsPending,
      cancelledRunning: terminateRunning ? before.jobsRunning : 0,
    };
  }

  #cancelJob(
    { cluster: named, uid }: ControlRequest<"cancelJob">,
    nowMs: number,
  ): ControlAnswer<"cancelJob"> {
    const cluster = this.#findCluster(named);
    const job = cluster.jobs.get(uid);
    if (job === undefined) {
      throw new Refusal(`cluster ${cluster.id} has no job ${uid} that waits or runs`);
    }
    const before = jobStatus(job, nowMs);
    this.context.engine.post((core) => onJobEnded(core, cluster, uid, nowMs));
    return { cluster: this.#cluster(cluster, nowMs), job: before };
  }

  #limitNode(
    { node: named, cpus }: ControlRequest<"limitNode">,
    nowMs: number,
  ): ControlAnswer<"limitNode"> {
    if (cpus !== null && (!Number.isSafeInteger(cpus) || cpus < 0)) {
      throw new Refusal("a node's CPUs must be a whole number from 0 on");
    }
    const node = this.#findNode(named);
    const { engine, journal } = this.context;
    engine.post((core) => onNodeLimited(core, node.ipAddr, cpus));
    journal?.put("meta", "cpu_limits", Object.fromEntries(engine.core.cpuLimits));
    return { node: nodeStatus(engine.core, node, nowMs) };
  }

  /** The cluster with this id, or the only one with this name (of a program: without folders). */
  #findCluster(named: string): Cluster {
    const { computations, engine: { core } } = this.context;
    const byId = core.clusters.get(Number(named));
    if (byId !== undefined) return byId;
    const found = [...core.clusters.values()].filter((cluster) => {
      const { name } = computations.of(cluster).compute;
      return name === named || name.slice(name.search(/[^/\\]*$/)) === named;
    });
    const [only, ...others] = found;
    if (only === undefined) {
      throw new Refusal(`there is no cluster ${JSON.stringify(named)}; see dispyscheduler status`);
    }
    if (others.length > 0) {
      const ids = found.map(({ id }) => id).join(", ");
      throw new Refusal(
        `several clusters are called ${JSON.stringify(named)}; give one of: ${ids}`,
      );
    }
    return only;
  }

  #findNode(named: string): Node {
    const { nodes } = this.context.engine.core;
    const byAddress = nodes.get(named);
    if (byAddress !== undefined) return byAddress;
    const [only, ...others] = [...nodes.values()].filter(({ name }) => name === named);
    if (only === undefined) {
      throw new Refusal(`there is no node ${JSON.stringify(named)}; see dispyscheduler nodes`);
    }
    if (others.length > 0) {
      const addresses = [only, ...others].map(({ ipAddr }) => ipAddr).join(", ");
      throw new Refusal(
        `several nodes are called ${JSON.stringify(named)}; give one of: ${addresses}`,
      );
    }
    return only;
  }

  #waits(cluster: Cluster): ControlWait[] {
    return waitsOf(this.context.engine.core, cluster).map((wait) => ({
      kind: wait.kind,
      nodes: wait.nodes,
      nodeCount: wait.count,
      reason: wait.reason,
      text: describeWait(wait),
    }));
  }

  #cluster(cluster: Cluster, nowMs: number): ControlCluster {
    const { compute, client } = this.context.computations.of(cluster);
    let jobsRunning = 0;
    for (const share of cluster.shares.values()) jobsRunning += share.busy;
    return {
      id: cluster.id,
      name: compute.name,
      clientAddress: client.hostname,
      state: cluster.state,
      ageMs: nowMs - cluster.createdMs,
      jobsPending: cluster.jobs.size - jobsRunning,
      jobsRunning,
      jobsDone: cluster.jobsDone,
      cpuTimeMs: cluster.cpuTimeS * 1000,
      resultsUndelivered: cluster.deliveries.size,
      waits: jobsRunning === 0 ? this.#waits(cluster) : [],
    };
  }
}

function nodeStatus(core: Core, node: Node, nowMs: number): ControlNode {
  return {
    address: node.ipAddr,
    name: node.name,
    state: nodeState(core, node, nowMs),
    platform: node.info.platform,
    dispyVersion: node.info.version,
    cpus: Math.min(node.cpus, node.cpuLimit),
    availCpus: node.availCpus,
    cpuLimit: Number.isFinite(node.cpuLimit) ? node.cpuLimit : null,
    busyCpus: node.busy,
    jobsDone: node.jobsDone,
    cpuTimeMs: node.cpuTimeS * 1000,
    silentMs: Math.max(0, nowMs - node.lastPulseMs),
    clusters: [...node.shares.keys()],
  };
}

function jobStatus(job: Job, nowMs: number): ControlJob {
  return {
    uid: job.uid,
    state: job.state,
    node: job.share?.node.ipAddr ?? null,
    ageMs: nowMs - job.submitTimeMs,
    runningMs: job.state === "running" ? nowMs - job.startTimeMs : null,
  };
}
