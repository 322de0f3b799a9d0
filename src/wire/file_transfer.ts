/**
 * How files travel, once a message has named them.
 *
 * The receiver answers with a count, a pickled int: the bytes that it holds. While the count is
 * what the sender has sent, the sender sends the next chunk, raw, with no length in front, and
 * waits for the next count. The count that equals the file's size ends the transfer, and may be
 * the first one, when the receiver has that very file; an empty file takes the one count 0. Any
 * other count, -1 as a rule, is a refusal.
 *
 * All of this works in constant memory, whatever the size of the file.
 *
 * @module
 */

import { decodeIntAnswer, encodeIntAnswer } from "./answers.ts";
import { WireError } from "./errors.ts";
import type { MessageStream } from "./framing.ts";

/** What dispy sends and awaits between two counts. */
export const FILE_CHUNK_BYTES = 1_024_000;

const PIECE_BYTES = 64 * 1024;
const MAX_COUNT_MESSAGE_BYTES = 64;
const REFUSED = -1;

/** Where a file's content comes from. */
export interface FileSource {
  /** Reads at least one byte into `buffer`; returns how many, or `null` at the file's end. */
  read(buffer: Uint8Array): Promise<number | null>;
}

/** Where a file's content goes. */
export interface FileSink {
  /** Takes all of `chunk`, whose memory is used again afterwards. */
  write(chunk: Uint8Array): Promise<void>;
  /** All has been written: make it final. The sender is told of success only afterwards. */
  finish(): Promise<void>;
}

/** How a transfer went. */
export interface FileTransferResult {
  /** Bytes of the file that went over the connection: 0 where the receiver had it. */
  readonly transferredBytes: number;
}

/**
 * Sends a file whose message has just been written.
 *
 * @param sizeBytes The size that the message gave.
 * @throws {WireError} `refused` where the receiver does not want the file, or the source ends
 * before its size (then the connection must be closed: the receiver waits for more); `closed`,
 * `timeout`, `malformed`. What `source` throws is passed on.
 */
export async function sendFile(
  stream: MessageStream,
  sizeBytes: number,
  source: FileSource,
): Promise<FileTransferResult> {
  const buffer = new Uint8Array(Math.min(PIECE_BYTES, sizeBytes));
  let sent = 0;
  for (;;) {
    const count = await readCount(stream);
    if (count === sizeBytes) return { transferredBytes: sent };
    if (count !== sent) throw refusal(count, sent);
    let left = Math.min(FILE_CHUNK_BYTES, sizeBytes - sent);
    while (left > 0) {
      const length = await source.read(buffer.subarray(0, Math.min(left, buffer.length)));
      if (length === null) {
        throw new WireError(
          "refused",
          `the file to send ended after ${sent} of ${sizeBytes} bytes: did it change meanwhile?`,
        );
      }
      await stream.writeRaw(buffer.subarray(0, length));
      left -= length;
      sent += length;
    }
  }
}

/**
 * Receives a file whose message has just been read.
 *
 * @param sizeBytes The size that the message gave.
 * @param sink Takes the content; where it throws, the sender is told that the file is refused,
 * and the error is passed on.
 * @param keepBytes Where it is less than the size, only so much of the beginning is kept; the
 * sender learns that its transfer has ended short.
 * @throws {WireError} `closed`, `timeout`
 */
export async function receiveFile(
  stream: MessageStream,
  sizeBytes: number,
  sink: FileSink,
  keepBytes: number = sizeBytes,
): Promise<FileTransferResult> {
  const buffer = new Uint8Array(Math.min(PIECE_BYTES, sizeBytes));
  let received = 0;
  let kept = 0;
  while (received < sizeBytes && kept < keepBytes) {
    await writeCount(stream, received);
    const chunkBytes = Math.min(FILE_CHUNK_BYTES, sizeBytes - received);
    await moveChunk(stream, chunkBytes, buffer, async (piece) => {
      const part = piece.subarray(0, keepBytes - kept);
      kept += part.length;
      if (part.length > 0) await sink.write(part);
    });
    received += chunkBytes;
  }
  try {
    await sink.finish();
  } catch (error) {
    await refuseBecause(stream, error);
  }
  // A count that equals what was sent would ask for more.
  const goesOn = kept < sizeBytes && kept === received;
  await writeCount(stream, goesOn ? REFUSED : kept);
  return { transferredBytes: received };
}

