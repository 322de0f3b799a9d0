/**
 * Finds nodes: by broadcast, by asking those that were named, by answering those that greet.
 *
 * @module
 */

import { concat } from "@std/bytes/concat.js";
import type { Cluster } from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import {
  authCode,
  encodeDiscovery,
  FILLER_AUTH,
  type NodePing,
  type Pong,
  type SchedulerPing,
} from "../wire/mod.ts";
import { type Context, DEFAULT_VERSION, messageOf } from "./context.ts";
import type { PortFamily } from "./options.ts";

const log = getLogger("discovery");

const BROADCAST_ADDRESS = "255.255.255.255";

/** Somebody who may be a node, where we look for it. */
interface Target {
  readonly host: string;
  /** `null` = the node port of each family. */
  readonly port: number | null;
}

/** See the module's description. */
export class Discovery {
  /** By family: the sockets that listen for greetings, which also send ours. */
  readonly #sockets = new Map<PortFamily, Deno.DatagramConn[]>();
  /** dispy versions that peers have announced: nodes take only greetings of their own. */
  readonly #versions = new Set<string>([DEFAULT_VERSION]);
  /** Machines on which nodes were found. */
  readonly #knownHosts = new Set<string>();

  constructor(private readonly context: Context) {}

  /** Uses `socket`, bound to a node side port of `family`, to send greetings. */
  addSocket(family: PortFamily, socket: Deno.DatagramConn): void {
    const sockets = this.#sockets.get(family) ?? [];
    sockets.push(socket);
    this.#sockets.set(family, sockets);
  }

  /** Greets all nodes: by broadcast, and those that the scheduler was told of. */
  async greetAll(): Promise<void> {
    const { nodes } = this.context.options;
    const named = nodes.filter((node) => !node.includes("*"));
    await Promise.all([
      this.#broadcast(null),
      ...named.map((host) => this.#greet({ host, port: null })),
    ]);
  }

  /** Greets the nodes that a client named and that the cluster does not have yet. */
  async greetFor(cluster: Cluster): Promise<void> {
    const missing = cluster.allocations.filter(({ pattern }) => !cluster.shares.has(pattern));
    await Promise.all(
      missing.map(({ pattern, port }) =>
        pattern.includes("*") ? this.#broadcast(port) : this.#greet({ host: pattern, port })
      ),
    );
  }

  /** A peer has announced its version: nodes of that version are looked for, too. */
  onVersion(version: string): void {
    if (this.#versions.has(version) || this.#versions.size >= MAX_VERSIONS) return;
    this.#versions.add(version);
    this.#detach(this.greetAll());
  }

  /** A node was found; its message came from the address `from`, which a NAT may have changed. */
  onNodeFound(pong: Pong, from: string): void {
    this.#knownHosts.add(pong.ipAddr).add(from);
    this.onVersion(pong.version);
  }

  /** Whether a node was ever found at this address. */
  knows(host: string): boolean {
    return this.#knownHosts.has(host);
  }

  /** Greets a node that has greeted, in its own version. */
  async answerNode(ping: NodePing, family: PortFamily): Promise<void> {
    const { transport, options } = this.context;
    using stream = await transport.connect(ping.ipAddr, ping.port);
    const greeting = this.#greeting(family, ping.version, ping.ipAddr);
    await stream.writeRequest(
      authCode(options.nodeSecret, ping.sign),
      ...encodeDiscovery(greeting),
    );
    await stream.waitForClose();
  }

  /** Greets whoever is at this address. */
  greetHost(host: string, port: number): Promise<void> {
    return this.#greet({ host, port });
  }

  #greeting(family: PortFamily, version: string, nodeIpAddr: string | null): SchedulerPing {
    return {
      kind: "PING",
      from: "scheduler",
      version,
      sign: this.context.sign,
      port: family.nodeSide,
      ipAddrs: this.context.ipAddrs,
      nodeIpAddr,
    };
  }

  /** Greets all nodes in reach of a broadcast, at `port` or the usual ones. */
  async #broadcast(port: number | null): Promise<void> {
    for (const [family, sockets] of this.#sockets) {
      for (const socket of sockets) {
        await this.#send(socket, family, BROADCAST_ADDRESS, port ?? family.node, null);
      }
    }
  }

  /** Greets whoever is at `target`, by UDP and, as UDP may get lost, by TCP. */
  async #greet({ host, port }: Target): Promise<void> {
    await Promise.all([...this.#sockets].map(async ([family, sockets]) => {
      const nodePort = port ?? family.node;
      const socket = sockets[0];
      if (socket !== undefined) await this.#send(socket, family, host, nodePort, host);
      await Promise.all(
        [...this.#versions].map((version) => this.#greetByTcp(family, host, nodePort, version)),
      );
    }));
  }

  async #greetByTcp(family: PortFamily, host: string, port: number, version: string) {
    try {
      using stream = await this.context.transport.connect(host, port);
      const greeting = this.#greeting(family, version, host);
      await stream.writeRequest(FILLER_AUTH, ...encodeDiscovery(greeting));
      await stream.waitForClose();
    } catch (error) {
      log.debug("no node there", { host, port, reason: messageOf(error) });
    }
  }

  async #send(
    socket: Deno.DatagramConn,
    family: PortFamily,
    hostname: string,
    port: number,
    nodeIpAddr: string | null,
  ): Promise<void> {
    for (const version of this.#versions) {
      const datagram = concat(encodeDiscovery(this.#greeting(family, version, nodeIpAddr)));
      try {
        await socket.send(datagram, { transport: "udp", hostname, port });
      } catch (error) {
        log.debug("greeting not sent by UDP", { hostname, port, reason: messageOf(error) });
      }
    }
  }

  /** Runs something that nobody waits for and that takes care of its own errors. */
  #detach(promise: Promise<void>): void {
    promise.catch((error) => log.error("looking for nodes failed", { reason: messageOf(error) }));
  }
}

/** More versions than that are no versions, but somebody playing. */
const MAX_VERSIONS = 8;
