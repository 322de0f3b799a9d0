/**
 * A node: runs jobs for one scheduler at a time.
 *
 * @module
 */

import { join } from "node:path";
import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import { acceptFrom, openTcp } from "../net/accept.ts";
import { isLoopback, type OwnAddresses } from "../net/addresses.ts";
import { Admission } from "../net/admission.ts";
import type { PortFamily } from "../net/port_family.ts";
import { Transport } from "../net/transport.ts";
import { UdpSockets } from "../net/udp_sockets.ts";
import { authCode, Deadlines, newSign, SIGN_RANDOM_BYTES, WireError } from "../wire/mod.ts";
import { encodeNodeRequest } from "../wire/from_node.ts";
import { Availability } from "./avail_info.ts";
import { removeLeftovers } from "./computation_folder.ts";
import { Computations } from "./computations.ts";
import { type Containment, NO_CONTAINMENT, sweepRegularly } from "./containment/containment.ts";
import type { NodeContext } from "./context.ts";
import { Discovery } from "./discovery.ts";
import { exposure } from "./exposure.ts";
import { OWN_ACCESS } from "./folder_access.ts";
import type { JobUser } from "./job_user/job_user.ts";
import { UserAccess } from "./job_user/user_access.ts";
import {
  type HeldComputation,
  HeldComputations,
  type SchedulerAddress,
} from "./held_computations.ts";
import { JobLimits } from "./job_limits.ts";
import { Jobs } from "./jobs.ts";
import { KeptReplies } from "./kept_replies.ts";
import { newNodeMark } from "./marks.ts";
import { LostFolders } from "./lost_folders.ts";
import type { NodeOptions } from "./options.ts";
import { OwnAuthSessions } from "./own_auth_sessions.ts";
import { Pulses } from "./pulses.ts";
import { Replies } from "./replies.ts";
import { Requests } from "./requests.ts";
import type { JobLanguage } from "./runner.ts";
import { Service } from "./service.ts";
import type { ServiceState } from "./service_hours.ts";
import { SchedulerNews } from "./scheduler_news.ts";
import { Warden } from "./warden.ts";

const log = getLogger("node");

/** Kept results that are too old are looked for this often. */
const SWEEP_MS = 60 * 60_000;

/** The scheduler of `--scheduler_host` is looked for this often until it is there. */
const LOOK_MS = 4_000;

/** How long jobs may take to end when the node ends; more than any of them is given. */
const SHUTDOWN_LIMIT_MS = 25_000;

/** How often it is looked whether the node's folders are still there. */
const FOLDER_CHECK_MS = 5_000;

/** See the module's description. */
export class JobNode {
  readonly #context: NodeContext;
  readonly #deadlines = new Deadlines();
  readonly #admission: Admission;
  readonly #udp: UdpSockets;
  readonly #family: PortFamily;
  readonly #service: Service;
  readonly #kept: KeptReplies;
  readonly #replies: Replies;
  readonly #jobs: Jobs;
  readonly #computations: Computations;
  readonly #lostFolders: LostFolders;
  readonly #pulses: Pulses;
  readonly #discovery: Discovery;
  readonly #requests: Requests;
  readonly #warden: Warden;
  readonly #news: SchedulerNews;
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  readonly #over = Promise.withResolvers<void>();
  #stopSweeping: () => void = () => {};
  #tcp: Deno.TcpListener[] = [];
  #isOpen = false;