/** Tells the sender of a file that we have it, so that it need not be sent. */
export async function confirmFile(stream: MessageStream, sizeBytes: number): Promise<void> {
  await writeCount(stream, sizeBytes);
}

/** Tells the sender of a file that we do not take it. */
export async function refuseFile(stream: MessageStream): Promise<void> {
  await writeCount(stream, REFUSED);
}

/**
 * Passes a file on from its sender to its receiver, to whom the file's message has just been
 * written. The counts are the receiver's own; when it fails, the sender is told so.
 *
 * @param sizeBytes The size that the sender's message gave.
 * @param passBytes Where it is less than the size, only so much of the beginning is passed on, and
 * the message to the receiver gave this size; the sender learns that its transfer has ended short.
 * @throws {WireError} `refused` where the receiver does not want the file; `closed`, `timeout`,
 * `malformed`
 */
export async function relayFile(
  from: MessageStream,
  to: MessageStream,
  sizeBytes: number,
  passBytes: number = sizeBytes,
): Promise<FileTransferResult> {
  const buffer = new Uint8Array(Math.min(PIECE_BYTES, sizeBytes));
  let received = 0;
  let passed = 0;
  for (;;) {
    const count = await readCount(to).catch((error) => refuseBecause(from, error));
    const endsShort = count === passBytes && passBytes < sizeBytes;
    // A count that equals what was sent would ask for more.
    await writeCount(from, endsShort && count === received ? REFUSED : count);
    if (count === passBytes) return { transferredBytes: passed };
    if (count !== passed) throw refusal(count, passed);
    const chunkBytes = Math.min(FILE_CHUNK_BYTES, sizeBytes - received);
    await moveChunk(from, chunkBytes, buffer, async (piece) => {
      const part = piece.subarray(0, passBytes - passed);
      passed += part.length;
      if (part.length > 0) await to.writeRaw(part);
    });
    received += chunkBytes;
  }
}

/**
 * Hands the next `chunkBytes` of `from` on in pieces. Where `write` fails, the rest of the chunk
 * is read away, so that the refusal that follows is read too, and not lost in a reset.
 */
async function moveChunk(
  from: MessageStream,
  chunkBytes: number,
  buffer: Uint8Array,
  write: (piece: Uint8Array) => Promise<void>,
): Promise<void> {
  let failure: { error: unknown } | undefined;
  let left = chunkBytes;
  while (left > 0) {
    const length = await from.readSome(buffer.subarray(0, Math.min(left, buffer.length)));
    if (length === null) {
      throw new WireError("closed", "the sender of a file closed the connection in its middle");
    }
    left -= length;
    if (failure !== undefined) continue;
    try {
      await write(buffer.subarray(0, length));
    } catch (error) {
      failure = { error };
    }
  }
  if (failure !== undefined) await refuseBecause(from, failure.error);
}

/** Refuses a file and throws `error`, the reason, also where the sender is gone by then. */
async function refuseBecause(stream: MessageStream, error: unknown): Promise<never> {
  try {
    await refuseFile(stream);
  } catch (goneError) {
    if (!(goneError instanceof WireError)) throw goneError;
  }
  throw error;
}

function refusal(count: number, expected: number): WireError {
  return new WireError(
    "refused",
    count === REFUSED
      ? "the receiver refused the file"
      : `the receiver of a file holds ${count} bytes where ${expected} were sent`,
  );
}

async function readCount(stream: MessageStream): Promise<number> {
  const message = await stream.readMessage(MAX_COUNT_MESSAGE_BYTES);
  return decodeIntAnswer(message, "count in a file transfer");
}

async function writeCount(stream: MessageStream, count: number): Promise<void> {
  await stream.writeMessage(encodeIntAnswer(count));
}
