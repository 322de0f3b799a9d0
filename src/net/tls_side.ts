/**
 * TLS with the peers of one side: which certificate we show, whom we trust, and in plain words
 * what is wrong where we and a peer do not agree.
 *
 * @module
 */

import { messageOf } from "../log/error_message.ts";
import { createSecureContext, type SecureContext } from "node:tls";
import { getLogger } from "../log/log.ts";
import { type Deadlines, WireError } from "../wire/mod.ts";
import { ListenError } from "./listen_error.ts";
import type { TlsIdentity } from "./tls_identity.ts";
import { HandshakeError, TlsStream } from "./tls_stream.ts";
import { Trust } from "./tls_trust.ts";

const log = getLogger("tls");

/** Who the peers of a side are: nodes and clients of a scheduler, or schedulers of a node. */
export type PeerKind = "node" | "client" | "scheduler";

/** Who we are to the peers of a kind, and how the certificate is given to us and to them. */
const OPTIONS = {
  node: { we: "the scheduler", ours: "--node_certfile", theirs: "--certfile" },
  client: { we: "the scheduler", ours: "--cluster_certfile", theirs: "certfile=" },
  scheduler: { we: "this node", ours: "--certfile", theirs: "--node_certfile or certfile=" },
} as const;

/** What peers say of a certificate that they do not take: an alert of TLS. */
const CERTIFICATE_ALERT = /unknown.?ca|certificate|decrypt.?error/i;

/** A peer needs other TLS options, or we do; the message says which, in words after "it". */
export class TlsMismatch extends Error {
  override readonly name = "TlsMismatch";
}

/** A peer speaks TLS where we do not. */
export function speaksTls(peers: PeerKind): TlsMismatch {
  const { we, ours, theirs } = OPTIONS[peers];
  return new TlsMismatch(
    `speaks TLS; start ${we} with ${ours}, or the ${peers} without ${theirs}`,
  );
}

/** See the module's description. */
export class TlsSide {
  readonly #context: SecureContext;
  readonly #trust: Trust;

  /** @throws {ListenError} where the certificate or the key is of no use */
  constructor(
    private readonly peers: PeerKind,
    { certPem, keyPem }: TlsIdentity,
    private readonly deadlines: Deadlines,
    private readonly timeoutMs: number,
  ) {
    const option = OPTIONS[peers].ours;
    try {
      this.#trust = new Trust(certPem);
      const fault = this.#trust.fault();
      if (fault !== null) throw new Error(`it ${fault}`);
      this.#context = createSecureContext({ cert: certPem, key: keyPem, ca: certPem });
    } catch (error) {
      const reason = messageOf(error);
      throw new ListenError(`the certificate of ${option} cannot be used: ${reason}`);
    }
    const warning = this.#trust.warning(Date.now());
    if (warning !== null) {
      log.warning(`peers will refuse the certificate of ${option}: it ${warning}`);
    }
  }

  /**
   * Makes TLS of a connection on which nothing was read or written yet, within the time limit.
   * Where that fails, the connection is closed.
   *
   * @param role `server` where the peer has opened the connection.
   * @throws {TlsMismatch} where the peer needs other options, or we do
   * @throws {WireError} `closed`, `timeout` where nothing says so
   */
  async open(connection: Deno.TcpConn, role: "client" | "server"): Promise<TlsStream> {
    const stream = this.#wrap(connection, role);
    let late = false;
    const target = {
      onDeadline: () => {
        late = true;
        stream.close();
      },
    };
    this.deadlines.arm(target, this.timeoutMs);
    try {
      await stream.handshake();
      if (role === "client") this.#checkPeer(stream);
      return stream;
    } catch (error) {
      stream.close();
      throw late ? this.#late(role) : this.#explained(error, role);
    } finally {
      this.deadlines.disarm(target);
    }
  }

  #wrap(connection: Deno.TcpConn, role: "client" | "server"): TlsStream {
    try {
      return new TlsStream(connection, role, this.#context, this.deadlines);
    } catch (error) {
      // Some systems set no options of a connection that the peer has reset.
      connection.close();
      const reason = messageOf(error);
      throw new WireError("closed", `no TLS handshake: ${reason}`, { cause: error });
    }
  }

  #checkPeer(stream: TlsStream): void {
    const peer = stream.peerCertificate();
    const problem = peer === null ? "shows no certificate" : this.#trust.problem(peer, Date.now());
    if (problem === null) return;
    throw new TlsMismatch(`${problem}; ${this.#advice()}`);
  }

  #late(role: "client" | "server"): Error {
    const within = `within ${this.timeoutMs / 1000} s`;
    // Who opens a connection and is silent may be anybody; a dispy peer without TLS waits for more.
    if (role === "server") return new WireError("timeout", `no TLS handshake ${within}`);
    return new TlsMismatch(`did not answer the TLS handshake ${within}; ${this.#advice()}`);
  }

  #explained(error: unknown, role: "client" | "server"): unknown {
    if (!(error instanceof HandshakeError)) return error;
    const { ours } = OPTIONS[this.peers];
    switch (error.kind) {
      case "plain_text":
        return new TlsMismatch(`speaks plain text; ${this.#advice()}`, { cause: error });
      case "closed":
        return new WireError("closed", `no TLS handshake: ${error.message}`, { cause: error });
      case "failed":
        return new TlsMismatch(
          role === "server" && CERTIFICATE_ALERT.test(error.message)
            ? `does not take the certificate of ${ours} (${error.message}); ${this.#advice()}`
            : `failed in the TLS handshake: ${error.message}`,
          { cause: error },
        );
    }
  }

  #advice(): string {
    const { ours, theirs } = OPTIONS[this.peers];
    return `start it with the file of ${ours} (${theirs})`;
  }
}
