/**
 * The scheduler as a server: the core with sockets and timers around it.
 *
 * @module
 */

import {
  Core,
  onNodeLimited,
  onResultsExpired,
  onShutdown,
  onShutdownOver,
  onTick,
} from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import type { FileStore } from "../store/file_store.ts";
import { authCode, Deadlines, newSign, SIGN_RANDOM_BYTES } from "../wire/mod.ts";
import type { OwnAddresses } from "../net/addresses.ts";
import { Admission } from "../net/admission.ts";
import { ClientLinks } from "./client_links.ts";
import { ClientSide } from "./client_side.ts";
import { ComputationIntake } from "./computation_intake.ts";
import { Computations } from "./computation.ts";
import { type Context } from "./context.ts";
import { ControlSide } from "./control_side.ts";
import { ClientReleases } from "./dialects.ts";
import { messageOf } from "../log/error_message.ts";
import { Discovery } from "./discovery.ts";
import { EffectRunner } from "./effects.ts";
import { Engine } from "./engine.ts";
import { exposures } from "./exposure.ts";
import { FileIntake } from "./file_intake.ts";
import { Journal } from "../journal/journal.ts";
import { Listeners } from "./listeners.ts";
import { LostNodes } from "./lost_nodes.ts";
import { planMemory } from "./memory_plan.ts";
import { NamedNodes } from "./named_nodes.ts";
import { NodeCheckUp } from "./node_check_up.ts";
import { NodeControl } from "./node_control.ts";
import { NodeLink } from "./node_link.ts";
import { NodeClaims } from "./node_claims.ts";
import { NodeProbe } from "./node_probe.ts";
import { NodeRoom } from "./node_room.ts";
import { NodeSide } from "./node_side.ts";
import type { ServerOptions } from "./options.ts";
import { filesOf, journalOf, type State, takeUp } from "./persistence.ts";
import { Quotas } from "./quotas.ts";
import { ResultIntake } from "./result_intake.ts";
import { ResultRecall } from "./result_recall.ts";
import { StateTending } from "./state_tending.ts";
import { snapshot } from "./status.ts";
import { StuckClusters } from "./stuck_clusters.ts";
import { Transport } from "../net/transport.ts";
import { UdpSockets } from "../net/udp_sockets.ts";

const log = getLogger("server");

const TICK_MS = 500;

const DAY_MS = 24 * 60 * 60_000;

/** Files that no job has come for are looked for this often. */
const SWEEP_MS = 60_000;

/** How long nodes of `-n` have to answer the first greeting; then it is looked for them this often. */
const NAMED_MS = 5_000;

/** Clusters whose jobs wait for nothing that is under way are looked for this often. */
const STUCK_MS = 4_000;

/** So often some of the room is given back that the journal does not need any more. */
const TEND_MS = 5_000;

/** At a shutdown, how long clients and nodes are given beyond one time limit of theirs. */
const SHUTDOWN_GRACE_MS = 2_000;

/** See the module's description. */
export class Server {
  readonly #core: Core;
  readonly #startedMs = Date.now();
  readonly #context: Context;
  readonly #discovery: Discovery;
  readonly #lostNodes: LostNodes;
  readonly #nodeLink: NodeLink;
  readonly #nodeRoom: NodeRoom;
  readonly #effects: EffectRunner;
  readonly #journal: Journal | null;
  readonly #listeners: Listeners;
  readonly #udp: UdpSockets;
  readonly #deadlines = new Deadlines();
  readonly #timers: ReturnType<typeof setInterval>[] = [];

