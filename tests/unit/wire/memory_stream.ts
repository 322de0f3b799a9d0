import type { ByteStream, StreamAddress } from "../../../src/wire/mod.ts";

/** One direction: bytes on their way from a writer to a reader. */
class Pipe {
  readonly #parts: Uint8Array[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  push(bytes: Uint8Array): void {
    this.#parts.push(bytes.slice());
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async read(buffer: Uint8Array, isClosed: () => boolean): Promise<number | null> {
    for (;;) {
      if (isClosed()) throw new Deno.errors.BadResource("stream is closed");
      const part = this.#parts[0];
      if (part !== undefined) {
        const count = Math.min(part.length, buffer.length);
        buffer.set(part.subarray(0, count));
        if (count === part.length) this.#parts.shift();
        else this.#parts[0] = part.subarray(count);
        return count;
      }
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  wakeReader(): void {
    this.#wake?.();
  }
}

/**
 * One end of a connection in memory. A read brings at most what one write took, so that tests
 * decide where messages are split.
 */
export class MemoryStream implements ByteStream {
  readonly remoteAddr: StreamAddress = { hostname: "192.0.2.1", port: 9701 };
  readonly localAddr: StreamAddress = { hostname: "192.0.2.2", port: 9700 };
  /** Most bytes that one write takes. */
  maxWriteBytes = Infinity;
  /** Sizes of all writes so far. */
  readonly writes: number[] = [];
  /** Sizes of the buffers that reads have brought so far. */
  readonly readSizes: number[] = [];
  /** Thrown by the next read, once. */
  readError: Error | undefined;
  /** Whether writes never come to an end. */
  stalled = false;
  closeCalls = 0;
  noDelay = false;

  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;
  #rejectStalled: (() => void) | undefined;

  constructor(incoming: Pipe, outgoing: Pipe) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    this.readSizes.push(buffer.length);
    if (this.readError !== undefined) {
      const error = this.readError;
      this.readError = undefined;
      throw error;
    }
    return await this.#incoming.read(buffer, () => this.closeCalls > 0);
  }

  async write(data: Uint8Array): Promise<number> {
    if (this.closeCalls > 0) throw new Deno.errors.BadResource("stream is closed");
    if (this.stalled) {
      await new Promise<void>((resolve) => this.#rejectStalled = resolve);
      throw new Deno.errors.BadResource("stream is closed");
    }
    const count = Math.min(data.length, this.maxWriteBytes);
    this.writes.push(count);
    this.#outgoing.push(data.subarray(0, count));
    return count;
  }

  close(): void {
    this.closeCalls++;
    this.#outgoing.end();
    this.#incoming.wakeReader();
    this.#rejectStalled?.();
  }

  setNoDelay(noDelay: boolean = true): void {
    this.noDelay = noDelay;
  }
}

/** The two ends of a connection in memory. */
export function memoryStreamPair(): [MemoryStream, MemoryStream] {
  const there = new Pipe();
  const back = new Pipe();
  return [new MemoryStream(back, there), new MemoryStream(there, back)];
}
