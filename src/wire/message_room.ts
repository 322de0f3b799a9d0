/**
 * Who says when there is room for a message that is about to be read.
 *
 * @module
 */

/** Room for messages. */
export interface MessageRoom {
  /** Takes room for so many bytes; a promise where that is not to be had at once. */
  take(sizeBytes: number): void | Promise<void>;
}