  /**
   * @param store Keeps the files of clients.
   * @param addresses Our own.
   * @param state Keeps what is to survive this process; its store is `store`. `null` = nothing does.
   */
  constructor(
    private readonly options: ServerOptions,
    store: FileStore,
    addresses: OwnAddresses,
    private readonly state: State | null = null,
  ) {
    const zombieMs = options.zombieIntervalMs;
    const pulseMs = options.pulseIntervalMs;
    const core = this.#core = new Core({
      policy: options.policy,
      // Clients and nodes must show signs of life often enough not to be taken for zombies.
      pulseIntervalMs: zombieMs === null ? pulseMs : Math.min(pulseMs ?? Infinity, zombieMs / 5),
      zombieIntervalMs: zombieMs,
      cooperative: options.cooperative,
      // Above every id of earlier runs: those gave out less than a thousand ids a millisecond.
      firstId: Math.max(this.#startedMs * 1000, state?.legacy?.reservedIds ?? 0),
      isJournaled: state !== null,
    });
    const computations = new Computations();
    const coreJournal = state === null ? null : journalOf(core, computations);
    const journal = state === null || coreJournal === null
      ? null
      : new Journal(state.database, () => coreJournal.collect());
    this.#journal = journal;
    const engine = new Engine(core, journal);
    const sign = state?.legacy?.sign ??
      newSign(crypto.getRandomValues(new Uint8Array(SIGN_RANDOM_BYTES)));
    coreJournal?.put("meta", "sign", sign);
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
      computations,
      quotas: new Quotas(),
      store,
      ...planMemory(options, store, state?.database ?? null),
      journal: coreJournal,
      sign,
      nodeAuth: authCode(options.nodeSecret, sign),
      clusterAuth: authCode(options.clusterSecret, sign),
      addresses,
    };
    const udp = this.#udp = new UdpSockets(addresses, options.ipv4Multicast);
    const discovery = this.#discovery = new Discovery(context, udp);
    const resultIntake = new ResultIntake(context);
    const nodeLink = this.#nodeLink = new NodeLink(context, resultIntake);
    const clientLinks = new ClientLinks(context);
    this.#lostNodes = new LostNodes(context, nodeLink, discovery);
    const nodeProbe = new NodeProbe(context, nodeLink, resultIntake);
    this.#effects = new EffectRunner(context, {
      nodeLink,
      nodeProbe,
      nodeCheckUp: new NodeCheckUp(context, nodeLink),
      clientLinks,
      discovery,
      lostNodes: this.#lostNodes,
      resultIntake,
    });
    engine.onEffect((effect) => this.#effects.run(effect));
    const releases = new ClientReleases();
    const computationIntake = new ComputationIntake(context, releases);
    const clientSide = new ClientSide(context, {
      discovery,
      nodeLink,
      computationIntake,
      fileIntake: new FileIntake(context),
      nodeControl: new NodeControl(context, nodeLink),
      resultRecall: new ResultRecall(context, clientLinks),
      releases,
      controlSide: new ControlSide(context, this.#startedMs),
    });
    const nodeSide = new NodeSide(
      context,
      discovery,
      clientLinks,
      new NodeClaims(context, discovery, nodeProbe),
      this.#lostNodes,
      resultIntake,
      this.#nodeRoom = new NodeRoom(core, context.nodeBudget),
    );
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
   * Takes up what an earlier run has left, opens the sockets and looks for nodes.
   *
   * @throws {ListenError} where no port can be had
   */
  async start(): Promise<void> {
    // Before anybody can ask: what peers say would be of unknown jobs.
    await this.#takeUp();
    const { families } = this.options;
    const { listenAt } = this.#context.addresses;
    this.#listeners.open({ families, listenAt });
    for (const exposure of exposures(this.options, listenAt)) log.warning(exposure);
    await this.#udp.joinGroups();
    this.#every(TICK_MS, () => {
      this.#context.engine.post((core, nowMs) => onTick(core, nowMs));
      // Also what nobody waits for is written.
      void this.#journal?.committed();
    });
    const namedNodes = new NamedNodes(this.#context, this.#discovery);
    this.#every(NAMED_MS, () => namedNodes.look());
    const stuckClusters = new StuckClusters(this.#context);
    this.#every(STUCK_MS, () => stuckClusters.look());
    const { computations, store } = this.#context;
    const tended = { core: this.#core, computations, store, journal: this.#journal };
    const tending = new StateTending(tended);
    this.#every(TEND_MS, () => tending.tend());
    this.#every(SWEEP_MS, async () => {
      for (const { files } of this.#context.computations) await files.sweep(Date.now());
      this.#dropOldResults();
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

  async #takeUp(): Promise<void> {
    if (this.state === null) return;
    const { database, store, legacy } = this.state;
    if (legacy === null) return;
    // It may be long, and is of no use once it was taken up.
    this.state.legacy = null;
    const { journal, computations, quotas, engine, payloads } = this.#context;
    const { clusters, nodes, jobs, deliveries } = legacy.snapshot;
    const files = await store.removeAllBut(filesOf(legacy));
    this.#lostNodes.restore(database.rows("lost_node"), this.#startedMs);
    this.#discovery.knowHosts(...legacy.knownHosts);
    for (const [ipAddr, cpus] of Object.entries(legacy.cpuLimits)) {
      engine.post((core) => onNodeLimited(core, ipAddr, cpus));
    }
    const heir = { journal: journal!, computations, quotas, payloads, store };
    engine.post((core, nowMs) => takeUp(core, legacy, files, heir, nowMs));
    this.#nodeRoom.adopt();
    this.#warnOfExcess();
    if (clusters.length === 0 && nodes.length === 0) return;
    log.info("going on where the last run has ended", {
      computations: clusters.length,
      nodes: nodes.length,
      jobs: jobs.length,
      undelivered: deliveries.length,
    });
  }

  /** Says so where an earlier run, with larger budgets, has left more than may be kept now. */
  #warnOfExcess(): void {
    const { payloads, nodeBudget } = this.#context;
    for (const { excess } of [payloads.budget, nodeBudget]) {
      if (excess === null) continue;
      log.warning(
        "the last run has left more than may be kept; nothing new is taken until it is less",
        {
          reason: excess,
          hint: "it is kept and gone on with; raise --memory_budget, --disk_budget or --max_jobs",
        },
      );
    }
  }

  /** Drops results that their clients have not fetched for long. */
  #dropOldResults(): void {
    const { resultKeepMs } = this.options;
    if (resultKeepMs === null) return;
    const expired = this.#context.engine.post((core, nowMs) =>
      onResultsExpired(core, nowMs - resultKeepMs)
    );
    for (const [{ name }, results] of expired) {
      log.warning("results that nobody has come for are dropped", {
        computation: name,
        results,
        kept_days: resultKeepMs / DAY_MS,
      });
    }
  }

  /**
   * Ends at once and leaves everything as it is for the next run: clients and nodes are not told,
   * and go on.
   */
  async suspend(): Promise<void> {
    log.info("leaving everything for the next start");
    for (const timer of this.#timers) clearInterval(timer);
    this.#lostNodes.close();
    this.#listeners.close();
    // What fails from here on must not count.
    this.#deadlines.stop();
    await this.#close({ keep: true });
  }

  async #close({ keep }: { keep: boolean }): Promise<void> {
    await this.#journal?.close();
    await this.#context.store.close({ keep });
    log.info("shut down");
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
    // Results that their clients have not fetched are there for the next run.
    await this.#close({ keep: this.#journal !== null && this.#core.clusters.size > 0 });
    // A program that was its own scheduler goes on, or ends: peers that are silent must not matter.
    this.#nodeLink.giveUp();
    this.#deadlines.expire();
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
