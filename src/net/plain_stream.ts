/**
 * A connection without TLS that notices a peer which speaks TLS.
 *
 * @module
 */

import type { ByteStream, StreamAddress } from "../wire/mod.ts";

/** See the module's description. */
export class PlainStream implements ByteStream {
  readonly #connection: Deno.TcpConn;
  readonly #onTls: () => Error;
  #looked = false;

  /** @param onTls Called where the peer speaks TLS; what it returns is thrown. */
  constructor(connection: Deno.TcpConn, onTls: () => Error) {
    this.#connection = connection;
    this.#onTls = onTls;
  }

  get remoteAddr(): StreamAddress {
    return this.#connection.remoteAddr;
  }

  get localAddr(): StreamAddress {
    return this.#connection.localAddr;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    if (this.#looked) return this.#connection.read(buffer);
    this.#looked = true;
    return this.#firstRead(buffer);
  }

  write(data: Uint8Array): Promise<number> {
    return this.#connection.write(data);
  }

  close(): void {
    try {
      this.#connection.close();
    } catch (error) {
      // It may have been closed to make room for others.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  setNoDelay(noDelay?: boolean): void {
    this.#connection.setNoDelay(noDelay);
  }

  async #firstRead(buffer: Uint8Array): Promise<number | null> {
    const count = await this.#connection.read(buffer);
    if (count !== null && beginsTls(buffer.subarray(0, count))) throw this.#onTls();
    return count;
  }
}

/**
 * Whether these are the first bytes of TLS: the record that a client begins with, or the alert of
 * a server that was sent something else. No message of dispy's looks like them: its length would
 * be followed by a tag or a pickle.
 */
function beginsTls([type, major, , lengthHigh, lengthLow, first]: Uint8Array): boolean {
  if (major !== 3) return false;
  const isClientHello = type === 0x16 && first === 0x01;
  const isAlert = type === 0x15 && lengthHigh === 0 && lengthLow === 2;
  return isClientHello || isAlert;
}