  private constructor(
    options: NodeOptions,
    addresses: OwnAddresses,
    languages: readonly JobLanguage[],
    kept: KeptReplies,
    containment: Containment,
    jobUser: JobUser | null,
  ) {
    const { msgTimeoutMs: timeoutMs, tls, secret } = options;
    const common = { deadlines: this.#deadlines, timeoutMs, peers: "scheduler" } as const;
    const sign = newSign(crypto.getRandomValues(new Uint8Array(SIGN_RANDOM_BYTES)));
    const held = new HeldComputations();
    const context: NodeContext = this.#context = {
      options,
      transport: new Transport({ ...common, tls }),
      addresses,
      sign,
      auth: authCode(secret, sign),
      ownAuth: new OwnAuthSessions(),
      languages,
      mark: newNodeMark(),
      containment,
      jobUser,
      access: jobUser === null ? OWN_ACCESS : new UserAccess(jobUser, options.folder),
      held,
    };
    this.#admission = new Admission({
      ...common,
      isKnown: (address) => held.scheduler?.host === address,
    });
    this.#udp = new UdpSockets(addresses, options.ipv4Multicast);
    const { port, schedulerPort } = options;
    // To our own sockets, the side that nodes and schedulers meet at is the node's.
    this.#family = { nodeSide: port, node: port, clientSide: schedulerPort };
    this.#service = new Service(
      options.serviceHours,
      options.serve,
      (state) => void this.#guard(() => this.#onServiceState(state)),
    );
    const availability = new Availability(options.folder);
    this.#kept = kept;
    const news = this.#news = new SchedulerNews();
    this.#replies = new Replies(context, kept, news);
    const service = this.#service;
    this.#jobs = new Jobs(context, this.#replies, new JobLimits(options), {
      isOpen: () => service.isOpen,
      onIdle: () => {
        if (this.#isOpen) void this.#guard(() => this.#discovery.onIdle());
      },
      onFolderGone: (computation) => this.#lostFolders.giveUp(computation),
    });
    this.#computations = new Computations(context, this.#jobs, {
      isOpen: () => service.takesComputations,
      onTaken: () => {
        news.onUse(held.scheduler);
        this.#pulses.reschedule();
      },
      onClosed: () => this.#onClosed(),
    });
    this.#lostFolders = new LostFolders(context, this.#computations, kept);
    this.#pulses = new Pulses(context, availability, {
      onSchedulerAlive: (scheduler) => {
        news.onReached(scheduler);
        this.#replies.resendSoon();
      },
      onSchedulerSilent: (scheduler, reason) => news.onUnreachable(scheduler, reason),
      onZombie: (computation) => void this.#guard(() => this.#drop(computation)),
    });
    this.#discovery = new Discovery(
      context,
      this.#udp,
      this.#family,
      availability,
      () => this.#isOpen && held.scheduler === null && service.takesComputations,
    );
    this.#requests = new Requests(context, {
      computations: this.#computations,
      jobs: this.#jobs,
      discovery: this.#discovery,
      replies: this.#replies,
      kept,
    });
    this.#warden = new Warden(context.mark, containment.killFile);
  }

  /**
   * Opens the node's sockets and looks for schedulers.
   *
   * @param addresses Our own.
   * @param languages What can be run here, in order of preference.
   * @param containment Holds what jobs start.
   * @param jobUser Whom jobs run as; `null` = as the node itself.
   * @throws {ListenError} where its port cannot be had, or its certificate is of no use
   */
  static async start(
    options: NodeOptions,
    addresses: OwnAddresses,
    languages: readonly JobLanguage[],
    containment: Containment = NO_CONTAINMENT,
    jobUser: JobUser | null = null,
  ): Promise<JobNode> {
    await removeLeftovers(options.folder);
    const kept = await KeptReplies.open(join(options.folder, "results"));
    const node = new JobNode(options, addresses, languages, kept, containment, jobUser);
    try {
      await node.#open();
    } catch (error) {
      await node.#warden.close();
      throw error;
    }
    return node;
  }

  /** Resolves when the node has served all computations that it was to serve. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Ends all jobs, tells the scheduler, and closes everything. Takes a few seconds at most. */
  async shutdown(): Promise<void> {
    const { held } = this.#context;
    const { scheduler } = held;
    log.info("shutting down", { jobs: held.busyCpus });
    this.#isOpen = false;
    for (const timer of this.#timers) clearInterval(timer);
    this.#service.close();
    this.#pulses.close();
    this.#replies.close();
    // A scheduler that asks, once it was told, must find nobody.
    for (const listener of this.#tcp) listener.close();
    this.#jobs.forsakeAll();
    await this.#disposeOfAll();
    if (scheduler !== null) await this.#discovery.farewell(scheduler);
    await this.#discovery.farewellToAll();
    this.#udp.close();
    this.#deadlines.stop();
    this.#stopSweeping();
    await this.#context.containment.sweep([]);
    await this.#context.containment.close();
    await this.#warden.close();
    log.info("shut down");
  }

  /** Closes all computations; what cannot be ended must not keep the node from its own end. */
  async #disposeOfAll(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      log.error("jobs do not end, and are left to the system", { limit_ms: SHUTDOWN_LIMIT_MS });
      late.resolve();
    }, SHUTDOWN_LIMIT_MS);
    const disposed = [...this.#context.held].map((each) => this.#computations.dispose(each));
    await Promise.race([Promise.all(disposed), late.promise]);
    clearTimeout(timer);
  }

  async #open(): Promise<void> {
    const { addresses: { listenAt, known }, options } = this.#context;
    const onlyLoopback = listenAt.length > 0 && listenAt.every(isLoopback);
    this.#tcp = openTcp(listenAt, options.port);
    try {
      this.#udp.open(this.#family, (datagram, from) => {
        // The sockets are open to all networks, as broadcasts need that.
        if (!onlyLoopback || isLoopback(from)) this.#onDatagram(datagram, from);
      });
    } catch (error) {
      for (const listener of this.#tcp) listener.close();
      throw error;
    }
    this.#isOpen = true;
    for (const listener of this.#tcp) {
      void acceptFrom(listener, {
        transport: this.#context.transport,
        admission: this.#admission,
        isOpen: () => this.#isOpen,
        serve: (stream, guest) => this.#requests.serve(stream, guest),
        onShortage: () => this.#admission.closeStrangers(),
      });
    }
    await this.#udp.joinGroups();
    log.info("listening", {
      node: options.name,
      addresses: known.map(({ address }) => address).join(" "),
      port: options.port,
      cpus: options.cpus,
      languages: this.#context.languages.map(({ name }) => name).join(", "),
      folder: options.folder,
    });
    const warning = exposure(options, listenAt);
    if (warning !== null) log.warning(warning);
    this.#service.start();
    this.#replies.start();
    this.#every(SWEEP_MS, () => this.#kept.sweep(Date.now()));
    this.#every(FOLDER_CHECK_MS, () => this.#lostFolders.check());
    const { containment, held } = this.#context;
    this.#stopSweeping = sweepRegularly(containment, () => [...held].map(({ mark }) => mark));
    const { pingIntervalMs } = options;
    if (pingIntervalMs !== null) this.#every(pingIntervalMs, () => this.#discovery.greet());
    this.#every(LOOK_MS, () => this.#discovery.lookForScheduler());
    void this.#guard(() => this.#discovery.greet());
  }

  #onDatagram(datagram: Uint8Array, from: string): void {
    if (!this.#admission.admitsDatagram(from)) return;
    try {
      this.#requests.serveDatagram(datagram, from);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#admission.complain(from, "datagram ignored", error.message);
    }
  }

  #onClosed(): void {
    this.#news.onUse(this.#context.held.scheduler);
    this.#pulses.reschedule();
    if (!this.#isOpen) return;
    this.#service.onServed();
    if (this.#context.held.size > 0) return;
    if (this.#service.isOver) this.#over.resolve();
    else void this.#guard(() => this.#discovery.greet());
  }

  async #onServiceState(state: ServiceState): Promise<void> {
    log.info("service hours", { state });
    const { options, held } = this.#context;
    if (state === "shut") {
      const { scheduler } = held;
      if (scheduler !== null) await this.#dropAllOf(scheduler);
      return;
    }
    await this.#tellCpus(state === "open" ? options.cpus : 0);
    await this.#discovery.greet();
  }

  /** Closes a computation that seems forgotten; its scheduler is told if it has no other here. */
  async #drop(computation: HeldComputation): Promise<void> {
    await this.#computations.dispose(computation);
    if (this.#context.held.size === 0) await this.#discovery.farewell(computation.scheduler);
  }

  /** Closes all computations of a scheduler, which is told of it. */
  async #dropAllOf(scheduler: SchedulerAddress): Promise<void> {
    const { held } = this.#context;
    this.#jobs.forsakeAll();
    await Promise.all([...held].map((computation) => this.#computations.dispose(computation)));
    await this.#discovery.farewell(scheduler);
  }

  /** Tells the scheduler, if there is one, how many CPUs it may use from now on. */
  async #tellCpus(cpus: number): Promise<void> {
    const { held: { scheduler }, transport, sign } = this.#context;
    if (scheduler === null) return;
    try {
      using stream = await transport.connect(scheduler.host, scheduler.port);
      const ipAddr = scheduler.nodeIpAddr;
      await stream.writeMessage(...encodeNodeRequest({ kind: "NODE_CPUS", ipAddr, sign, cpus }));
      await stream.waitForClose();
    } catch (error) {
      log.debug("scheduler not told of CPUs", { reason: messageOf(error) });
    }
  }

  #every(intervalMs: number, task: () => Promise<void>): void {
    this.#timers.push(setInterval(() => void this.#guard(task), intervalMs));
  }

  /** Runs something that nobody waits for. */
  async #guard(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      log.error("internal error in a node", {
        reason: messageOf(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
    }
  }
}
