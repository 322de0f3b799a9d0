/**
 * UDP: greetings of nodes come in here, and ours go out, to one machine or to all of a network.
 *
 * @module
 */

import { isIP } from "node:net";
import { delay } from "@std/async/delay.js";
import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import { canonicalAddress } from "../wire/mod.ts";
import type { OwnAddresses } from "./addresses.ts";
import { messageOf } from "../log/error_message.ts";
import { listenError } from "./listen_error.ts";
import { groupsAt, type PortFamily } from "./port_family.ts";

const log = getLogger("udp");

/** What goes wrong with one datagram may go wrong with each. */
const failures = new RepeatLimiter(log, { intervalMs: 60_000, maxPerInterval: 20 });

/** Where nothing can be received, that is tried again so soon. */
const RECEIVE_PAUSE_MS = 100;

const LIMITED_BROADCAST = "255.255.255.255";

const ANY_V4 = "0.0.0.0";
const ANY_V6 = "::";

/** Takes a datagram, be it good or bad, from the address `from`. */
export type DatagramHandler = (datagram: Uint8Array, from: string) => void;

/**
 * Makes the datagrams for one network.
 *
 * @param address Our address there; `null` where it is not known.
 */
export type DatagramsFor = (address: string | null) => readonly Uint8Array[];

/** The sockets of one family of ports. They are bound to all addresses: broadcasts need that. */
interface Receivers {
  readonly v4: Deno.DatagramConn | null;
  readonly v6: Deno.DatagramConn | null;
}

interface Target {
  readonly socket: Deno.DatagramConn;
  readonly hostname: string;
  /** Our address in that network, if known. */
  readonly address: string | null;
}

/** See the module's description. */
export class UdpSockets {
  readonly #receivers = new Map<PortFamily, Receivers>();
  /** Opened by {@linkcode openPort}. */
  readonly #ports: Deno.DatagramConn[] = [];
  /** Bound to an interface each, by what they are bound to; opened when first needed. */
  readonly #senders = new Map<string, Deno.DatagramConn>();
  readonly #servesV4: boolean;
  readonly #servesV6: boolean;
  #isOpen = true;

  /** @param ipv4Multicast Whether nodes are looked for by IPv4 multicast in place of broadcast. */
  constructor(private readonly addresses: OwnAddresses, private readonly ipv4Multicast: boolean) {
    const { listenAt } = addresses;
    this.#servesV4 = listenAt.length === 0 || listenAt.some((address) => isIP(address) === 4);
    this.#servesV6 = listenAt.length === 0 || listenAt.some((address) => isIP(address) === 6);
  }

