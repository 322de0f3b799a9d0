/**
 * The scheduler as a server: the core with sockets and timers around it.
 *
 * @module
 */

import { Core, onShutdown, onShutdownOver, onTick } from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import type { FileStore } from "../store/file_store.ts";
import { authCode, Deadlines, newSign, SIGN_RANDOM_BYTES } from "../wire/mod.ts";
import type { OwnAddresses } from "./net/addresses.ts";
import { Admission } from "./net/admission.ts";
import { ClientLinks } from "./client_links.ts";
import { ClientSide } from "./client_side.ts";
import { ComputationIntake } from "./computation_intake.ts";
import { Computations } from "./computation.ts";
import { type Context } from "./context.ts";
import { messageOf } from "../log/error_message.ts";
import { Discovery } from "./discovery.ts";
import { EffectRunner } from "./effects.ts";
import { Engine } from "./engine.ts";
import { exposures } from "./exposure.ts";
import { FileIntake } from "./file_intake.ts";
import { KeptResults } from "./kept_results.ts";
import { Listeners } from "./listeners.ts";
import { LostNodes } from "./lost_nodes.ts";
import { NodeControl } from "./node_control.ts";
import { NodeLink } from "./node_link.ts";
import { NodeProbe } from "./node_probe.ts";
import { NodeSide } from "./node_side.ts";
import type { ServerOptions } from "./options.ts";
import { Quotas } from "./quotas.ts";
import { ResultRecall } from "./result_recall.ts";
import { snapshot } from "./status.ts";
import { Transport } from "./net/transport.ts";
import { UdpSockets } from "./net/udp_sockets.ts";

const log = getLogger("server");

const TICK_MS = 500;

/** Files that no job has come for are looked for this often. */
const SWEEP_MS = 60_000;

/** At a shutdown, how long clients and nodes are given beyond one time limit of theirs. */
const SHUTDOWN_GRACE_MS = 2_000;

/** See the module's description. */
export class Server {
  readonly #core: Core;
  readonly #startedMs = Date.now();
  readonly #context: Context;
  readonly #discovery: Discovery;
  readonly #lostNodes: LostNodes;
  readonly #effects: EffectRunner;
  readonly #listeners: Listeners;
  readonly #udp: UdpSockets;
  readonly #deadlines = new Deadlines();
  readonly #timers: ReturnType<typeof setInterval>[] = [];

