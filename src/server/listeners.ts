/**
 * The sockets at which peers reach us.
 *
 * @module
 */

import { getLogger } from "../log/log.ts";
import {
  decodeClientRequest,
  decodeNodeRequest,
  GREETING_LIMITS,
  type MessageStream,
  WireError,
} from "../wire/mod.ts";
import { acceptFrom, type Entrance, openTcp } from "../net/accept.ts";
import { isLoopback } from "../net/addresses.ts";
import type { Admission, Guest } from "../net/admission.ts";
import { messageOf } from "../log/error_message.ts";
import { ListenError } from "../net/listen_error.ts";
import type { NodeSide } from "./node_side.ts";
import type { ClientSide } from "./client_side.ts";
import { DISPY_4_10, dispysAt, type PortFamily } from "../net/port_family.ts";
import type { Transport } from "../net/transport.ts";
import type { UdpSockets } from "../net/udp_sockets.ts";

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

  constructor(
    private readonly nodes: Door & { readonly side: NodeSide },
    private readonly clients: Door & { readonly side: ClientSide },
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
    if (failures.length === families.length) {
      throw new ListenError([...new Set(failures)].join("; "));
    }
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
      const listeners = openTcp(listenAt, port);
      opened.push(...listeners);
      return listeners;
    };
    try {
      const nodes = open(family.nodeSide);
      // With --scheduler_port, all families have the one client port.
      const clients = this.#clientPorts.has(family.clientSide) ? [] : open(family.clientSide);
      this.udp.open(family, (datagram, from) => this.#serveDatagram(datagram, from, family));
      if (clients.length > 0 && dispysAt(family.nodeSide).includes(DISPY_4_10)) {
        // Clients up to 4.6 send their pulses so.
        this.udp.openPort(
          family.clientSide,
          (datagram, from) => this.#servePulse(datagram, from),
        );
      }
      this.#clientPorts.add(family.clientSide);
      this.#tcp.push(...opened);
      for (const listener of nodes) void acceptFrom(listener, this.#entrance(this.nodes, family));
      for (const listener of clients) {
        void acceptFrom(listener, this.#entrance(this.clients, family));
      }
    } catch (error) {
      for (const each of opened) each.close();
      throw error;
    }
  }

  /** What becomes of the connections to a port of one side. */
  #entrance({ transport, admission, side }: Door, family: PortFamily): Entrance {
    return {
      transport,
      admission,
      isOpen: () => this.#accepting,
      serve: (stream, guest) => side.serve(stream, family, guest),
      onShortage: () => {
        for (const { admission } of [this.nodes, this.clients]) admission.closeStrangers();
      },
    };
  }

  #servePulse(datagram: Uint8Array, from: string): void {
    if (this.#onlyLoopback && !isLoopback(from)) return;
    this.#decodeDatagram(this.clients.admission, from, () => {
      const request = decodeClientRequest(datagram, GREETING_LIMITS);
      if (request.kind === "PULSE") this.clients.side.pulseDatagram(request, from);
    });
  }

  #serveDatagram(datagram: Uint8Array, from: string, family: PortFamily): void {
    const { admission, side } = this.nodes;
    // Sockets for broadcasts are open to all networks, whatever addresses we serve.
    if (this.#onlyLoopback && !isLoopback(from)) return;
    this.#decodeDatagram(admission, from, () => {
      side.serveDatagram(decodeNodeRequest(datagram, GREETING_LIMITS), family, from);
    });
  }

  #decodeDatagram(admission: Admission, from: string, serve: () => void): void {
    if (!admission.admitsDatagram(from)) return;
    try {
      serve();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      admission.complain(from, "datagram ignored", error.message);
    }
  }
}
