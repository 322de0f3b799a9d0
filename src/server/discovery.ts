/**
 * Finds nodes: by broadcast, by asking those that were named, by answering those that greet.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { concat } from "@std/bytes/concat.js";
import type { Cluster, Node, NodeAllocation } from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import { HIGHEST_PROTOCOL } from "../pickle/mod.ts";
import {
  authCode,
  encodeDiscovery,
  encodePulseDatagram,
  FILLER_AUTH,
  type NodePing,
  OWN_AUTH_VERSION,
  type Pong,
  type SchedulerPing,
} from "../wire/mod.ts";
import { announced } from "../net/addresses.ts";
import type { Context } from "./context.ts";
import { messageOf } from "../log/error_message.ts";
import { FairLanes } from "../net/fair_lanes.ts";
import type { PortFamily } from "../net/port_family.ts";
import type { UdpSockets } from "../net/udp_sockets.ts";
import { Versions } from "../net/versions.ts";

const log = getLogger("discovery");

/** A name that means nothing is not complained of again within this time. */
const UNKNOWN_NAME_INTERVAL_MS = 60 * 60_000;

/** So many machines are remembered; the one that was found first is forgotten first. */
const MAX_KNOWN_HOSTS = 4096;

/** Of all nodes that clients name, however many, so many are greeted at a time. */
const MAX_GREETING = 128;
/** Of those that one cluster names. */
const MAX_GREETING_OF_CLUSTER = 32;

/**
 * Every release is greeted so often at most. Nodes log a warning for each greeting of another
 * release than theirs, so in between only those are sent that are in use.
 */
const ALL_RELEASES_INTERVAL_MS = 10 * 60_000;

/** So many relays are remembered. */
const MAX_RELAYS = 64;

/** Somebody who may be a node, where we look for it. */
interface Target {
  readonly host: string;
  /** `null` = the node port of each family. */
  readonly port: number | null;
}

/** See the module's description. */
export class Discovery {
  readonly #versions = new Versions();
  /** Machines on which nodes were found. */
  readonly #knownHosts = new Set<string>();
  readonly #relays = new Set<string>();
  readonly #greetingNamed = new FairLanes(MAX_GREETING, MAX_GREETING_OF_CLUSTER);
  /** Clusters whose nodes are being greeted; `true` = once more after that. */
  readonly #greetingFor = new Map<Cluster, boolean>();
  readonly #unknownNames = new RepeatLimiter(log, { intervalMs: UNKNOWN_NAME_INTERVAL_MS });

  #allReleasesMs = -Infinity;

  constructor(private readonly context: Context, private readonly udp: UdpSockets) {}

  /** Greets all nodes: by broadcast, and those that the scheduler was told of. */
  async greetAll(): Promise<void> {
    const nowMs = performance.now();
    const isAll = nowMs - this.#allReleasesMs >= ALL_RELEASES_INTERVAL_MS;
    if (isAll) this.#allReleasesMs = nowMs;
    await Promise.all([
      this.#broadcast(null, (family) => isAll ? this.#versions.possible(family) : this.#known),
      ...this.#named.map((host) => this.greetNamed(host)),
    ]);
  }