  /**
   * @param store Keeps the files of clients.
   * @param addresses Our own.
   */
  constructor(
    private readonly options: ServerOptions,
    store: FileStore,
    addresses: OwnAddresses,
  ) {
    const zombieMs = options.zombieIntervalMs;
    const pulseMs = options.pulseIntervalMs;
    this.#core = new Core({
      policy: options.policy,
      // Clients and nodes must show signs of life often enough not to be taken for zombies.
      pulseIntervalMs: zombieMs === null ? pulseMs : Math.min(pulseMs ?? Infinity, zombieMs / 5),
      zombieIntervalMs: zombieMs,
      cooperative: options.cooperative,
      // Above every id of earlier runs: those gave out less than a thousand ids a millisecond.
      firstId: this.#startedMs * 1000,
    });
    const engine = new Engine(this.#core);
    const sign = newSign(crypto.getRandomValues(new Uint8Array(SIGN_RANDOM_BYTES)));
    const common = { deadlines: this.#deadlines, timeoutMs: options.msgTimeoutMs };
    const nodeTransport = new Transport({ ...common, peers: "node", tls: options.nodeTls });
    const clientTransport = new Transport({
      ...common,
      peers: "client",
      tls: options.clusterTls,
    });
    const context: Context = this.#context = {
      options,
      engine,
      nodeTransport,
      clientTransport,
      computations: new Computations(),
      quotas: new Quotas(),
      store,
      sign,
      nodeAuth: authCode(options.nodeSecret, sign),
      clusterAuth: authCode(options.clusterSecret, sign),
      addresses,
    };
    const udp = this.#udp = new UdpSockets(addresses, options.ipv4Multicast);
    const discovery = this.#discovery = new Discovery(context, udp);
    const nodeLink = new NodeLink(context);
    const clientLinks = new ClientLinks(context);
    this.#lostNodes = new LostNodes(context, nodeLink, discovery);
    this.#effects = new EffectRunner(context, {
      nodeLink,
      nodeProbe: new NodeProbe(context, nodeLink),
      clientLinks,
      keptResults: new KeptResults(store),
      discovery,
      lostNodes: this.#lostNodes,
    });
    engine.onEffect((effect) => this.#effects.run(effect));
    const computationIntake = new ComputationIntake(context);
    const clientSide = new ClientSide(context, {
      discovery,
      nodeLink,
      computationIntake,
      fileIntake: new FileIntake(context),
      nodeControl: new NodeControl(context, nodeLink),
      resultRecall: new ResultRecall(context, clientLinks),
    });
    const nodeSide = new NodeSide(context, discovery, clientLinks, nodeLink, this.#lostNodes);
    const nodeAdmission = new Admission({
      ...common,
      peers: "node",
      isKnown: (address) => nodeSide.knows(address),
    });
    const clientAdmission = new Admission({ ...common, peers: "client", isKnown: () => false });
    this.#listeners = new Listeners(
      { transport: nodeTransport, admission: nodeAdmission, side: nodeSide },
      { transport: clientTransport, admission: clientAdmission, side: clientSide },
      udp,
    );
  }

  /**
   * Opens the sockets and looks for nodes.
   *
   * @throws {ListenError} where no port can be had
   */
  async start(): Promise<void> {
    const { families } = this.options;
    const { listenAt } = this.#context.addresses;
    this.#listeners.open({ families, listenAt });
    for (const exposure of exposures(this.options, listenAt)) log.warning(exposure);
    await this.#udp.joinGroups();
    this.#every(TICK_MS, () => {
      this.#context.engine.post((core, nowMs) => onTick(core, nowMs));
    });
    this.#every(SWEEP_MS, async () => {
      for (const { files } of this.#context.computations) await files.sweep(Date.now());
    });
    const { pingIntervalMs } = this.options;
    if (pingIntervalMs !== null) {
      this.#every(pingIntervalMs, async () => {
        await this.#discovery.greetAll();
        for (const { cluster } of this.#context.computations) {
          if (cluster.accepts) await this.#discovery.greetFor(cluster);
        }
      });
    }
    this.#guard(() => this.#discovery.greetAll());
  }

  /**
   * Ends in order: takes nothing new, tells clients which jobs will not run, has nodes close.
   * Takes a few seconds where peers do not answer.
   */
  async shutdown(): Promise<void> {
    log.info("shutting down");
    this.#lostNodes.close();
    this.#context.engine.post((core, nowMs) => onShutdown(core, nowMs));
    const graceMs = this.options.msgTimeoutMs + SHUTDOWN_GRACE_MS;
    // Nodes end running jobs first and send their results, so the ports stay open until then.
    // Time goes on for them: they are reminded of jobs that they have not ended.
    const nodesAnswered = await this.#effects.settle(graceMs);
    for (const timer of this.#timers) clearInterval(timer);
    this.#context.engine.post((core, nowMs) => onShutdownOver(core, nowMs));
    const clientsAnswered = await this.#effects.settle(this.options.msgTimeoutMs);
    if (!nodesAnswered || !clientsAnswered) {
      log.warning("some clients or nodes did not answer in time", { waited_ms: graceMs });
    }
    this.#listeners.close();
    this.#deadlines.stop();
    await this.#context.store.close();
    log.info("shut down");
  }

  /** What is going on at this moment. */
  status(): ReturnType<typeof snapshot> {
    return snapshot(this.#core, this.#context.computations, Date.now() - this.#startedMs);
  }

  #every(intervalMs: number, task: () => void | Promise<void>): void {
    this.#timers.push(setInterval(() => this.#guard(task), intervalMs));
  }

  /** Runs something that nobody waits for. */
  async #guard(task: () => void | Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      log.error("internal error in a timer", {
        reason: messageOf(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
    }
  }
}
