/**
 * Connections to the peers of one side and from them, with TLS or without.
 *
 * @module
 */

import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import {
  type ByteStream,
  canonicalAddress,
  type Deadlines,
  MessageStream,
  WireError,
} from "../wire/mod.ts";
import { MAX_STRANGER_WARNINGS } from "./admission.ts";
import type { TlsIdentity } from "./tls_identity.ts";
import { PlainStream } from "./plain_stream.ts";
import { type PeerKind, speaksTls, TlsMismatch, TlsSide } from "./tls_side.ts";

const log = getLogger("tls");

/** A peer with other TLS options goes on trying; its warning is not repeated within this time. */
const MISMATCH_INTERVAL_MS = 10 * 60_000;

/** What a {@linkcode Transport} is made with. */
export interface TransportOptions {
  readonly deadlines: Deadlines;
  /** Limit for connecting, for the TLS handshake, and for every operation on a connection. */
  readonly timeoutMs: number;
  /** Who the peers are. */
  readonly peers: PeerKind;
  /** Our certificate, which the peers must have as well; `null` for no TLS. */
  readonly tls: TlsIdentity | null;
}

/** Makes outgoing connections, and makes use of incoming ones. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #tls: TlsSide | null;
  readonly #mismatches = new RepeatLimiter(log, {
    intervalMs: MISMATCH_INTERVAL_MS,
    maxPerInterval: MAX_STRANGER_WARNINGS,
  });

  /** @throws {ListenError} where our certificate is of no use */
  constructor(options: TransportOptions) {
    const { tls, peers, deadlines, timeoutMs } = options;
    this.#options = options;
    this.#tls = tls === null ? null : new TlsSide(peers, tls, deadlines, timeoutMs);
  }

  /**
   * Makes use of a connection that a peer has opened; closes it where that fails.
   *
   * @throws {WireError} where there is no TLS as there should be; whoever has to act was told
   */
  async welcome(connection: Deno.TcpConn): Promise<MessageStream> {
    const { hostname, port } = connection.remoteAddr;
    const from = canonicalAddress(hostname);
    return this.#messages(await this.#secured(connection, from, port, "server"));
  }

  /**
   * Opens a connection.
   *
   * @throws {WireError} `connect` where that fails or takes too long, or the peer is not the one
   * that TLS tells us to trust
   */
  async connect(hostname: string, port: number): Promise<MessageStream> {
    const connection = await this.#connected(hostname, port);
    return this.#messages(await this.#secured(connection, hostname, port, "client"));
  }

  /**
   * Looks whether somebody listens there, without a word.
   *
   * @throws {WireError} `connect` where not
   */
  async knock(hostname: string, port: number): Promise<void> {
    (await this.#connected(hostname, port)).close();
  }

  #messages(stream: ByteStream): MessageStream {
    const { deadlines, timeoutMs } = this.#options;
    return new MessageStream(stream, { deadlines, timeoutMs });
  }

  async #connected(hostname: string, port: number): Promise<Deno.TcpConn> {
    const { deadlines, timeoutMs } = this.#options;
    const abort = new AbortController();
    const target = { onDeadline: () => abort.abort() };
    deadlines.arm(target, timeoutMs);
    try {
      return await Deno.connect({
        hostname,
        port,
        autoSelectFamily: false,
        signal: abort.signal,
      });
    } catch (error) {
      const why = abort.signal.aborted
        ? `no answer within ${timeoutMs / 1000} s`
        : error instanceof Error
        ? error.message
        : String(error);
      throw cannotConnect(hostname, port, why, error);
    } finally {
      deadlines.disarm(target);
    }
  }

  async #secured(
    connection: Deno.TcpConn,
    hostname: string,
    port: number,
    role: "client" | "server",
  ): Promise<ByteStream> {
    const { peers } = this.#options;
    if (this.#tls === null) {
      return new PlainStream(connection, () => this.#told(hostname, speaksTls(peers)));
    }
    try {
      return await this.#tls.open(connection, role);
    } catch (error) {
      if (error instanceof TlsMismatch) this.#told(hostname, error);
      const why = error instanceof TlsMismatch
        ? `it ${error.message}`
        : error instanceof Error
        ? error.message
        : String(error);
      if (role === "client") throw cannotConnect(hostname, port, why, error);
      throw new WireError("closed", `no connection with ${hostname}: ${why}`, { cause: error });
    }
  }

  /** Tells the user of a peer that needs other options, once in a while. */
  #told(hostname: string, mismatch: TlsMismatch): TlsMismatch {
    const { peers } = this.#options;
    this.#mismatches.warning(hostname, `a ${peers} cannot be used as it is`, {
      [peers]: hostname,
      reason: `it ${mismatch.message}`,
    });
    return mismatch;
  }
}

function cannotConnect(hostname: string, port: number, why: string, cause: unknown): WireError {
  return new WireError("connect", `cannot connect to ${hostname} port ${port}: ${why}`, { cause });
}
