/**
 * Requests to the scheduler, each on a connection of its own, behind the auth code that the
 * scheduler's sign asks for. A scheduler that is started anew may have another sign: it is asked
 * for again whenever a request comes to nothing.
 *
 * @module
 */

import {
  authCode,
  type ClientRequest,
  decodeClientAnswer,
  encodeClientRequest,
  FILLER_AUTH,
  type MessageStream,
  WireError,
} from "../wire/mod.ts";
import {
  type ControlAnswer,
  type ControlRequest,
  type ControlRequestName,
  decodeControlAnswer,
  encodeControlRequest,
} from "../wire/control.ts";
import {
  DispyError,
  ProtocolError,
  SchedulerUnreachableError,
  VersionRefusedError,
} from "./errors.ts";
import type { Network } from "./network.ts";

/** Answers are short, but for results that are asked for. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** Where the scheduler is, and what it has to be told. */
export interface SchedulerAddress {
  readonly host: string;
  /** Its client port. */
  readonly port: number;
  readonly clusterSecret: string;
  /** The release of dispy that we announce. */
  readonly dispyVersion: string;
  /** The address at which we want to be reached, where it is not the one that it sees. */
  readonly externalHost: string | null;
}

/** What the scheduler says when it is greeted. */
export interface Greeting {
  /** Our address, as it sees us. */
  readonly ipAddr: string;
  /** Our address, as we see ourselves. */
  readonly localAddress: string;
}

/** See the module's description. */
export class SchedulerLink {
  /** Told when the scheduler turns out to have been started anew, whoever has greeted it. */
  onNew: () => void = () => {};
  #auth: Uint8Array | null = null;
  #sign: string | null = null;
  #port: number;

  constructor(readonly network: Network, readonly address: SchedulerAddress) {
    this.#port = address.port;
  }

  /** The scheduler's sign, which it has another of each time it is started; `null` at first. */
  get sign(): string | null {
    return this.#sign;
  }

  /**
   * Greets the scheduler, which tells its sign.
   *
   * @throws {SchedulerUnreachableError}
   * @throws {VersionRefusedError}
   * @throws {TlsError}
   * @throws {ProtocolError}
   */
  async greet(): Promise<Greeting> {
    const { host, port, clusterSecret, dispyVersion, externalHost } = this.address;
    return await this.#onConnection(host, port, async (stream) => {
      const request = encodeClientRequest({
        kind: "CLIENT",
        version: dispyVersion,
        ipAddr: externalHost,
        schedulerIpAddr: stream.remoteAddr.hostname,
      });
      await stream.writeRequest(FILLER_AUTH, ...request);
      const message = await stream.readMessage(MAX_ANSWER_BYTES);
      if (message.length === 0) {
        // One that has answered before takes our release: it was killed before it could answer.
        if (this.#sign !== null) {
          throw new SchedulerUnreachableError(
            `the scheduler at ${host} port ${port} has ended the connection without an answer`,
          );
        }
        throw new VersionRefusedError(
          `the scheduler at ${host} port ${port} does not answer a client of dispy ` +
            `${dispyVersion}; give the scheduler's own release as \`dispyVersion\``,
        );
      }
      const answer = decodeClientAnswer(message);
      const isNew = this.#sign !== null && this.#sign !== answer.sign;
      this.#sign = answer.sign;
      this.#auth = authCode(clusterSecret, answer.sign);
      this.#port = answer.port;
      if (isNew) this.onNew();
      return { ipAddr: answer.ipAddr, localAddress: stream.localAddr.hostname };
    });
  }

  /**
   * Sends a request, and has `converse` do the rest on its connection.
   *
   * @throws {SchedulerUnreachableError} Also where the connection breaks in the middle.
   */
  async request<T>(
    request: ClientRequest,
    converse: (stream: MessageStream) => Promise<T>,
  ): Promise<T> {
    if (this.#auth === null) await this.greet();
    const auth = this.#auth as Uint8Array;
    return await this.#onConnection(this.address.host, this.#port, async (stream) => {
      await stream.writeRequest(auth, ...encodeClientRequest(request));
      return await converse(stream);
    });
  }

  /**
   * Sends a request and reads its answer. A scheduler that gives none is greeted: if it was
   * started anew, the request is sent again.
   *
   * @returns The answer; empty where the scheduler ends the connection without one.
   * @throws {SchedulerUnreachableError}
   */
  async ask(request: ClientRequest, maxBytes: number = MAX_ANSWER_BYTES): Promise<Uint8Array> {
    const send = () => this.request(request, (stream) => stream.readMessage(maxBytes));
    const sign = this.#sign;
    const answer = await send();
    if (answer.length > 0) return answer;
    await this.greet();
    return sign !== null && sign !== this.#sign ? await send() : answer;
  }

  /**
   * Sends a request and reads its answer, which has to be there.
   *
   * @throws {SchedulerUnreachableError} Also where there is none.
   * @throws {ProtocolError} Where `decode` cannot read it.
   */
  async askFor<T>(request: ClientRequest, decode: (message: Uint8Array) => T): Promise<T> {
    const message = await this.ask(request);
    try {
      return decode(message);
    } catch (error) {
      throw explained(error, this.address.host, this.#port);
    }
  }

  /**
   * Sends a request that has no answer. As nothing would tell that it was not understood, the
   * scheduler is greeted first.
   *
   * @throws {SchedulerUnreachableError}
   */
  async tell(request: ClientRequest): Promise<Greeting> {
    const greeting = await this.greet();
    await this.request(request, (stream) => stream.waitForClose());
    return greeting;
  }

  /**
   * Asks what only schedulers of this project understand.
   *
   * @throws {SchedulerUnreachableError}
   * @throws {WireError} where the scheduler does not, or cannot tell
   */
  async askControl<Name extends ControlRequestName>(
    request: ControlRequest<Name>,
  ): Promise<ControlAnswer<Name>> {
    if (this.#auth === null) await this.greet();
    const auth = this.#auth as Uint8Array;
    const message = await this.#onConnection(this.address.host, this.#port, async (stream) => {
      await stream.writeRequest(auth, encodeControlRequest(request));
      return await stream.readMessage(MAX_ANSWER_BYTES);
    });
    return decodeControlAnswer<Name>(request.request, message);
  }

  async #onConnection<T>(
    host: string,
    port: number,
    use: (stream: MessageStream) => Promise<T>,
  ): Promise<T> {
    let stream: MessageStream | undefined;
    try {
      stream = await this.network.connect(host, port);
      return await use(stream);
    } catch (error) {
      throw explained(error, host, port);
    } finally {
      stream?.close();
    }
  }
}

function explained(error: unknown, host: string, port: number): unknown {
  if (!(error instanceof WireError)) return error;
  const where = `the scheduler at ${host} port ${port}`;
  switch (error.kind) {
    case "connect":
      return new SchedulerUnreachableError(`${error.message}; is the scheduler running there?`, {
        cause: error,
      });
    case "closed":
    case "timeout":
      return new SchedulerUnreachableError(`${where} does not answer: ${error.message}`, {
        cause: error,
      });
    case "too_large":
    case "malformed":
      return new ProtocolError(
        `${where} answers with something else than dispy's protocol (${error.message}); ` +
          "is this the client port, and is TLS the same on both sides?",
        { cause: error },
      );
    case "refused":
      return error;
  }
}

/** Whether to try again later: the scheduler may come back. */
export function isTemporary(error: unknown): boolean {
  return error instanceof SchedulerUnreachableError;
}

/** An error that a program can make sense of, whatever was thrown. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new DispyError(String(error));
}
