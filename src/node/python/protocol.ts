/**
 * The frames between the node and the Python process that runs a computation: a byte that says what
 * it is, a number (of a job or a message), the payload's length, the payload.
 *
 * The other side of it is `harness/common.py`.
 *
 * @module
 */

/** What we tell the harness. */
export const Request = {
  Open: 1,
  SetUp: 2,
  Job: 3,
  Answer: 4,
  Terminate: 5,
  CleanUp: 6,
  /** To be answered at once by {@linkcode Notice.Pong}. */
  Ping: 7,
} as const;

/** What the harness tells us. */
export const Notice = {
  Hello: 32,
  Opened: 33,
  SetUp: 34,
  Started: 35,
  Stdout: 36,
  Stderr: 37,
  Message: 38,
  MessageData: 39,
  MessageEnd: 40,
  Ended: 41,
  CleanedUp: 42,
  Log: 43,
  Lost: 44,
  Pong: 45,
} as const;

/** A frame from the harness. */
export interface Frame {
  /** One of {@linkcode Notice}. */
  readonly kind: number;
  readonly number: number;
  readonly payload: Uint8Array;
}

const HEADER_BYTES = 9;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The head of a frame, to be followed by its payload. */
export function frameHeader(kind: number, number: number, payloadBytes: number): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint8(0, kind);
  view.setUint32(1, number);
  view.setUint32(5, payloadBytes);
  return header;
}

/** Payloads that are structured: JSON. */
export function toJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** Reads what {@linkcode toJson} or the harness has made. */
export function fromJson(bytes: Uint8Array): unknown {
  return JSON.parse(decoder.decode(bytes));
}

/** A request's payload for a job: lengths, a JSON header, and the pickles of the arguments. */
export function jobRequest(header: unknown, args: Uint8Array, kwargs: Uint8Array): Uint8Array[] {
  const head = toJson(header);
  const sizes = new Uint8Array(8);
  const view = new DataView(sizes.buffer);
  view.setUint32(0, head.length);
  view.setUint32(4, args.length);
  return [sizes, head, args, kwargs];
}

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  #buffer = new Uint8Array(0);
  #start = 0;
  #end = 0;

  /** Takes what has come, and yields the frames that are complete. */
  *push(chunk: Uint8Array): Generator<Frame> {
    this.#append(chunk);
    while (this.#end - this.#start >= HEADER_BYTES) {
      const view = new DataView(this.#buffer.buffer, this.#start, HEADER_BYTES);
      const next = this.#start + HEADER_BYTES + view.getUint32(5);
      if (this.#end < next) return;
      const payload = this.#buffer.slice(this.#start + HEADER_BYTES, next);
      this.#start = next;
      yield { kind: view.getUint8(0), number: view.getUint32(1), payload };
    }
  }

  #append(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#buffer.length) {
      const held = this.#end - this.#start;
      const roomier = new Uint8Array(Math.max(2 * held, held + chunk.length));
      roomier.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = roomier;
      this.#start = 0;
      this.#end = held;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }
}
