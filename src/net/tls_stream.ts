/**
 * TLS over a TCP connection, as a stream of bytes.
 *
 * `node:tls` does the cryptography, as `Deno.connectTls` refuses the self-signed CA certificates
 * that dispy's users have, and `Deno.listenTls` cannot turn Nagle's algorithm off, which costs
 * 40 ms a request. It works on a duplex stream of ours in front of the connection, for two
 * reasons: ciphertext is read only when somebody waits for clear text (a socket of `node:tls`
 * itself reads on whether or not anybody takes what it brings), and connecting and accepting stay
 * what they are without TLS.
 *
 * @module
 */

import { Duplex } from "node:stream";
import { connect, type SecureContext, TLSSocket } from "node:tls";
import type { X509Certificate } from "node:crypto";
import type { ByteStream, Deadlines, StreamAddress } from "../wire/mod.ts";

/** Ciphertext is read in pieces of this size: a record of full size fits. */
const READ_BYTES = 32 * 1024;

/** `node:tls` encrypts so much at a time, and copies what is left over each time. */
const WRITE_BYTES = 48 * 1024;

/** How long the farewell to a peer may take to leave. */
const FAREWELL_MS = 1_000;

/** First byte of a TLS record: an alert, a part of a handshake. */
const ALERT_RECORD = 0x15;
const HANDSHAKE_RECORD = 0x16;

/**
 * Why there is no TLS connection:
 *
 * - `plain_text`: what the peer sends is no TLS
 * - `closed`: the peer ended the connection before the handshake was over
 * - `failed`: the peers do not agree; the message is that of `node:tls`
 */
export class HandshakeError extends Error {
  override readonly name = "HandshakeError";

  constructor(
    readonly kind: "plain_text" | "closed" | "failed",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

interface PendingRead {
  readonly buffer: Uint8Array;
  resolve(count: number | null): void;
  reject(error: Error): void;
}

interface PendingWrite {
  readonly count: number;
  /** `node:tls` has encrypted it. */
  encrypted: boolean;
  resolve(count: number): void;
  reject(error: Error): void;
}

/** See the module's description. One read and one write at a time. */
export class TlsStream implements ByteStream {
  readonly #connection: Deno.TcpConn;
  readonly #deadlines: Deadlines;
  readonly #wire: Duplex;
  readonly #tls: TLSSocket;
  readonly #handshake = Promise.withResolvers<void>();
  /** The farewell has left. */
  readonly #finished = Promise.withResolvers<void>();
  readonly #farewell = { onDeadline: () => this.#destroy() };
  #state: "handshake" | "open" | "closed" = "handshake";
  /** What was wrong with the connection: every further operation throws it. */
  #failure: Error | null = null;
  /** Clear text that nobody has asked for yet. */
  #clear: Uint8Array[] = [];
  #ended = false;
  #pendingRead: PendingRead | null = null;
  #pendingWrite: PendingWrite | null = null;
  /** The wire has asked for ciphertext. */
  #wanted = false;
  #reading = false;
  #sending = false;
  #seen = false;
  #saidFarewell = false;

  /**
   * @param connection A connection on which nothing was read or written yet; it is closed with
   *   this stream.
   * @param role `server` where the peer has opened the connection.
   */
  constructor(
    connection: Deno.TcpConn,
    role: "client" | "server",
    context: SecureContext,
    deadlines: Deadlines,
  ) {
    this.#connection = connection;
    this.#deadlines = deadlines;
    // Records leave one by one, each with what belongs to it: waiting for more is of no use.
    connection.setNoDelay(true);
    this.#handshake.promise.catch(() => {});
    this.#finished.promise.catch(() => {});
    this.#wire = new Duplex({
      read: () => {
        this.#wanted = true;
        this.#pump();
      },
      write: (chunk: Uint8Array, _encoding, done) => void this.#send(chunk, done),
    });
    this.#tls = role === "server"
      ? new TLSSocket(this.#wire, { isServer: true, secureContext: context })
      // Whom to trust is decided by who made this stream, not by names or by public authorities.
      : connect({
        socket: this.#wire,
        secureContext: context,
        rejectUnauthorized: false,
        checkServerIdentity: () => undefined,
      });
    this.#tls.on(role === "server" ? "secure" : "secureConnect", () => this.#onSecure());
    this.#tls.on("data", (chunk: Uint8Array) => this.#onClear(chunk));
    this.#tls.on("end", () => this.#onEnd());
    this.#tls.on("close", () => this.#onEnd());
    this.#tls.on("error", (error: Error) => this.#onTlsError(error));
    this.#wire.on("error", (error: Error) => this.#onTlsError(error));
  }

  /**
   * Waits until both sides agree; to be called first. Its time limit is the caller's:
   * {@linkcode close} ends it.
   *
   * @throws {HandshakeError}
   */
  handshake(): Promise<void> {
    return this.#handshake.promise;
  }

  /** The peer's certificate with its issuers, and whether TLS itself trusts it. */
  peerCertificate(): { certificate: X509Certificate; verified: boolean } | null {
    const certificate = this.#tls.getPeerX509Certificate();
    return certificate === undefined ? null : { certificate, verified: this.#tls.authorized };
  }

  get remoteAddr(): StreamAddress {
    return this.#connection.remoteAddr;
  }

  get localAddr(): StreamAddress {
    return this.#connection.localAddr;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    if (this.#clear.length > 0) return Promise.resolve(this.#take(buffer));
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#state === "closed") return Promise.reject(closedHere());
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.#pendingRead = { buffer, resolve, reject };
      this.#pump();
    });
  }

