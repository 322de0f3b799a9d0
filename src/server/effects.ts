/**
 * Carries out what the core wants.
 *
 * @module
 */

import type { Cluster, Effect } from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import type { ClientLinks } from "./client_links.ts";
import { type Context } from "./context.ts";
import { messageOf } from "../log/error_message.ts";
import type { Discovery } from "./discovery.ts";
import type { JobPayload } from "./job_payload.ts";
import { KeptPayload } from "./kept_payload.ts";
import type { LostNodes } from "./lost_nodes.ts";
import type { NodeCheckUp } from "./node_check_up.ts";
import type { NodeLink } from "./node_link.ts";
import type { NodeProbe } from "./node_probe.ts";
import type { ResultIntake } from "./result_intake.ts";

const log = getLogger();

/** What goes wrong with one job may go wrong with each. */
const errors = new RepeatLimiter(log, { intervalMs: 60_000, maxPerInterval: 20 });

/** Many nodes may be of no use to a cluster for the same reason. */
const passedOver = new RepeatLimiter(log, { intervalMs: 10 * 60_000, maxPerInterval: 100 });

/** The parts of the server that carry out effects. */
export interface EffectParts {
  readonly nodeLink: NodeLink;
  readonly nodeProbe: NodeProbe;
  readonly nodeCheckUp: NodeCheckUp;
  readonly clientLinks: ClientLinks;
  readonly discovery: Discovery;
  readonly lostNodes: LostNodes;
  readonly resultIntake: ResultIntake;
}

/** See the module's description. */
export class EffectRunner {
  /** What is under way, for a shutdown to wait for. */
  readonly #pending = new Set<Promise<void>>();

  constructor(private readonly context: Context, private readonly parts: EffectParts) {}

  /** A cluster that has other nodes does without the node; one that has none waits for others. */
  #passOver({ cluster, node, reason }: Extract<Effect, { kind: "passOverNode" }>): void {
    const fields = { node: node.ipAddr, computation: cluster.name, reason };
    const message = "node not used by a computation";
    if (cluster.shares.size > 0) log.debug(message, fields);
    else passedOver.warning(`${cluster.id} ${reason}`, message, fields);
  }

  /** Starts to carry out `effect`; what comes of it is told to the core. Never throws. */
  run(effect: Effect): void {
    try {
      this.#run(effect);
    } catch (error) {
      this.#report(error);
    }
  }

  #run(effect: Effect): void {
    const { nodeLink, nodeProbe, nodeCheckUp, clientLinks, discovery, lostNodes, resultIntake } =
      this.parts;
    switch (effect.kind) {
      case "setUpShare":
        return this.#start(nodeLink.setUp(effect.share));
      case "runJob":
        return this.#start(nodeLink.run(effect.job, effect.share));
      case "terminateJob":
        return this.#start(nodeLink.terminate(effect.job, effect.node));
      case "closeShare":
        return this.#start(nodeLink.close(effect.share, effect.terminatePending));
      case "probeNode":
        return this.#start(nodeProbe.probe(effect.node));
      case "checkUpNode":
        return this.#start(nodeCheckUp.run(effect.node));
      case "inventoryNode":
        return this.#start(nodeProbe.takeInventory(effect.node));
      case "greetNode":
        return this.#start(this.#greet(effect.ipAddr, effect.port));
      case "announceCluster":
        return this.#start(clientLinks.of(effect.cluster).announce());
      case "tellJobRunning": {
        const { job, node } = effect;
        // A job that runs and will not run again elsewhere needs its arguments no longer.
        if (!job.cluster.options.reentrant) this.#start((job.payload as JobPayload).kept.drop());
        return clientLinks.of(job.cluster).tellJobRunning(job, node);
      }
      case "deliver": {
        const { delivery } = effect;
        if (delivery.payload instanceof KeptPayload) this.#adopt(delivery.payload, delivery.id);
        return this.#start(clientLinks.of(delivery.cluster).deliver(delivery));
      }
      case "forgetResult": {
        const { payload } = effect.delivery;
        return payload instanceof KeptPayload ? this.#start(payload.drop()) : undefined;
      }
      case "tellNodeStatus": {
        const { share, status } = effect;
        return clientLinks.of(share.cluster).tellNodeStatus(share, status);
      }
      case "passOverNode":
        return this.#passOver(effect);
      case "discoverNodes":
        return this.#start(discovery.greetFor(effect.cluster));
      case "forgetJob": {
        const { files, client, sizeBytes, kept } = effect.job.payload as JobPayload;
        this.context.quotas.remove(client, sizeBytes);
        resultIntake.forget(effect.job.uid);
        this.#start(kept.drop());
        if (files.length === 0) return;
        // The computation may be gone, with all its files, before a client acknowledged a uid.
        const computation = this.context.computations.get(effect.job.cluster.id);
        return computation && this.#start(computation.files.release(files, Date.now()));
      }
      case "forgetClusterFiles":
        return this.#start(this.context.computations.of(effect.cluster).files.clear());
      case "forgetCluster":
        log.debug("computation is over", { computation: effect.cluster.name });
        clientLinks.delete(effect.cluster);
        return this.#forgetComputation(effect.cluster);
      case "forgetNode":
        log.warning("node lost", { node: effect.node.ipAddr, reason: effect.reason });
        return lostNodes.add(effect.node, effect.shares);
    }
  }

  #forgetComputation(cluster: Cluster): void {
    const { computations } = this.context;
    const { kept, holding } = computations.of(cluster);
    computations.delete(cluster);
    holding.release();
    this.#start(kept.drop());
  }

  /** A result is to be delivered: what it follows from was committed, where that worked. */
  #adopt(payload: KeptPayload<unknown>, id: number): void {
    const { engine, payloads } = this.context;
    payload.isAdopted = true;
    if (payload.key === null && engine.problem === null) payloads.committed(payload, id);
  }

  /** Waits until nothing is under way, or `timeoutMs` have passed; tells whether all is done. */
  async settle(timeoutMs: number): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), timeoutMs);
    });
    try {
      const { engine } = this.context;
      while (this.#pending.size > 0 || engine.isWaiting) {
        const all = Promise.all([...this.#pending, engine.committed()]).then(() => true as const);
        if (!await Promise.race([all, late])) return false;
      }
      return true;
    } finally {
      clearTimeout(timer);
    }
  }

  async #greet(ipAddr: string, port: number): Promise<void> {
    try {
      await this.parts.discovery.greetHost(ipAddr, port);
    } catch (error) {
      log.debug("node of an earlier run is away", { node: ipAddr, reason: messageOf(error) });
    }
  }

  #start(task: Promise<void>): void {
    const guarded = task.catch((error) => this.#report(error))
      .finally(() => this.#pending.delete(guarded));
    this.#pending.add(guarded);
  }

  #report(error: unknown): void {
    const reason = messageOf(error);
    errors.error(reason, "internal error while carrying out an effect", {
      reason,
      stack: error instanceof Error ? error.stack : undefined,
    });
  }
}
