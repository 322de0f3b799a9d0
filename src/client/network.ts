/**
 * Connections to the scheduler and to nodes, and the port for their replies, with TLS or without.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { connect as connectSocket, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import { messageOf } from "../log/error_message.ts";
import { Trust } from "../net/tls_trust.ts";
import { HandshakeError, TlsStream } from "../net/tls_stream.ts";
import { type ByteStream, Deadlines, MessageStream, WireError } from "../wire/mod.ts";
import { ListenError, TlsError } from "./errors.ts";
import type { TlsOptions } from "./options.ts";
import { SocketStream } from "./socket_stream.ts";

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----[^]*?-----END \1?PRIVATE KEY-----/;

/** More connections to the port for replies than this at once are turned away. */
const MAX_REPLY_CONNECTIONS = 1024;

/** A port that is open. */
export interface Listening {
  readonly port: number;
  /** Takes no more connections. */
  close(): Promise<void>;
}

/** Makes connections of one kind: all with TLS, or none. */
export class Network {
  readonly deadlines: Deadlines = new Deadlines();
  readonly #timeoutMs: number;
  /** What the streams are made of. */
  readonly #sockets = new WeakMap<MessageStream, SocketStream>();
  readonly #tls: { readonly context: SecureContext; readonly trust: Trust } | null;

  /**
   * @param timeoutMs Limit for connecting, for the TLS handshake, and for every read and write.
   * @throws {TlsError} Where the certificate or its key cannot be used.
   */
  constructor(timeoutMs: number, tls: TlsOptions | undefined) {
    this.#timeoutMs = timeoutMs;
    this.#tls = tls === undefined ? null : openTls(tls);
  }

  /**
   * Opens a connection.
   *
   * @throws {WireError} `connect` where there is nobody.
   * @throws {TlsError} Where the other side has no TLS, or another certificate.
   */
  async connect(host: string, port: number): Promise<MessageStream> {
    const plain = new SocketStream(await this.#connected(host, port));
    const where = `${host} port ${port}`;
    const stream = this.#messages(
      this.#tls === null ? plain : await this.#secured(plain, "client", where),
    );
    this.#sockets.set(stream, plain);
    return stream;
  }

  /** Whether the other side of a stream of {@linkcode connect} has read all that it was sent. */
  endedWell(stream: MessageStream): boolean {
    return this.#sockets.get(stream)?.wasReset === false;
  }

