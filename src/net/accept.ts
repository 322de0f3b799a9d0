/**
 * Listening by TCP: which sockets are opened, and how each connection that comes is let in, served
 * and ended, whatever happens in between.
 *
 * @module
 */

import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import { canonicalAddress, type MessageStream, WireError } from "../wire/mod.ts";
import type { Admission, Guest } from "./admission.ts";
import { listenError } from "./listen_error.ts";
import type { Transport } from "./transport.ts";

const log = getLogger("server");

/** Connections that cannot be accepted are one line in this time. */
const SHORTAGE_INTERVAL_MS = 60_000;

const ACCEPT_PAUSE_MS = 100;

const shortages = new RepeatLimiter(log, { intervalMs: SHORTAGE_INTERVAL_MS });

/** What goes wrong with one connection may go wrong with each. */
const errors = new RepeatLimiter(log, { intervalMs: 60_000, maxPerInterval: 20 });

/** What becomes of the connections to a port. */
export interface Entrance {
  readonly transport: Transport;
  readonly admission: Admission;
  /** Whether connections are taken: false once the listener was closed on purpose. */
  isOpen(): boolean;
  /** Serves one connection; throws {@linkcode WireError} where the peer is at fault. */
  serve(stream: MessageStream, guest: Guest): Promise<void>;
  /** The system is short of connections: some should be closed. */
  onShortage(): void;
}

/**
 * Opens a TCP port.
 *
 * @param listenAt Addresses; empty = all, those of IPv6 too where the machine has it.
 * @throws {ListenError} where one of them cannot be opened; then none is
 */
export function openTcp(listenAt: readonly string[], port: number): Deno.TcpListener[] {
  if (listenAt.length === 0) return listenEverywhere(port);
  const opened: Deno.TcpListener[] = [];
  try {
    for (const hostname of listenAt) opened.push(listenTcp(hostname, port));
  } catch (error) {
    for (const each of opened) each.close();
    throw error;
  }
  return opened;
}

/** Accepts and serves connections until the entrance is closed. */
export async function acceptFrom(listener: Deno.TcpListener, entrance: Entrance): Promise<void> {
  while (entrance.isOpen()) {
    let connection: Deno.TcpConn;
    try {
      connection = await listener.accept();
    } catch (error) {
      if (!entrance.isOpen()) return;
      // A pause would stall all others, who have done nothing.
      if (isPeersFault(error)) continue;
      // Out of file handles, most likely: a pause lets some connections end.
      shortages.error("accept", "cannot accept connections; raise `ulimit -n`", {
        reason: messageOf(error),
      });
      entrance.onShortage();
      await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
      continue;
    }
    const from = canonicalAddress(connection.remoteAddr.hostname);
    let stream: MessageStream | undefined;
    const guest = entrance.admission.admit(from, () => (stream ?? connection).close());
    if (guest === null) {
      connection.close();
      continue;
    }
    void serve(guest, entrance, async () => {
      return stream = await entrance.transport.welcome(connection);
    });
  }
}

async function serve(
  guest: Guest,
  entrance: Entrance,
  welcome: () => Promise<MessageStream>,
): Promise<void> {
  const from = guest.address;
  let stream: MessageStream | undefined;
  try {
    stream = await welcome();
    await entrance.serve(stream, guest);
  } catch (error) {
    if (error instanceof WireError) {
      const atFault = error.kind === "malformed" || error.kind === "too_large";
      if (atFault) entrance.admission.complain(from, "connection ended", error.message);
      else log.debug("connection ended", { from, reason: error.message });
    } else {
      const reason = messageOf(error);
      errors.error(reason, "internal error while serving a connection", {
        from,
        reason,
        stack: error instanceof Error ? error.stack : undefined,
      });
    }
  } finally {
    guest.leave();
    stream?.close();
  }
}

/** Whether a peer has reset its connection before it was accepted. */
function isPeersFault(error: unknown): boolean {
  return error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted;
}

function listenTcp(hostname: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port });
  } catch (error) {
    throw listenError(error, hostname, "TCP", port);
  }
}

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
