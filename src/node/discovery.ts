/**
 * Finds schedulers and is found by them: greets at the start and whenever nobody uses the node,
 * and answers their greetings.
 *
 * @module
 */

import { isIP } from "node:net";
import { concat } from "@std/bytes/concat.js";
import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import { externalOf } from "../net/addresses.ts";
import type { PortFamily } from "../net/port_family.ts";
import type { UdpSockets } from "../net/udp_sockets.ts";
import { Versions } from "../net/versions.ts";
import { MAX_STRANGER_WARNINGS } from "../net/admission.ts";
import { HIGHEST_PROTOCOL } from "../pickle/mod.ts";
import {
  authCode,
  canonicalAddress,
  encodeDiscovery,
  FILLER_AUTH,
  type MessageStream,
  type NodePing,
  NONCE_BYTES,
  OWN_AUTH_VERSION,
  type OwnProof,
  ownProof,
  ownRequestAuth,
  type Pong,
  type RelayPing,
  type SchedulerPing,
  type Terminated,
} from "../wire/mod.ts";
import type { Availability } from "./avail_info.ts";
import { type NodeContext, SECRET_WARNING_INTERVAL_MS } from "./context.ts";
import type { SchedulerAddress } from "./held_computations.ts";
import { announcedAddress } from "./own_address.ts";
import { platformText } from "./platform.ts";

const log = getLogger("discovery");

/** Anybody can have us greet addresses: no more greetings than this are answered at a time. */
const MAX_ANSWERING = 32;

/** More addresses than this has no scheduler. */
const MAX_ADDRESSES = 16;

/** That the scheduler of --scheduler_host is not there is said again after so long. */
const WARNING_INTERVAL_MS = 60 * 60_000;

/** How long a scheduler may take to greet back. */
const ANSWER_MS = 3_000;

/** A scheduler that was there is looked for again after so long, while no one uses the node. */
const LOOK_AGAIN_MS = 60_000;

/** A greeting of a scheduler, or of a relay that passes it on. */
type Greeting = SchedulerPing | RelayPing;

