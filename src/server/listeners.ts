/**
 * The sockets at which peers reach us.
 *
 * @module
 */

import { getLogger } from "../log/log.ts";
import { decodeNodeRequest, type MessageStream, WireError } from "../wire/mod.ts";
import type { ClientSide } from "./client_side.ts";
import { messageOf } from "./context.ts";
import type { Discovery } from "./discovery.ts";
import type { NodeSide } from "./node_side.ts";
import type { PortFamily } from "./options.ts";
import type { Transport } from "./transport.ts";

const log = getLogger("server");

/** Serves one connection; throws {@linkcode WireError} where the peer is at fault. */
type Service = (stream: MessageStream, family: PortFamily) => Promise<void>;

/** Where we listen. */
export interface ListenOptions {
  readonly families: readonly PortFamily[];
  /** Addresses; empty = all. */
  readonly hosts: readonly string[];
}

/** Nobody can reach us; the message says why and what to do. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** See the module's description. */
export class Listeners {
  readonly #tcp: Deno.TcpListener[] = [];
  readonly #udp: Deno.DatagramConn[] = [];
  readonly #clientPorts = new Set<string>();
  #accepting = true;

  constructor(
    private readonly transport: Transport,
    private readonly nodeSide: NodeSide,
    private readonly clientSide: ClientSide,
    private readonly discovery: Discovery,
  ) {}

  /**
   * Opens all sockets. A port family that is taken is left out as long as another works.
   *
   * @throws {ListenError} where none does
   */
  open({ families, hosts }: ListenOptions): void {
    const failures: string[] = [];
    const addresses = hosts.length === 0 ? ["0.0.0.0"] : hosts;
    for (const family of families) {
      try {
        for (const hostname of addresses) this.#openFamily(family, hostname);
        log.info("listening", {
          addresses: addresses.join(" "),
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
    for (const socket of this.#udp) socket.close();
    this.#tcp.length = this.#udp.length = 0;
  }

  #openFamily(family: PortFamily, hostname: string): void {
    const opened: (Deno.TcpListener | Deno.DatagramConn)[] = [];
    try {
      const nodes = listenTcp(hostname, family.nodeSide);
      opened.push(nodes);
      // With --scheduler_port, all families have the one client port.
      const clientsKey = `${hostname} ${family.clientSide}`;
      const clients = this.#clientPorts.has(clientsKey)
        ? null
        : listenTcp(hostname, family.clientSide);
      if (clients !== null) opened.push(clients);
      const socket = listenUdp(family.nodeSide, opened);
      const sender = hostname === "0.0.0.0" ? socket : listenUdp(0, opened, hostname);
      this.discovery.addSocket(family, sender);
      this.#tcp.push(nodes);
      this.#udp.push(socket);
      if (sender !== socket) this.#udp.push(sender);
      void this.#accept(nodes, family, (stream) => this.nodeSide.serve(stream, family));
      if (clients !== null) {
        this.#tcp.push(clients);
        this.#clientPorts.add(clientsKey);
        void this.#accept(clients, family, (stream) => this.clientSide.serve(stream, family));
      }
      void this.#receive(socket, family);
    } catch (error) {
      for (const each of opened) each.close();
      throw error;
    }
  }

  async #accept(listener: Deno.TcpListener, family: PortFamily, service: Service): Promise<void> {
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
      void this.#serve(this.transport.wrap(connection), family, service);
    }
  }

  async #serve(stream: MessageStream, family: PortFamily, service: Service): Promise<void> {
    try {
      await service(stream, family);
    } catch (error) {
      const { hostname: from } = stream.remoteAddr;
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
      stream.close();
    }
  }

  async #receive(socket: Deno.DatagramConn, family: PortFamily): Promise<void> {
    while (this.#accepting) {
      let from = "";
      try {
        const [datagram, address] = await socket.receive();
        from = (address as Deno.NetAddr).hostname;
        this.nodeSide.serveDatagram(decodeNodeRequest(datagram.slice()), family, from);
      } catch (error) {
        if (!this.#accepting) return;
        const level = error instanceof WireError ? "warning" : "error";
        log[level]("datagram ignored", { from, reason: messageOf(error) });
      }
    }
  }
}

const ACCEPT_PAUSE_MS = 100;

function listenTcp(hostname: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port });
  } catch (error) {
    throw new ListenError(explain(error, hostname, "TCP", port));
  }
}

/** Broadcasts reach only sockets that are bound to all addresses. */
function listenUdp(
  port: number,
  opened: (Deno.TcpListener | Deno.DatagramConn)[],
  hostname = "0.0.0.0",
): Deno.DatagramConn {
  try {
    const socket = Deno.listenDatagram({
      transport: "udp",
      hostname,
      port,
      reuseAddress: true,
    });
    opened.push(socket);
    return socket;
  } catch (error) {
    throw new ListenError(explain(error, hostname, "UDP", port));
  }
}

function explain(error: unknown, hostname: string, protocol: string, port: number): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return `${protocol} port ${port} is taken by another program; stop it or choose others with -p`;
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return `${hostname} is no address of this machine; -i takes one of its own`;
  }
  return `cannot listen at ${hostname} ${protocol} port ${port}: ${messageOf(error)}`;
}
