/**
 * The sockets at which peers reach us.
 *
 * @module
 */

import { getLogger } from "../log/log.ts";
import { canonicalAddress, decodeNodeRequest, type MessageStream, WireError } from "../wire/mod.ts";
import type { ClientSide } from "./client_side.ts";
import { messageOf } from "./error_message.ts";
import { ListenError, listenError } from "./listen_error.ts";
import type { NodeSide } from "./node_side.ts";
import type { PortFamily } from "./options.ts";
import type { Transport } from "./transport.ts";
import type { UdpSockets } from "./udp_sockets.ts";

const log = getLogger("server");

/** Serves one connection; throws {@linkcode WireError} where the peer is at fault. */
type Service = (stream: MessageStream) => Promise<void>;

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

  constructor(
    private readonly nodeTransport: Transport,
    private readonly clientTransport: Transport,
    private readonly nodeSide: NodeSide,
    private readonly clientSide: ClientSide,
    private readonly udp: UdpSockets,
  ) {}

  /**
   * Opens all sockets. A port family that is taken is left out as long as another works.
   *
   * @throws {ListenError} where none does
   */
  open({ families, listenAt }: ListenOptions): void {
    const failures: string[] = [];
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
      this.udp.open(family, (datagram, from) => {
        this.nodeSide.serveDatagram(decodeNodeRequest(datagram), family, from);
      });
      this.#clientPorts.add(family.clientSide);
      this.#tcp.push(...opened);
      for (const listener of nodes) {
        void this.#accept(
          listener,
          this.nodeTransport,
          (stream) => this.nodeSide.serve(stream, family),
        );
      }
      for (const listener of clients) {
        void this.#accept(
          listener,
          this.clientTransport,
          (stream) => this.clientSide.serve(stream, family),
        );
      }
    } catch (error) {
      for (const each of opened) each.close();
      throw error;
    }
  }

  async #accept(
    listener: Deno.TcpListener,
    transport: Transport,
    service: Service,
  ): Promise<void> {
    while (this.#accepting) {
      let connection: Deno.TcpConn;
      try {
        connection = await listener.accept();
      } catch (error) {
        if (!this.#accepting) return;
        // Out of file handles, most likely: a pause lets some connections end.
        log.error("cannot accept a connection", { reason: messageOf(error) });
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
        continue;
      }
      void this.#serve(connection, transport, service);
    }
  }

  async #serve(
    connection: Deno.TcpConn,
    transport: Transport,
    service: Service,
  ): Promise<void> {
    let stream: MessageStream | undefined;
    try {
      stream = await transport.welcome(connection);
      await service(stream);
    } catch (error) {
      const from = canonicalAddress(connection.remoteAddr.hostname);
      if (error instanceof WireError) {
        const level = error.kind === "malformed" || error.kind === "too_large"
          ? "warning"
          : "debug";
        log[level]("connection ended", { from, reason: error.message });
      } else {
        log.error("internal error while serving a connection", {
          from,
          reason: messageOf(error),
          stack: error instanceof Error ? error.stack : undefined,
        });
      }
    } finally {
      stream?.close();
    }
  }
}

const ACCEPT_PAUSE_MS = 100;

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