  write(data: Uint8Array): Promise<number> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#state === "closed") return Promise.reject(closedHere());
    const part = data.length <= WRITE_BYTES ? data : data.subarray(0, WRITE_BYTES);
    return new Promise((resolve, reject) => {
      const pending = { count: part.length, encrypted: false, resolve, reject };
      this.#pendingWrite = pending;
      this.#tls.write(part, (error) => {
        if (error) this.#fail(error);
        pending.encrypted = true;
        this.#checkWritten();
      });
    });
  }

  /** Says farewell to the peer; what it still sends can be read. */
  endWriting(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#state === "closed") return Promise.reject(closedHere());
    this.#sayFarewell();
    return this.#finished.promise;
  }

  /** Says farewell to the peer, where that takes no waiting, and ends the connection. */
  close(): void {
    if (this.#state === "closed") return;
    const polite = this.#state === "open" && this.#failure === null &&
      this.#pendingWrite === null && !this.#saidFarewell;
    this.#state = "closed";
    this.#clear = [];
    this.#rejectPending(closedHere());
    if (!polite) return this.#destroy();
    this.#deadlines.arm(this.#farewell, FAREWELL_MS);
    this.#sayFarewell();
  }

  #sayFarewell(): void {
    this.#saidFarewell = true;
    this.#tls.end(() => this.#checkFinished());
  }

  #checkFinished(): void {
    if (this.#sending || !this.#tls.writableFinished) return;
    this.#finished.resolve();
    if (this.#state === "closed") this.#destroy();
  }

  /** Reads ciphertext if the wire wants it and somebody has a use for it. */
  #pump(): void {
    const useful = this.#state === "handshake" ||
      (this.#pendingRead !== null && this.#clear.length === 0);
    if (!useful || !this.#wanted || this.#reading || this.#failure !== null) return;
    this.#wanted = false;
    this.#reading = true;
    const buffer = new Uint8Array(READ_BYTES);
    this.#connection.read(buffer).then((count) => {
      this.#reading = false;
      this.#onCiphertext(count === null ? null : buffer.subarray(0, count));
    }, (error) => {
      this.#reading = false;
      this.#fail(error);
    });
  }

  #onCiphertext(bytes: Uint8Array | null): void {
    if (bytes !== null && !this.#seen) {
      this.#seen = true;
      if (bytes[0] !== HANDSHAKE_RECORD && bytes[0] !== ALERT_RECORD) {
        return this.#fail(new HandshakeError("plain_text", "the peer speaks plain text"));
      }
    }
    if (bytes === null && this.#state === "handshake") {
      return this.#fail(new HandshakeError("closed", "the peer closed the connection"));
    }
    this.#wire.push(bytes);
    this.#pump();
  }

  async #send(chunk: Uint8Array, done: (error?: Error | null) => void): Promise<void> {
    this.#sending = true;
    try {
      let sent = 0;
      while (sent < chunk.length) sent += await this.#connection.write(chunk.subarray(sent));
    } catch (error) {
      this.#fail(error);
    }
    this.#sending = false;
    done();
    this.#checkWritten();
    if (this.#saidFarewell) this.#checkFinished();
  }

  #onSecure(): void {
    if (this.#state !== "handshake") return;
    this.#state = "open";
    this.#handshake.resolve();
  }

  #onClear(chunk: Uint8Array): void {
    if (this.#state === "closed") return;
    this.#clear.push(chunk);
    const pending = this.#pendingRead;
    if (pending === null) return;
    this.#pendingRead = null;
    pending.resolve(this.#take(pending.buffer));
  }

  #take(target: Uint8Array): number {
    const chunk = this.#clear[0] as Uint8Array;
    const count = Math.min(chunk.length, target.length);
    target.set(chunk.subarray(0, count));
    if (count === chunk.length) this.#clear.shift();
    else this.#clear[0] = chunk.subarray(count);
    return count;
  }

  #onEnd(): void {
    this.#ended = true;
    this.#pendingRead?.resolve(null);
    this.#pendingRead = null;
  }

  #checkWritten(): void {
    const pending = this.#pendingWrite;
    // More is encrypted only when the connection has taken what is: the peer sets the pace.
    if (pending === null || !pending.encrypted || this.#sending) return;
    this.#pendingWrite = null;
    pending.resolve(pending.count);
  }

  #onTlsError(error: Error): void {
    const handshaking = this.#state === "handshake";
    this.#fail(
      handshaking ? new HandshakeError("failed", error.message, { cause: error }) : error,
    );
  }

  #fail(reason: unknown): void {
    if (this.#failure !== null || this.#state === "closed") return;
    const failure = reason instanceof Error ? reason : new Error(String(reason));
    this.#failure = this.#state === "handshake" && !(failure instanceof HandshakeError)
      ? new HandshakeError("closed", failure.message, { cause: failure })
      : failure;
    this.#rejectPending(this.#failure);
    this.#destroy();
  }

  #rejectPending(error: Error): void {
    this.#handshake.reject(error);
    this.#pendingRead?.reject(error);
    this.#pendingWrite?.reject(error);
    this.#finished.reject(error);
    this.#pendingRead = this.#pendingWrite = null;
  }

  #destroy(): void {
    this.#deadlines.disarm(this.#farewell);
    try {
      this.#connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    this.#tls.destroy();
    this.#wire.destroy();
  }
}

function closedHere(): Error {
  return new Deno.errors.Interrupted("the connection was closed here");
}