/** See the module's description. */
export class Discovery {
  readonly #versions = new Versions();
  /** Schedulers that are being answered, by sign and address. */
  readonly #answering = new Set<string>();
  readonly #refusals = new RepeatLimiter(log, {
    intervalMs: SECRET_WARNING_INTERVAL_MS,
    maxPerInterval: MAX_STRANGER_WARNINGS,
  });
  /** Whether the scheduler that has the node has greeted while jobs ran. */
  #hasMissedPresent = false;
  readonly #warnings = new RepeatLimiter(log, { intervalMs: WARNING_INTERVAL_MS });
  /** A scheduler has greeted, ever. */
  #wasGreeted = false;
  /** The scheduler of --scheduler_host was there when it was last looked for. */
  #isThere = false;
  #lookedMs = -Infinity;
  /** Since when it has been there, and has not greeted back; `null` = it is not there. */
  #unansweredMs: number | null = null;

  constructor(
    private readonly context: NodeContext,
    private readonly udp: UdpSockets,
    private readonly family: PortFamily,
    private readonly availability: Availability,
    /** Whether a scheduler may have the node now. */
    private readonly isFree: () => boolean,
  ) {}

  /** Greets all schedulers: by broadcast, and the one that the node was told of. */
  async greet(): Promise<void> {
    if (!this.isFree()) return;
    const { schedulerHost, schedulerPort } = this.context.options;
    await this.udp.announce(
      this.family,
      schedulerPort,
      (address) =>
        address === null ? [] : this.#greetings(externalOf(this.context.addresses.known, address)),
    );
    if (schedulerHost !== null) await this.#greetHost(schedulerHost, schedulerPort);
  }

  /**
   * Looks whether the scheduler that the node was told of is there, as long as no one uses the node,
   * and says so where it is not; greets it, as it may have been started after the node. To be called
   * every few seconds.
   */
  async lookForScheduler(): Promise<void> {
    const { schedulerHost: host, schedulerPort: port } = this.context.options;
    const sinceMs = performance.now() - this.#lookedMs;
    if (host === null || !this.isFree() || (this.#isThere && sinceMs < LOOK_AGAIN_MS)) return;
    this.#lookedMs = performance.now();
    const reason = await this.#greetHost(host, port);
    const wasThere = this.#isThere;
    this.#isThere = reason === null && this.#wasGreeted;
    if (reason !== null) this.#unansweredMs = null;
    else this.#unansweredMs ??= this.#lookedMs;
    const scheduler = { scheduler: host, port };
    if (reason !== null) {
      const hint = "is it running there, and is that its port for nodes (-p)?";
      const message = "the scheduler of --scheduler_host cannot be reached; trying again";
      this.#warnings.warning("reach", message, { ...scheduler, reason, hint });
    } else if (!this.#wasGreeted) {
      if (this.#lookedMs - this.#unansweredMs! < ANSWER_MS) return;
      const hint = "is the node's secret the scheduler's node secret, and TLS the same?";
      const message = "the scheduler of --scheduler_host does not greet back; trying again";
      this.#warnings.warning("greet", message, { ...scheduler, hint });
    } else if (!wasThere) {
      log.info("the scheduler of --scheduler_host is there", scheduler);
    }
  }

  /**
   * Answers a greeting, unless a scheduler has the node. The one that has it may have been started
   * again, and know nothing of that: it gets the node as soon as no job runs, as dispy's own
   * schedulers lose jobs for which no CPU is free.
   */
  async answer(greeting: Greeting, from: string): Promise<void> {
    // Our answer proves the secret for the sign in the greeting: with our own it would open this node.
    if (greeting.sign === this.context.sign) return;
    const { requireOwnAuth } = this.context.options;
    if (requireOwnAuth && (greeting.from === "relay" || greeting.ownAuth !== OWN_AUTH_VERSION)) {
      this.#refusals.warning(
        from,
        "greeting ignored: --require_own_auth is set, and the scheduler " +
          "is dispy's own, has no secret, or was greeted through a relay",
        { from },
      );
      return;
    }
    this.#wasGreeted = true;
    const { scheduler, busyCpus } = this.context.held;
    const isPresent = scheduler?.host === from && scheduler.port === greeting.port;
    if (greeting.from === "scheduler" && (isPresent || scheduler === null)) {
      this.context.held.onGreeting({ host: from, port: greeting.port, sign: greeting.sign });
    }
    if (isPresent ? busyCpus > 0 : !this.isFree()) {
      this.#hasMissedPresent ||= isPresent;
      log.debug("greeting ignored: the node is in use", { from });
      return;
    }
    this.#versions.addClaimed(greeting.version);
    const key = `${greeting.sign} ${from} ${greeting.port}`;
    if (this.#answering.has(key) || this.#answering.size >= MAX_ANSWERING) return;
    this.#answering.add(key);
    try {
      await this.#answerAt(addressesOf(greeting, from), greeting);
    } finally {
      this.#answering.delete(key);
    }
  }

  /** No job runs: the scheduler is greeted if it has greeted meanwhile. */
  async onIdle(): Promise<void> {
    const { scheduler } = this.context.held;
    if (!this.#hasMissedPresent) return;
    this.#hasMissedPresent = false;
    if (scheduler !== null) await this.#greetHost(scheduler.host, scheduler.port);
  }

  /** Tells a scheduler that the node leaves, or that it has dropped its computations. */
  async farewell({ host, port, nodeIpAddr }: SchedulerAddress): Promise<void> {
    try {
      using stream = await this.context.transport.connect(host, port);
      await stream.writeMessage(...encodeDiscovery(this.#terminated(nodeIpAddr)));
      await stream.waitForClose();
    } catch (error) {
      log.debug("scheduler not told that the node leaves", { reason: messageOf(error) });
    }
  }

  /** Tells everybody in reach of a broadcast that the node leaves. */
  async farewellToAll(): Promise<void> {
    const { schedulerPort } = this.context.options;
    await this.udp.announce(
      this.family,
      schedulerPort,
      (address) =>
        address === null ? [] : [
          concat(
            encodeDiscovery(this.#terminated(externalOf(this.context.addresses.known, address))),
          ),
        ],
    );
  }

  /**
   * Greets whoever is at `host`, by TCP and, as something may be in its way, by UDP. Tells why it
   * could not be reached, or `null`.
   */
  async #greetHost(host: string, port: number): Promise<string | null> {
    let problem: string | null = null;
    try {
      for (const version of this.#versions.all) {
        using stream = await this.context.transport.connect(host, port);
        const address = this.#addressFor(stream);
        await stream.writeMessage(...encodeDiscovery(this.#greeting(version, address, host)));
        await stream.waitForClose();
      }
    } catch (error) {
      problem = messageOf(error);
      log.debug("no scheduler there", { host, port, reason: problem });
    }
    const [first] = this.context.addresses.known;
    if (first === undefined) return problem;
    await this.udp.send(this.family, host, port, this.#greetings(first.external ?? first.address));
    return problem;
  }

  /** A greeting for each version of dispy that we know of. */
  #greetings(address: string): Uint8Array[] {
    return this.#versions.all.map((version) =>
      concat(encodeDiscovery(this.#greeting(version, address, null)))
    );
  }

  #greeting(version: string, ipAddr: string, schedulerIpAddr: string | null): NodePing {
    const { sign, options: { port } } = this.context;
    return { kind: "PING", from: "node", version, sign, ipAddr, port, schedulerIpAddr };
  }

  #terminated(ipAddr: string): Terminated {
    const { sign, options: { port } } = this.context;
    return { kind: "TERMINATED", ipAddr, port, sign };
  }

  #addressFor(stream: MessageStream): string {
    return announcedAddress(this.context.addresses, stream.localAddr.hostname);
  }

  /** Answers at the first address at which somebody listens. */
  async #answerAt(addresses: readonly string[], greeting: Greeting): Promise<void> {
    for (const schedulerIpAddr of addresses) {
      try {
        using stream = await this.context.transport.connect(schedulerIpAddr, greeting.port);
        const ipAddr = this.#addressFor(stream);
        const answer = greeting.sign === null
          // A relay that does not know the scheduler's sign: the scheduler has to greet by itself.
          ? this.#greeting(greeting.version, ipAddr, schedulerIpAddr)
          : await this.#pong(greeting, greeting.sign, ipAddr, schedulerIpAddr);
        await stream.writeMessage(...encodeDiscovery(answer));
        await stream.waitForClose();
        log.debug("scheduler answered", { scheduler: schedulerIpAddr, port: greeting.port });
        return;
      } catch (error) {
        log.debug("scheduler cannot be answered there", {
          scheduler: schedulerIpAddr,
          port: greeting.port,
          reason: messageOf(error),
        });
      }
    }
  }

  /** Proves the secret to a scheduler of ours, and takes its requests from now on. */
  #ownProof(schedulerSign: string, nodeAddress: string, schedulerAddress: string): OwnProof {
    const { sign: nodeSign, options: { port: nodePort, secret }, ownAuth } = this.context;
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES)).toHex();
    const session = { schedulerSign, nodeSign, nonce, nodeAddress, nodePort, schedulerAddress };
    ownAuth.add(ownRequestAuth(secret, session));
    return ownProof(secret, session);
  }

  async #pong(
    greeting: Greeting,
    schedulerSign: string,
    ipAddr: string,
    schedulerIpAddr: string,
  ): Promise<Pong> {
    const { sign, options, languages } = this.context;
    const knowsOwn = greeting.from === "scheduler" && greeting.ownAuth === OWN_AUTH_VERSION;
    const isOwn = knowsOwn && options.secret !== "";
    return {
      kind: "PONG",
      version: greeting.version,
      sign,
      ipAddr,
      port: options.port,
      name: options.name,
      cpus: options.cpus,
      platform: platformText(languages),
      auth: options.requireOwnAuth ? FILLER_AUTH : authCode(options.secret, schedulerSign),
      ...(isOwn ? { ownProof: this.#ownProof(schedulerSign, ipAddr, schedulerIpAddr) } : {}),
      pickleProtocol: HIGHEST_PROTOCOL,
      availInfo: await this.availability.read(),
      schedulerIpAddr,
    };
  }
}

/**
 * Where the sender of a greeting may be reached, best first: where it came from, unless a relay has
 * passed it on, then what it says of itself.
 */
function addressesOf(greeting: Greeting, from: string): string[] {
  const told = greeting.ipAddrs.map(canonicalAddress).filter((address) => isIP(address) !== 0);
  const all = greeting.from === "relay" ? told : [from, ...told];
  return [...new Set(all)].slice(0, MAX_ADDRESSES);
}
