/**
 * Small buffers that go from one connection to the next.
 *
 * A first read does not know what will come. It goes into one of these, and what it brings is
 * copied into memory of just its size: kept arguments and results hold on to no more than their
 * own message, and a connection that waits for its next message holds on to nothing.
 *
 * Short messages are put together in them, too.
 *
 * @module
 */

/** Holds the auth code, the length and the whole of most messages. */
export const SCRATCH_BYTES = 4096;

const MAX_SPARE = 64;
const spare: Uint8Array[] = [];

/** A buffer of {@linkcode SCRATCH_BYTES} bytes with any content. */
export function acquireScratch(): Uint8Array {
  return spare.pop() ?? new Uint8Array(SCRATCH_BYTES);
}

/** Gives a buffer back. Nobody may hold a view of it, nor may a read into it be under way. */
export function releaseScratch(buffer: Uint8Array): void {
  if (spare.length < MAX_SPARE) spare.push(buffer);
}
