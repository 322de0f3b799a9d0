/**
 * The sockets at which peers reach us.
 *
 * @module
 */

import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import {
  canonicalAddress,
  decodeNodeRequest,
  GREETING_LIMITS,
  type MessageStream,
  WireError,
} from "../wire/mod.ts";
import { isLoopback } from "./net/addresses.ts";
import type { Admission, Guest } from "./net/admission.ts";
import { messageOf } from "../log/error_message.ts";
import { ListenError, listenError } from "./net/listen_error.ts";
import type { NodeSide } from "./node_side.ts";
import type { PortFamily } from "./net/port_family.ts";
import type { Transport } from "./net/transport.ts";
import type { UdpSockets } from "./net/udp_sockets.ts";

const log = getLogger("server");

/** What becomes of the connections to the ports of one side. */
export interface Door {
  readonly transport: Transport;
  readonly admission: Admission;
  readonly side: {
    /** Serves one connection; throws {@linkcode WireError} where the peer is at fault. */
    serve(stream: MessageStream, family: PortFamily, guest: Guest): Promise<void>;
  };
}

/** Where we listen. */
export interface ListenOptions {
  readonly families: readonly PortFamily[];
  /** Addresses; empty = all. */
  readonly listenAt: readonly string[];
}

/** See the module's description. */
export class Listeners {
  readonly #tcp: Deno.TcpListener[] = [];
  readonly #clientPorts = new Set<number>();
  #accepting = true;
  /** Whether we serve this machine only. */
  #onlyLoopback = false;

  readonly #shortages = new RepeatLimiter(log, { intervalMs: SHORTAGE_INTERVAL_MS });

  constructor(
    private readonly nodes: Door & { readonly side: NodeSide },
    private readonly clients: Door,
    private readonly udp: UdpSockets,
  ) {}

  /**
   * Opens all sockets. A port family that is taken is left out as long as another works.
   *
   * @throws {ListenError} where none does
   */
  open({ families, listenAt }: ListenOptions): void {
    const failures: string[] = [];
    this.#onlyLoopback = listenAt.length > 0 && listenAt.every(isLoopback);
    for (const family of families) {
      try {
        this.#openFamily(family, listenAt);
        log.info("listening", {
          addresses: listenAt.length === 0 ? "all" : listenAt.join(" "),
          node_side_port: family.nodeSide,
          client_side_port: family.clientSide,
          node_port: family.node,
        });
      } catch (error) {
        failures.push(messageOf(error));
      }
    }
    if (failures.length === families.length) throw new ListenError(failures.join("; "));
    for (const failure of failures) {
      log.warning("a family of ports is not served", { reason: failure });
    }
  }

  /** Takes no more connections; those that are open go on. */
  close(): void {
    this.#accepting = false;
    for (const listener of this.#tcp) listener.close();
    this.udp.close();
    this.#tcp.length = 0;
  }

  #openFamily(family: PortFamily, listenAt: readonly string[]): void {
    const opened: Deno.TcpListener[] = [];
    const open = (port: number): Deno.TcpListener[] => {
      const before = opened.length;
      if (listenAt.length === 0) opened.push(...listenEverywhere(port));
      for (const hostname of listenAt) opened.push(listenTcp(hostname, port));
      return opened.slice(before);
    };
    try {
      const nodes = open(family.nodeSide);
      // With --scheduler_port, all families have the one client port.
      const clients = this.#clientPorts.has(family.clientSide) ? [] : open(family.clientSide);
      this.udp.open(family, (datagram, from) => this.#serveDatagram(datagram, from, family));
      this.#clientPorts.add(family.clientSide);
      this.#tcp.push(...opened);
      for (const listener of nodes) void this.#accept(listener, this.nodes, family);
      for (const listener of clients) void this.#accept(listener, this.clients, family);
    } catch (error) {
      for (const each of opened) each.close();
      throw error;
    }
  }

  async #accept(listener: Deno.TcpListener, door: Door, family: PortFamily): Promise<void> {
    while (this.#accepting) {
      let connection: Deno.TcpConn;
      try {
        connection = await listener.accept();
      } catch (error) {
        if (!this.#accepting) return;
        // A pause would stall all others, who have done nothing.
        if (isPeersFault(error)) continue;
        // Out of file handles, most likely: a pause lets some connections end.
        this.#shortages.error("accept", "cannot accept connections; raise `ulimit -n`", {
          reason: messageOf(error),
        });
        for (const { admission } of [this.nodes, this.clients]) admission.closeStrangers();
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
        continue;
      }
      const from = canonicalAddress(connection.remoteAddr.hostname);
      let stream: MessageStream | undefined;
      const guest = door.admission.admit(from, () => (stream ?? connection).close());
      if (guest === null) {
        connection.close();
        continue;
      }
      void this.#serve(guest, door, family, async () => {
        return stream = await door.transport.welcome(connection);
      });
    }
  }

  async #serve(
    guest: Guest,
    { admission, side }: Door,
    family: PortFamily,
    welcome: () => Promise<MessageStream>,
  ): Promise<void> {
    const from = guest.address;
    let stream: MessageStream | undefined;
    try {
      stream = await welcome();
      await side.serve(stream, family, guest);
    } catch (error) {
      if (error instanceof WireError) {
        const atFault = error.kind === "malformed" || error.kind === "too_large";
        if (atFault) admission.complain(from, "connection ended", error.message);
        else log.debug("connection ended", { from, reason: error.message });
      } else {
        log.error("internal error while serving a connection", {
          from,
          reason: messageOf(error),
          stack: error instanceof Error ? error.stack : undefined,
        });
      }
    } finally {
      guest.leave();
      stream?.close();
    }
  }

  #serveDatagram(datagram: Uint8Array, from: string, family: PortFamily): void {
    const { admission, side } = this.nodes;
    // Sockets for broadcasts are open to all networks, whatever addresses we serve.
    if (this.#onlyLoopback && !isLoopback(from)) return;
    if (!admission.admitsDatagram(from)) return;
    try {
      side.serveDatagram(decodeNodeRequest(datagram, GREETING_LIMITS), family, from);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      admission.complain(from, "datagram ignored", error.message);
    }
  }
}

const ACCEPT_PAUSE_MS = 100;

/** Whether a peer has reset its connection before it was accepted. */
function isPeersFault(error: unknown): boolean {
  return error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted;
}

/** Connections that cannot be accepted are one line in this time. */
const SHORTAGE_INTERVAL_MS = 60_000;

function listenTcp(hostname: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port });
  } catch (error) {
    throw listenError(error, hostname, "TCP", port);
  }
}

/** At every address, of IPv6 too where the machine has it. */
function listenEverywhere(port: number): Deno.TcpListener[] {
  let both: Deno.TcpListener;
  try {
    both = Deno.listen({ hostname: "::", port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw listenError(error, "::", "TCP", port);
    return [listenTcp("0.0.0.0", port)];
  }
  try {
    return [both, Deno.listen({ hostname: "0.0.0.0", port })];
  } catch {
    // On most systems "::" takes IPv4 as well, so that this second socket has no place.
    return [both];
  }
}
