/**
 * Asks a running scheduler of ours: the other end of its control side.
 *
 * @module
 */

import type { ConnectionConfig } from "../cli/connection_options.ts";
import { messageOf } from "../log/error_message.ts";
import { ListenError } from "../net/listen_error.ts";
import { TlsMismatch } from "../net/tls_side.ts";
import { Transport } from "../net/transport.ts";
import {
  CONTROL_GREETING_VERSION,
  type ControlAnswer,
  type ControlRequest,
  type ControlRequestName,
  decodeControlAnswer,
  encodeControlRequest,
} from "../wire/control.ts";
import {
  authCode,
  Deadlines,
  decodeClientAnswer,
  encodeClientRequest,
  FILLER_AUTH,
  type MessageStream,
  WireError,
} from "../wire/mod.ts";
import { CommandError } from "./command_error.ts";

/** Longest answer that is taken: a million jobs fit in. */
const MAX_ANSWER_BYTES = 512 * 1024 * 1024;
const MAX_GREETING_ANSWER_BYTES = 64 * 1024;

const PORT_LIST = new Intl.ListFormat("en-GB", { type: "disjunction" });

/** A scheduler that has answered our greeting. */
interface Found {
  readonly port: number;
  readonly sign: string;
}

/** See the module's description. */
export class ControlLink {
  readonly #connection: ConnectionConfig;
  readonly #transport: Transport;
  #found: Found | undefined;

  /** @throws {CommandError} where the certificate is of no use */
  constructor(connection: ConnectionConfig) {
    this.#connection = connection;
    const { tls, timeoutMs } = connection;
    try {
      this.#transport = new Transport({
        deadlines: new Deadlines(),
        timeoutMs,
        peers: "client",
        tls,
      });
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      throw new CommandError(error.message, { cause: error });
    }
  }

  /**
   * Asks; each time over connections of its own.
   *
   * @throws {CommandError} where there is no scheduler of ours, it does not take our secret, or
   * it cannot do what is asked
   */
  async ask<Name extends ControlRequestName>(
    request: ControlRequest<Name>,
  ): Promise<ControlAnswer<Name>> {
    const known = this.#found;
    try {
      return await this.#askAt(known ?? (this.#found = await this.#find()), request);
    } catch (error) {
      this.#found = undefined;
      // It may have been started anew since the last time.
      if (known !== undefined) return await this.ask(request);
      throw error;
    }
  }

  async #askAt<Name extends ControlRequestName>(
    { port, sign }: Found,
    request: ControlRequest<Name>,
  ): Promise<ControlAnswer<Name>> {
    try {
      const auth = authCode(this.#connection.secret, sign);
      const answer = await this.#exchange(port, auth, MAX_ANSWER_BYTES, [
        encodeControlRequest(request),
      ]);
      if (answer.length === 0) {
        throw new CommandError(
          `${this.#at(port)} refuses the request: its cluster secret is another one ` +
            "(--cluster_secret_file)",
        );
      }
      return decodeControlAnswer<Name>(request.request, answer);
    } catch (error) {
      throw this.#explained(error, port);
    }
  }

  /** Greets at each port, until a scheduler of ours answers. */
  async #find(): Promise<Found> {
    const failures: CommandError[] = [];
    for (const port of this.#connection.ports) {
      try {
        return { port, sign: await this.#greet(port) };
      } catch (error) {
        const failure = this.#explained(error, port);
        if (!isAbsence(error)) throw failure;
        failures.push(failure);
      }
    }
    const { host, ports } = this.#connection;
    if (ports.length === 1) throw failures[0];
    throw new CommandError(
      `no scheduler listens at ${host} port ${PORT_LIST.format(ports.map(String))}; start it, or ` +
        "say where it is with --scheduler_host and --scheduler_port",
      { cause: failures[0] },
    );
  }

  async #greet(port: number): Promise<string> {
    const greeting = encodeClientRequest({
      kind: "CLIENT",
      version: CONTROL_GREETING_VERSION,
      ipAddr: null,
      schedulerIpAddr: null,
    });
    const answer = await this.#exchange(port, FILLER_AUTH, MAX_GREETING_ANSWER_BYTES, greeting);
    if (answer.length === 0) throw this.#notOurs(port);
    try {
      return decodeClientAnswer(answer).sign;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      throw this.#notOurs(port);
    }
  }

  async #exchange(
    port: number,
    auth: Uint8Array,
    maxBytes: number,
    chunks: readonly Uint8Array[],
  ): Promise<Uint8Array> {
    let stream: MessageStream | undefined;
    try {
      stream = await this.#transport.connect(this.#connection.host, port);
      await stream.writeRequest(auth, ...chunks);
      return await stream.readMessage(maxBytes);
    } catch (error) {
      // Whoever refuses us may do so before it has read all of the request.
      if (error instanceof WireError && error.kind === "closed") return new Uint8Array(0);
      throw error;
    } finally {
      stream?.close();
    }
  }

  #at(port: number): string {
    return `the scheduler at ${this.#connection.host} port ${port}`;
  }

  #notOurs(port: number): CommandError {
    return new CommandError(
      `${this.#at(port)} does not know this command: it is dispy's own dispyscheduler.py, or ` +
        (this.#connection.tls === null
          ? "another program, or it speaks TLS (--cluster_certfile)"
          : "another program"),
    );
  }

  /** What went wrong, for the user. */
  #explained(error: unknown, port: number): CommandError {
    if (error instanceof CommandError) return error;
    const { host, tls, timeoutMs } = this.#connection;
    const cause = { cause: error };
    const mismatch = tlsMismatch(error);
    if (mismatch !== null) {
      return new CommandError(
        tls === null
          ? `${this.#at(port)} speaks TLS; give its certificate with --cluster_certfile`
          : `${this.#at(port)} ${
            mismatch.message.split("; ")[0]
          }; --cluster_certfile must be the ` +
            "file that the scheduler was started with",
        cause,
      );
    }
    if (!(error instanceof WireError)) {
      return new CommandError(`${this.#at(port)} cannot be asked: ${messageOf(error)}`, cause);
    }
    switch (error.kind) {
      case "refused":
        return new CommandError(error.message, cause);
      case "timeout":
        return new CommandError(
          `${this.#at(port)} does not answer within ${timeoutMs / 1000} s (--msg_timeout); it ` +
            "may be another program, or busy",
          cause,
        );
      case "connect":
        return new CommandError(
          isAbsence(error)
            ? `no scheduler listens at ${host} port ${port}; start it, or say where it is with ` +
              "--scheduler_host and --scheduler_port"
            : error.message +
              (tls === null ? "" : "; if it has no TLS, leave --cluster_certfile out"),
          cause,
        );
      default:
        return new CommandError(`${this.#at(port)} answers what cannot be read: ${error.message}`, {
          ...cause,
        });
    }
  }
}

function tlsMismatch(error: unknown): TlsMismatch | null {
  if (error instanceof TlsMismatch) return error;
  return error instanceof WireError && error.cause instanceof TlsMismatch ? error.cause : null;
}

/** Whether nothing listens there at all. */
function isAbsence(error: unknown): boolean {
  return error instanceof WireError && error.kind === "connect" &&
    error.cause instanceof Deno.errors.ConnectionRefused;
}