  /**
   * Opens a port and has `serve` serve what connects to it, one stream at a time each.
   *
   * @param host Address of this machine.
   * @param port 0 for any free one.
   * @throws {ListenError}
   */
  listen(
    host: string,
    port: number,
    serve: (stream: MessageStream) => Promise<void>,
  ): Promise<Listening> {
    const { promise, resolve, reject } = Promise.withResolvers<Listening>();
    const open = new Set<Socket>();
    const server: Server = createServer({ noDelay: true }, (socket) => {
      open.add(socket);
      socket.once("close", () => open.delete(socket));
      void this.#welcome(socket, serve);
    });
    server.maxConnections = MAX_REPLY_CONNECTIONS;
    server.once("error", (error) => {
      reject(
        new ListenError(`cannot listen at ${host} port ${port}: ${error.message}`, {
          cause: error,
        }),
      );
    });
    server.listen({ host, port }, () => {
      const { port: bound } = server.address() as AddressInfo;
      resolve({
        port: bound,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            for (const socket of open) socket.destroy();
          }),
      });
    });
    return promise;
  }

  #messages(stream: ByteStream): MessageStream {
    return new MessageStream(stream, { deadlines: this.deadlines, timeoutMs: this.#timeoutMs });
  }

  #connected(host: string, port: number): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connectSocket({ host, port, noDelay: true });
      const fail = (why: string, cause?: unknown) => {
        clearTimeout(timer);
        socket.destroy();
        reject(
          new WireError("connect", `cannot connect to ${host} port ${port}: ${why}`, { cause }),
        );
      };
      const timer = setTimeout(
        () => fail(`no answer within ${this.#timeoutMs / 1000} s`),
        this.#timeoutMs,
      );
      const onError = (error: Error) => fail(reasonOf(error), error);
      socket.once("error", onError);
      socket.once("connect", () => {
        clearTimeout(timer);
        socket.off("error", onError);
        resolve(socket);
      });
    });
  }

  async #welcome(
    socket: Socket,
    serve: (stream: MessageStream) => Promise<void>,
  ): Promise<void> {
    const plain = new SocketStream(socket);
    let stream: MessageStream | undefined;
    try {
      stream = this.#messages(
        this.#tls === null ? plain : await this.#secured(plain, "server", "a peer"),
      );
      await serve(stream);
    } catch (error) {
      // Whoever connects and says nothing of use may be anybody; the scheduler tries again.
      if (!(error instanceof WireError || error instanceof TlsError)) throw error;
    } finally {
      (stream ?? plain).close();
    }
  }

  async #secured(
    plain: SocketStream,
    role: "client" | "server",
    where: string,
  ): Promise<ByteStream> {
    const { context, trust } = this.#tls!;
    // The part of a Deno.TcpConn that it uses, it finds in a SocketStream as well.
    const connection = plain as unknown as Deno.TcpConn;
    const stream = new TlsStream(connection, role, context, this.deadlines);
    const timer = setTimeout(() => stream.close(), this.#timeoutMs);
    try {
      await stream.handshake();
      if (role === "client") {
        const peer = stream.peerCertificate();
        const problem = peer === null ? "shows no certificate" : trust.problem(peer, Date.now());
        if (problem !== null) throw new TlsError(`${where} ${problem}`);
      }
      return stream;
    } catch (error) {
      stream.close();
      if (error instanceof TlsError) throw error;
      throw new TlsError(`no TLS with ${where}: ${handshakeProblem(error)}`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }
}

function handshakeProblem(error: unknown): string {
  if (error instanceof HandshakeError && error.kind === "plain_text") {
    return "it speaks plain text; was it started with --cluster_certfile?";
  }
  return messageOf(error);
}

/** What the system's names for common troubles mean. */
const TROUBLES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  EHOSTUNREACH: "no route to that host",
  ENETUNREACH: "no route to that network",
  ENOTFOUND: "the name is not known",
};

function reasonOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  const trouble = code === undefined ? undefined : TROUBLES[code];
  if (trouble !== undefined) return trouble;
  // A name with several addresses fails with one error for each.
  const { errors } = error as AggregateError;
  return error.message || (Array.isArray(errors) ? errors.map(reasonOf).join("; ") : "failed");
}

function openTls(options: TlsOptions): { context: SecureContext; trust: Trust } {
  const { certPem, keyPem } = readTls(options);
  try {
    const trust = new Trust(certPem);
    const fault = trust.fault();
    if (fault !== null) throw new Error(`it ${fault}`);
    return { context: createSecureContext({ cert: certPem, key: keyPem, ca: certPem }), trust };
  } catch (error) {
    throw new TlsError(`the certificate cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * A certificate and its key as PEM texts.
 *
 * @throws {TlsError} Where a file cannot be read, or does not hold what it should.
 */
export function readTls(options: TlsOptions): { certPem: string; keyPem: string } {
  if ("certPem" in options) return options;
  const { certFile, keyFile } = options;
  try {
    const certText = readFileSync(certFile, "utf8");
    const keyText = keyFile === undefined ? certText : readFileSync(keyFile, "utf8");
    const certPem = certText.match(CERTIFICATES)?.join("\n");
    const keyPem = PRIVATE_KEY.exec(keyText)?.[0];
    if (certPem === undefined) throw new Error(`${certFile} holds no certificate in PEM`);
    if (keyPem === undefined) throw new Error(`${keyFile ?? certFile} holds no private key in PEM`);
    return { certPem: certPem + "\n", keyPem: keyPem + "\n" };
  } catch (error) {
    throw new TlsError(messageOf(error), { cause: error });
  }
}