  /** The families that are open. */
  get families(): readonly PortFamily[] {
    return [...this.#receivers.keys()];
  }

  /**
   * Opens the ports of a family for greetings.
   *
   * @throws {ListenError} where that fails
   */
  open(family: PortFamily, handle: DatagramHandler): void {
    const v4 = this.#servesV4 ? bind(ANY_V4, family.nodeSide) : null;
    let v6: Deno.DatagramConn | null = null;
    try {
      v6 = this.#servesV6 ? bind(ANY_V6, family.nodeSide) : null;
    } catch (error) {
      if (v4 === null) throw error;
      log.debug("no greetings by IPv6", { reason: messageOf(error) });
    }
    this.#receivers.set(family, { v4, v6 });
    for (const socket of [v4, v6]) {
      if (socket !== null) void this.#receive(socket, socket === v6 && v4 !== null, handle);
    }
  }

  /** Opens one more port for datagrams; where it cannot be had, none come. */
  openPort(port: number, handle: DatagramHandler): void {
    if (!this.#servesV4) return;
    try {
      const socket = bind(ANY_V4, port);
      this.#ports.push(socket);
      void this.#receive(socket, false, handle);
    } catch (error) {
      log.debug("no datagrams at a port", { port, reason: messageOf(error) });
    }
  }

  /** Lets greetings to dispy's multicast groups come in, in every network that we know. */
  async joinGroups(): Promise<void> {
    const { outlets } = this.addresses;
    const of = (version: 4 | 6) => outlets.filter((outlet) => outlet.version === version);
    const addressesV4 = of(4).map(({ bindTo }) => bindTo);
    const indexesV6 = of(6).map(({ interfaceIndex }) => interfaceIndex);
    for (const [family, { v4, v6 }] of this.#receivers) {
      const groups = groupsAt(family.nodeSide);
      for (const group of v4 !== null && this.ipv4Multicast ? groups.v4 : []) {
        for (const address of addressesV4.length > 0 ? addressesV4 : [ANY_V4]) {
          await this.#join(group, address, () => v4!.joinMulticastV4(group, address));
        }
      }
      for (const group of v6 !== null ? groups.v6 : []) {
        for (const index of indexesV6.length > 0 ? indexesV6 : [0]) {
          await this.#join(group, index, () => v6!.joinMulticastV6(group, index));
        }
      }
    }
  }

  /** Sends to `port` of everybody in the networks that we are in, by broadcast or multicast. */
  async announce(family: PortFamily, port: number, datagramsFor: DatagramsFor): Promise<void> {
    for (const { socket, hostname, address } of this.#everybody(family)) {
      for (const datagram of datagramsFor(address)) {
        await send(socket, datagram, hostname, port);
      }
    }
  }

  /** Sends to one machine, named or numbered. */
  async send(
    family: PortFamily,
    hostname: string,
    port: number,
    datagrams: readonly Uint8Array[],
  ): Promise<void> {
    const { v4, v6 } = this.#receivers.get(family) ?? { v4: null, v6: null };
    const version = isIP(hostname);
    for (const socket of [version === 6 ? null : v4, version === 4 ? null : v6]) {
      if (socket === null) continue;
      for (const datagram of datagrams) await send(socket, datagram, hostname, port);
    }
  }

  /** Closes everything. */
  close(): void {
    this.#isOpen = false;
    for (const { v4, v6 } of this.#receivers.values()) {
      v4?.close();
      v6?.close();
    }
    for (const socket of this.#senders.values()) socket.close();
    for (const socket of this.#ports.splice(0)) socket.close();
    this.#receivers.clear();
    this.#senders.clear();
  }

  #everybody(family: PortFamily): Target[] {
    const targets: Target[] = [];
    const { v4, v6 } = this.#receivers.get(family) ?? { v4: null, v6: null };
    const groups = groupsAt(family.nodeSide);
    const wide = {
      4: this.ipv4Multicast ? groups.v4 : [LIMITED_BROADCAST],
      6: groups.v6,
    } as const;
    for (const { version, bindTo, address, broadcast } of this.addresses.outlets) {
      const socket = this.#sender(bindTo);
      if (socket === null) continue;
      for (const hostname of wide[version]) targets.push({ socket, hostname, address });
      // Nodes with Python's netifaces listen for this broadcast, all others for the limited one.
      if (broadcast !== null && !this.ipv4Multicast) {
        targets.push({ socket, hostname: broadcast, address });
      }
    }
    const reaches = (version: 4 | 6) =>
      this.addresses.outlets.some((outlet) =>
        outlet.version === version && this.#senders.has(outlet.bindTo)
      );
    for (const [version, socket] of [[4, v4], [6, v6]] as const) {
      if (socket === null || reaches(version)) continue;
      for (const hostname of wide[version]) targets.push({ socket, hostname, address: null });
    }
    return targets;
  }

  #sender(bindTo: string): Deno.DatagramConn | null {
    const present = this.#senders.get(bindTo);
    if (present !== undefined) return present;
    try {
      const socket = bind(bindTo, 0);
      this.#senders.set(bindTo, socket);
      return socket;
    } catch (error) {
      log.debug("no greetings by this network", { address: bindTo, reason: messageOf(error) });
      return null;
    }
  }

  async #join(group: string, network: string | number, join: () => Promise<unknown>) {
    try {
      await join();
    } catch (error) {
      log.debug("multicast group not joined", { group, network, reason: messageOf(error) });
    }
  }

  /** @param ignoreV4 Another socket takes IPv4: what comes of it here is a second copy. */
  async #receive(socket: Deno.DatagramConn, ignoreV4: boolean, handle: DatagramHandler) {
    while (this.#isOpen) {
      let datagram: Uint8Array;
      let address: Deno.Addr;
      try {
        [datagram, address] = await socket.receive();
      } catch (error) {
        if (!this.#isOpen) return;
        // It may fail again and again, as long as a network is down, say.
        failures.error("receive", "no datagrams come in for now", { reason: messageOf(error) });
        await delay(RECEIVE_PAUSE_MS);
        continue;
      }
      const from = canonicalAddress((address as Deno.NetAddr).hostname);
      if (ignoreV4 && isIP(from) === 4) continue;
      try {
        handle(datagram.slice(), from);
      } catch (error) {
        const reason = messageOf(error);
        failures.error(reason, "internal error while reading a datagram", { from, reason });
      }
    }
  }
}

function bind(hostname: string, port: number): Deno.DatagramConn {
  try {
    return Deno.listenDatagram({ transport: "udp", hostname, port, reuseAddress: true });
  } catch (error) {
    throw listenError(error, hostname, "UDP", port);
  }
}

async function send(
  socket: Deno.DatagramConn,
  datagram: Uint8Array,
  hostname: string,
  port: number,
): Promise<void> {
  try {
    await socket.send(datagram, { transport: "udp", hostname, port });
  } catch (error) {
    log.debug("greeting not sent by UDP", { hostname, port, reason: messageOf(error) });
  }
}
