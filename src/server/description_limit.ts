/**
 * How much may be said of a job or a file beside its content: that much stands in a row of the
 * journal, which has a limit, and a row that can never be written would keep all others waiting.
 *
 * @module
 */

const MAX_DESCRIPTION_BYTES = 16 * 1024 * 1024;

/** Why something with so many bytes of description is not taken, or `null`. */
export function descriptionRefusal(sizeBytes: number): string | null {
  if (sizeBytes <= MAX_DESCRIPTION_BYTES) return null;
  return `its description takes ${sizeBytes} bytes; the limit is ${MAX_DESCRIPTION_BYTES}`;
}
