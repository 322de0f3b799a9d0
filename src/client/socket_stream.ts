/**
 * A socket of `node:net` as a stream of bytes. Deno and Node.js both have `node:net`, so the one
 * implementation serves both.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { ByteStream, StreamAddress } from "../wire/mod.ts";

/** What has come and is not asked for yet may grow to this before the peer has to wait. */
const HIGH_WATER_BYTES = 256 * 1024;

/** How long bytes that are on their way may take to leave once the stream is closed. */
const FAREWELL_MS = 2_000;

interface PendingRead {
  readonly buffer: Uint8Array;
  resolve(count: number | null): void;
  reject(error: Error): void;
}

/** See the module's description. One read and one write at a time. */
export class SocketStream implements ByteStream {
  readonly remoteAddr: StreamAddress;
  readonly localAddr: StreamAddress;
  readonly #socket: Socket;
  #chunks: Uint8Array[] = [];
  #bufferedBytes = 0;
  #ended = false;
  #wasReset = false;
  #closed = false;
  #failure: Error | null = null;
  #pendingRead: PendingRead | null = null;

  /** @param socket One that is connected, and that nobody else listens to. */
  constructor(socket: Socket) {
    this.#socket = socket;
    this.remoteAddr = {
      hostname: socket.remoteAddress ?? "unknown address",
      port: socket.remotePort ?? 0,
    };
    this.localAddr = {
      hostname: socket.localAddress ?? "unknown address",
      port: socket.localPort ?? 0,
    };
    socket.on("data", (chunk: Uint8Array) => this.#onData(chunk));
    socket.on("end", () => this.#onEnd());
    socket.on("close", () => this.#onEnd());
    socket.on("error", (error: Error) => this.#onError(error));
  }

  /** Whether the peer has ended the connection without having read all that we sent. */
  get wasReset(): boolean {
    return this.#wasReset;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    if (this.#chunks.length > 0) return Promise.resolve(this.#take(buffer));
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#closed) return Promise.reject(closedHere());
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.#pendingRead = { buffer, resolve, reject };
    });
  }

  write(data: Uint8Array): Promise<number> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#closed) return Promise.reject(closedHere());
    return new Promise((resolve, reject) => {
      // The memory is the caller's again once this resolves.
      this.#socket.write(data, (error) => error ? reject(error) : resolve(data.length));
    });
  }

  endWriting(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve) => this.#socket.end(() => resolve()));
  }

  setNoDelay(noDelay: boolean = true): void {
    this.#socket.setNoDelay(noDelay);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#chunks = [];
    this.#pendingRead?.reject(closedHere());
    this.#pendingRead = null;
    const socket = this.#socket;
    if (socket.destroyed) return;
    const farewell = setTimeout(() => socket.destroy(), FAREWELL_MS);
    socket.once("close", () => clearTimeout(farewell));
    socket.destroySoon();
  }

  #onData(chunk: Uint8Array): void {
    if (this.#closed) return;
    this.#chunks.push(chunk);
    this.#bufferedBytes += chunk.length;
    if (this.#bufferedBytes >= HIGH_WATER_BYTES) this.#socket.pause();
    const pending = this.#pendingRead;
    if (pending === null) return;
    this.#pendingRead = null;
    pending.resolve(this.#take(pending.buffer));
  }

  #take(target: Uint8Array): number {
    const chunk = this.#chunks[0] as Uint8Array;
    const count = Math.min(chunk.length, target.length);
    target.set(chunk.subarray(0, count));
    if (count === chunk.length) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(count);
    const before = this.#bufferedBytes;
    this.#bufferedBytes -= count;
    if (before >= HIGH_WATER_BYTES && this.#bufferedBytes < HIGH_WATER_BYTES) this.#socket.resume();
    return count;
  }

  #onEnd(): void {
    this.#ended = true;
    this.#pendingRead?.resolve(null);
    this.#pendingRead = null;
  }

  #onError(error: Error): void {
    // A reset is an end like any other: dispy's peers close while bytes are on their way.
    if (isReset(error)) {
      this.#wasReset = true;
      return this.#onEnd();
    }
    this.#failure ??= error;
    this.#pendingRead?.reject(error);
    this.#pendingRead = null;
  }
}

/** Whether the peer has ended the connection, without waiting for what we have to say. */
function isReset(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ECONNRESET" || code === "EPIPE" || code === "ECONNABORTED";
}

function closedHere(): Error {
  return new Error("the connection was closed here");
}
