/**
 * Messages over a connection: 4 bytes, unsigned, big-endian, say how many bytes follow.
 *
 * @module
 */

import { canonicalAddress } from "./address.ts";
import type { ByteStream, StreamAddress } from "./byte_stream.ts";
import type { Deadlines, DeadlineTarget } from "./deadline.ts";
import { TooLargeError, WireError } from "./errors.ts";
import type { MessageLimit } from "./message_limits.ts";
import type { MessageRoom } from "./message_room.ts";
import { acquireScratch, releaseScratch, SCRATCH_BYTES } from "./scratch.ts";
import { tagOrNone } from "./tags.ts";

/** Length of a message's length. */
export const LENGTH_PREFIX_BYTES = 4;

/** Chunks up to this size are copied together, so that a message goes out in one write. */
const COALESCE_BYTES = 16 * 1024;

/** How much of a large message memory is set aside for before any of it has come. */
const FIRST_STEP_BYTES = 64 * 1024;

/** From here on, room for all of a message is taken at once, so that none is copied at full length. */
const LAST_STEP_BYTES = 64 * 1024 * 1024;

/** A transfer that moves this much gets the full time limit again. */
const PROGRESS_BYTES = 64 * 1024;

/** How much is read away, at most, to see a connection's end. */
const MAX_DISCARDED_BYTES = 64 * 1024;

const EMPTY = new Uint8Array(0);

/** What a {@linkcode MessageStream} is made with. */
export interface MessageStreamOptions {
  /** Watches over the time limits of many streams. */
  readonly deadlines: Deadlines;
  /** Milliseconds that an operation may take, see {@linkcode MessageStream.timeoutMs}. */
  readonly timeoutMs: number | null;
}

/**
 * One end of a connection that carries messages, and raw bytes between them.
 *
 * One operation at a time. Every operation throws {@linkcode WireError}: `closed` where the
 * connection ends too early (or is reset, which comes to the same), `timeout` when the peer is
 * too slow. After an error the stream is good for nothing but {@linkcode close}.
 */
export class MessageStream implements DeadlineTarget {
  /**
   * Milliseconds that an operation may take; a large one that often for each 64 KiB. `null` for
   * no limit. May be changed between operations.
   */
  timeoutMs: number | null;

  readonly #stream: ByteStream;
  readonly #deadlines: Deadlines;
  /** Bytes that have been read but not asked for: `#buffer[#start..#end]`. */
  #buffer: Uint8Array | null = null;
  #start = 0;
  #end = 0;
  #ended = false;
  #closed = false;
  #timedOut = false;
  #noDelay = false;
  /** Bytes moved since the deadline was last set. */
  #progressBytes = 0;

  constructor(stream: ByteStream, options: MessageStreamOptions) {
    this.#stream = stream;
    this.#deadlines = options.deadlines;
    this.timeoutMs = options.timeoutMs;
  }