  /** Greets all nodes of one version. */
  async #greetVersion(version: string): Promise<void> {
    await Promise.all([
      this.#broadcast(null, () => [version]),
      ...this.#named.map((host) => this.greetNamed(host, version)),
    ]);
  }

  get #named(): string[] {
    return this.context.options.nodes.filter((node) => !node.includes("*"));
  }

  get #known(): string[] {
    return this.#versions.all;
  }

  /**
   * Greets a node of `-n`. Tells why it could not be reached, or `null`; `undefined` where its name
   * means nothing, which is said once, as it may be a typing error.
   */
  async greetNamed(host: string, version?: string): Promise<string | null | undefined> {
    try {
      await lookup(host);
    } catch (error) {
      const message = "the name of a node given with -n is not known; check it, or give an address";
      this.#unknownNames.warning(host, message, { node: host, reason: messageOf(error) });
      return undefined;
    }
    return await this.#greet({ host, port: null }, version);
  }

  /** Greets the nodes that a client named and that the cluster does not have yet. */
  async greetFor(cluster: Cluster): Promise<void> {
    // A long list takes a while: what asks again meanwhile must not add to what waits.
    const isUnderWay = this.#greetingFor.has(cluster);
    this.#greetingFor.set(cluster, isUnderWay);
    if (isUnderWay) return;
    try {
      do {
        this.#greetingFor.set(cluster, false);
        await this.#greetMissing(cluster);
      } while (this.#greetingFor.get(cluster));
    } finally {
      this.#greetingFor.delete(cluster);
    }
  }

  async #greetMissing(cluster: Cluster): Promise<void> {
    // Clients at one machine are several, too; node lists, all of them together, are limited.
    const owner = `${cluster.id}`;
    const missing = cluster.allocations.filter(({ pattern }) => !cluster.shares.has(pattern));
    const isPattern = ({ pattern }: NodeAllocation) => pattern.includes("*");
    // One broadcast reaches the nodes of all patterns.
    const ports = new Set(missing.filter(isPattern).map(({ port }) => port));
    const named = missing.filter((allocation) => !isPattern(allocation));
    await Promise.all([
      ...[...ports].map((port) =>
        this.#greetingNamed.run(owner, () => this.#broadcast(port, () => this.#known))
      ),
      ...named.map(({ pattern: host, port }) =>
        this.#greetingNamed.run(owner, async () => {
          // Its client may have closed it while this has waited for its turn.
          if (cluster.accepts) await this.#greet({ host, port });
        })
      ),
    ]);
  }

  /** Somebody says that this is its version: nodes of that version are looked for, too. */
  onVersion(version: string): void {
    if (this.#versions.addClaimed(version)) this.#detach(this.#greetVersion(version));
  }

  /** A node was found; its message came from the address `from`, which a NAT may have changed. */
  onNodeFound(pong: Pong, from: string): void {
    this.knowHosts(pong.ipAddr, from);
    if (this.#versions.addOfNode(pong.version)) this.#detach(this.#greetVersion(pong.version));
  }

  /** A relay has asked whom to name to nodes. */
  onRelay(from: string): void {
    if (this.#relays.size < MAX_RELAYS) this.#relays.add(from);
  }

  /** Where relays have asked from. */
  get relays(): readonly string[] {
    return [...this.#relays];
  }

  /** Nodes were found at these addresses, in this run or an earlier one. */
  knowHosts(...hosts: readonly string[]): void {
    // Behind a NAT a node has an address that is not in its own record.
    const isNew = hosts.some((host) => !this.#knownHosts.has(host));
    for (const host of hosts) this.#knownHosts.add(host);
    for (const oldest of this.#knownHosts) {
      if (this.#knownHosts.size <= MAX_KNOWN_HOSTS) break;
      this.#knownHosts.delete(oldest);
    }
    if (isNew) this.context.journal?.put("meta", "known_hosts", [...this.#knownHosts]);
  }

  /** Whether a node was ever found at this address. */
  knows(host: string): boolean {
    return this.#knownHosts.has(host);
  }

  /** Greets a node that has greeted, in its own version. */
  async answerNode(ping: NodePing, family: PortFamily): Promise<void> {
    const { nodeTransport, options } = this.context;
    using stream = await nodeTransport.connect(ping.ipAddr, ping.port);
    const greeting = this.#greeting(family, ping.version, ping.ipAddr, stream.localAddr.hostname);
    // dispy's nodes take no greeting of a scheduler that does not prove the secret at once; whoever
    // greets chooses for which sign.
    const auth = options.requireOwnAuth ? FILLER_AUTH : authCode(options.nodeSecret, ping.sign);
    await stream.writeRequest(auth, ...encodeDiscovery(greeting));
    await stream.waitForClose();
  }

  /**
   * Greets whoever is at this address with another sign than ours, made for one question.
   *
   * @returns Whether somebody listens there.
   */
  async challenge(
    family: PortFamily,
    host: string,
    port: number,
    version: string,
    sign: string,
  ): Promise<boolean> {
    return await this.#greetByTcp(family, host, port, version, sign) === null;
  }

  /** Answers the pulse of a node that sends them as datagrams. */
  answerPulse(node: Node, family: PortFamily): void {
    const { ipAddr, port, schedulerIpAddr } = node.info;
    const answer = concat(encodePulseDatagram(schedulerIpAddr, family.nodeSide));
    this.#detach(this.udp.send(family, ipAddr, port, [answer]));
  }

  /** Greets whoever is at this address. */
  async greetHost(host: string, port: number): Promise<void> {
    await this.#greet({ host, port });
  }

  /**
   * @param nodeIpAddr Where the node is greeted, if it alone is.
   * @param ownAddress Where that node reaches us, if known.
   */
  #greeting(
    family: PortFamily,
    version: string,
    nodeIpAddr: string | null,
    ownAddress: string | null,
  ): SchedulerPing {
    return {
      kind: "PING",
      from: "scheduler",
      version,
      sign: this.context.sign,
      ...(this.context.options.nodeSecret === "" ? {} : { ownAuth: OWN_AUTH_VERSION }),
      port: family.nodeSide,
      ipAddrs: announced(this.context.addresses.known, ownAddress ?? undefined),
      nodeIpAddr,
      pickleProtocol: HIGHEST_PROTOCOL,
    };
  }

  /** Greets all nodes in reach of a broadcast or multicast, at `port` or the usual ones. */
  async #broadcast(
    port: number | null,
    versionsOf: (family: PortFamily) => readonly string[],
  ): Promise<void> {
    for (const family of this.udp.families) {
      const versions = versionsOf(family);
      await this.udp.announce(
        family,
        port ?? family.node,
        (ownAddress) => this.#datagrams(family, versions, null, ownAddress),
      );
    }
  }

  /**
   * Greets whoever is at `target`, by UDP and, as UDP may get lost, by TCP.
   *
   * A node takes no greeting but that of its own release, of which nothing is known: each release of
   * the family is tried by TCP, which nodes do not log, one after the other. That costs a connection
   * each, but only where somebody listens; where nobody does, it is the first that fails.
   *
   * @param version The only one to greet; all where absent.
   * @returns Why nobody could be reached there, or `null`.
   */
  async #greet({ host, port }: Target, version?: string): Promise<string | null> {
    const problems = await Promise.all(this.udp.families.map(async (family) => {
      const nodePort = port ?? family.node;
      const known = version === undefined ? this.#known : [version];
      await this.udp.send(family, host, nodePort, this.#datagrams(family, known, host, null));
      const possible = version === undefined ? this.#versions.possible(family) : [version];
      for (const each of possible) {
        const problem = await this.#greetByTcp(family, host, nodePort, each);
        if (problem !== null) return problem;
        // It has answered: it is a node of ours.
        const { nodes } = this.context.engine.core;
        if (nodes.get(host)?.info.version === each) break;
      }
      return null;
    }));
    return problems.includes(null) ? null : problems[0] ?? null;
  }

  /** Tells why nobody could be reached there, or `null`. */
  async #greetByTcp(
    family: PortFamily,
    host: string,
    port: number,
    version: string,
    sign: string = this.context.sign,
  ): Promise<string | null> {
    try {
      using stream = await this.context.nodeTransport.connect(host, port);
      // A relay passes on what we announce, and asks us there.
      const greeting = this.#greeting(family, version, host, stream.localAddr.hostname);
      await stream.writeRequest(FILLER_AUTH, ...encodeDiscovery({ ...greeting, sign }));
      await stream.waitForClose();
      return null;
    } catch (error) {
      const reason = messageOf(error);
      log.debug("no node there", { host, port, reason });
      return reason;
    }
  }

  /** A greeting for each of these versions of dispy. */
  #datagrams(
    family: PortFamily,
    versions: readonly string[],
    nodeIpAddr: string | null,
    ownAddress: string | null,
  ): Uint8Array[] {
    return versions.map((version) =>
      concat(encodeDiscovery(this.#greeting(family, version, nodeIpAddr, ownAddress)))
    );
  }

  /** Runs something that nobody waits for and that takes care of its own errors. */
  #detach(promise: Promise<void>): void {
    promise.catch((error) => log.error("looking for nodes failed", { reason: messageOf(error) }));
  }
}