  /** Whoever is at the other end, as dispy writes addresses. */
  get remoteAddr(): StreamAddress {
    return canonical(this.#stream.remoteAddr);
  }

  /** Where the other end has reached us, as dispy writes addresses. */
  get localAddr(): StreamAddress {
    return canonical(this.#stream.localAddr);
  }

  /**
   * Reads a message: a view that nobody else uses.
   *
   * @param limit Longest message that is accepted, or what says so once its beginning is there.
   * @param room Asked once the length is known; the message is read when there is room. That wait
   * does not count as the peer's.
   * @returns an empty message where the connection ends instead.
   * @throws {WireError} `too_large` for a longer message, before any memory is spent on it;
   * `closed` where the connection ends within the message; `timeout`
   */
  async readMessage(limit: number | MessageLimit, room?: MessageRoom): Promise<Uint8Array> {
    this.#beginOperation();
    try {
      const complete = this.#available >= LENGTH_PREFIX_BYTES ||
        await this.#buffered(LENGTH_PREFIX_BYTES);
      if (!complete) {
        if (this.#available > 0) throw this.#endedEarly();
        this.#releaseEmptyBuffer();
        return EMPTY;
      }
      const length = this.#takeLength();
      const maxBytes = typeof limit === "number" ? limit : await this.#maxBytes(length, limit);
      if (length > maxBytes) {
        const head = this.#buffer?.subarray(this.#start, this.#start + this.#available);
        throw new TooLargeError(
          `${this.#peer()} announced a message of ${length} bytes; the limit is ${maxBytes}`,
          length,
          tagOrNone(head ?? EMPTY),
        );
      }
      const wait = room?.take(length);
      if (wait !== undefined) {
        this.#endOperation();
        await wait;
        this.#beginOperation();
      }
      return await this.#readBody(length);
    } finally {
      this.#endOperation();
    }
  }

  /**
   * Reads exactly `length` bytes: a view that nobody else uses.
   *
   * @throws {WireError} `closed`, `timeout`
   */
  async readExactly(length: number): Promise<Uint8Array> {
    this.#beginOperation();
    try {
      return await this.#readBody(length);
    } finally {
      this.#endOperation();
    }
  }

  /**
   * Reads `length` bytes and drops them.
   *
   * @throws {WireError} `closed`, `timeout`
   */
  async skip(length: number): Promise<void> {
    this.#beginOperation();
    const sink = acquireScratch();
    try {
      for (let left = length; left > 0;) {
        const part = sink.subarray(0, Math.min(left, sink.length));
        const count = this.#take(part) || await this.#read(part);
        if (count === null) throw this.#endedEarly();
        left -= count;
      }
      releaseScratch(sink);
    } finally {
      this.#endOperation();
    }
  }

  /**
   * Reads at least one byte into `buffer`.
   *
   * @returns the number of bytes, or `null` at the connection's end.
   * @throws {WireError} `timeout`
   */
  async readSome(buffer: Uint8Array): Promise<number | null> {
    if (this.#available > 0) return this.#take(buffer);
    this.#beginOperation();
    try {
      return await this.#read(buffer);
    } finally {
      this.#endOperation();
    }
  }

  /**
   * Writes a message that consists of `chunks`; the small ones together with its length in one
   * write, the large ones as they are.
   *
   * @throws {WireError} `closed`, `timeout`
   */
  writeMessage(...chunks: Uint8Array[]): Promise<void> {
    return this.#writeFramed(EMPTY, chunks);
  }

  /**
   * Writes an auth code and a message, otherwise as {@linkcode writeMessage} does.
   *
   * @throws {WireError} `closed`, `timeout`
   */
  writeRequest(auth: Uint8Array, ...chunks: Uint8Array[]): Promise<void> {
    return this.#writeFramed(auth, chunks);
  }

  /**
   * Writes bytes as they are, all of them, with no length in front.
   *
   * @throws {WireError} `closed`, `timeout`
   */
  async writeRaw(bytes: Uint8Array): Promise<void> {
    this.#beginOperation();
    try {
      await this.#writeAll(bytes);
    } finally {
      this.#endOperation();
    }
  }

  /**
   * Waits until the peer closes the connection, and so has read what we sent. Bytes that still
   * come are dropped; a peer that sends more than 64 KiB of them is not waited for.
   *
   * @throws {WireError} `timeout`
   */
  async waitForClose(): Promise<void> {
    this.#beginOperation();
    const sink = acquireScratch();
    try {
      await this.#endWriting();
      let dropped = 0;
      while (dropped <= MAX_DISCARDED_BYTES) {
        const count = await this.#read(sink);
        if (count === null) break;
        dropped += count;
      }
      releaseScratch(sink);
    } finally {
      this.#endOperation();
    }
  }

  /** Ends the connection. More than one call does no harm. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#deadlines.disarm(this);
    this.#stream.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Called by {@linkcode Deadlines}: ends the operation that is under way. */
  onDeadline(): void {
    this.#timedOut = true;
    this.close();
  }

  get #available(): number {
    return this.#end - this.#start;
  }

  #beginOperation(): void {
    this.#progressBytes = 0;
    if (this.timeoutMs !== null && !this.#closed) this.#deadlines.arm(this, this.timeoutMs);
  }

  #endOperation(): void {
    this.#deadlines.disarm(this);
  }

  #moved(count: number): void {
    this.#progressBytes += count;
    if (this.#progressBytes >= PROGRESS_BYTES && !this.#closed) this.#beginOperation();
  }

  /** Reads until `length` bytes (no more than a scratch buffer holds) are available. */
  async #buffered(length: number): Promise<boolean> {
    let buffer = this.#buffer;
    if (buffer === null) {
      buffer = this.#buffer = acquireScratch();
      this.#start = this.#end = 0;
    } else if (this.#start + length > buffer.length) {
      buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    while (this.#available < length) {
      const count = await this.#read(buffer.subarray(this.#end));
      if (count === null) return false;
      this.#end += count;
    }
    return true;
  }

  #takeLength(): number {
    const buffer = this.#buffer as Uint8Array;
    const at = this.#start;
    this.#start += LENGTH_PREFIX_BYTES;
    return ((buffer[at] as number) * 0x1000000) +
      (((buffer[at + 1] as number) << 16) | ((buffer[at + 2] as number) << 8) |
        (buffer[at + 3] as number));
  }

  /** Moves buffered bytes into `target`, as many as there are and fit. */
  #take(target: Uint8Array): number {
    const count = Math.min(this.#available, target.length);
    if (count > 0) {
      target.set((this.#buffer as Uint8Array).subarray(this.#start, this.#start + count));
      this.#start += count;
    }
    this.#releaseEmptyBuffer();
    return count;
  }

  #releaseEmptyBuffer(): void {
    if (this.#buffer === null || this.#available > 0) return;
    releaseScratch(this.#buffer);
    this.#buffer = null;
  }

  /** How long a message may be, of which only the length was read. */
  async #maxBytes(length: number, limit: MessageLimit): Promise<number> {
    if (length <= limit.smallBytes) return limit.smallBytes;
    if (!await this.#buffered(limit.headBytes)) throw this.#endedEarly();
    const buffer = this.#buffer as Uint8Array;
    return limit.maxBytes(buffer.subarray(this.#start, this.#start + limit.headBytes));
  }

  async #readBody(length: number): Promise<Uint8Array> {
    if (length === 0) {
      this.#releaseEmptyBuffer();
      return EMPTY;
    }
    // A first read that takes whatever is there serves the length, the body and what follows.
    if (length <= SCRATCH_BYTES && this.#available < length && !await this.#buffered(length)) {
      throw this.#endedEarly();
    }
    let body = new Uint8Array(Math.min(length, FIRST_STEP_BYTES));
    let filled = this.#take(body);
    while (filled < length) {
      if (filled === body.length) {
        const next = body.length * 4;
        const larger = new Uint8Array(next > LAST_STEP_BYTES ? length : Math.min(length, next));
        larger.set(body);
        body = larger;
      }
      const count = await this.#read(body.subarray(filled));
      if (count === null) throw this.#endedEarly();
      filled += count;
    }
    return body;
  }

  /** Tells the peer that we are done; one that has gone needs not be told. */
  async #endWriting(): Promise<void> {
    try {
      await this.#stream.endWriting?.();
    } catch (error) {
      this.#endOrThrow(error);
    }
  }

  /** One read; `null` at the connection's end. */
  async #read(buffer: Uint8Array): Promise<number | null> {
    if (this.#ended) return null;
    let count: number | null;
    try {
      count = await this.#stream.read(buffer);
    } catch (error) {
      count = this.#endOrThrow(error);
    }
    if (count === null) this.#ended = true;
    else this.#moved(count);
    return count;
  }

  async #writeFramed(prefix: Uint8Array, chunks: readonly Uint8Array[]): Promise<void> {
    let length = 0;
    for (const chunk of chunks) length += chunk.length;
    if (length > 0xffff_ffff) {
      throw new WireError(
        "too_large",
        `a message of ${length} bytes cannot be sent: 4 GiB at most`,
      );
    }
    this.#beginOperation();
    try {
      const total = prefix.length + LENGTH_PREFIX_BYTES + length;
      if (total > COALESCE_BYTES) this.#sendAtOnce();
      const isShort = total <= SCRATCH_BYTES;
      const pending = isShort ? acquireScratch() : new Uint8Array(Math.min(total, COALESCE_BYTES));
      pending.set(prefix);
      let filled = prefix.length;
      pending[filled++] = length >>> 24;
      pending[filled++] = length >>> 16;
      pending[filled++] = length >>> 8;
      pending[filled++] = length;
      for (const chunk of chunks) {
        if (filled + chunk.length <= pending.length) {
          pending.set(chunk, filled);
          filled += chunk.length;
          continue;
        }
        await this.#writeAll(pending.subarray(0, filled));
        filled = 0;
        if (chunk.length >= pending.length) {
          await this.#writeAll(chunk);
        } else {
          pending.set(chunk);
          filled = chunk.length;
        }
      }
      if (filled > 0) await this.#writeAll(pending.subarray(0, filled));
      if (isShort) releaseScratch(pending);
    } finally {
      this.#endOperation();
    }
  }

  /** Keeps the last small write of several from waiting for the peer to confirm the others. */
  #sendAtOnce(): void {
    if (this.#noDelay) return;
    this.#noDelay = true;
    if (!this.#closed) this.#stream.setNoDelay?.(true);
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    let written = 0;
    while (written < bytes.length) {
      let count: number;
      try {
        count = await this.#stream.write(written === 0 ? bytes : bytes.subarray(written));
      } catch (error) {
        this.#endOrThrow(error);
        throw this.#endedEarly(error);
      }
      written += count;
      this.#moved(count);
    }
  }

  /**
   * Takes the ways in which connections end: a reset is an end like any other, and so is TLS that
   * is cut off without a farewell, as dispy does it. Returns `null` for those, throws otherwise.
   */
  #endOrThrow(error: unknown): null {
    if (this.#timedOut) {
      throw new WireError(
        "timeout",
        `${this.#peer()} did not answer within ${(this.timeoutMs ?? 0) / 1000} s`,
        { cause: error },
      );
    }
    if (this.#closed) {
      throw new WireError("closed", `connection with ${this.#peer()} was closed here`, {
        cause: error,
      });
    }
    const isEnd = error instanceof Deno.errors.ConnectionReset ||
      error instanceof Deno.errors.ConnectionAborted ||
      error instanceof Deno.errors.BrokenPipe ||
      error instanceof Deno.errors.NotConnected ||
      error instanceof Deno.errors.UnexpectedEof;
    if (isEnd) return null;
    const reason = error instanceof Error ? error.message : String(error);
    throw new WireError("closed", `connection with ${this.#peer()} failed: ${reason}`, {
      cause: error,
    });
  }

  #endedEarly(cause?: unknown): WireError {
    return new WireError(
      "closed",
      `${this.#peer()} closed the connection in the middle of an exchange`,
      cause === undefined ? undefined : { cause },
    );
  }

  #peer(): string {
    const { hostname, port } = this.remoteAddr;
    return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  }
}

function canonical({ hostname, port }: StreamAddress): StreamAddress {
  return { hostname: canonicalAddress(hostname), port };
}
