/**
 * Which files of clients are taken, and how much of them.
 *
 * @module
 */

import { getLogger } from "../log/log.ts";
import { unsafeFileName } from "../wire/mod.ts";
import type { XferFile } from "../wire/mod.ts";
import type { ServerOptions } from "./options.ts";

const log = getLogger("clientside");

/** What `--max_file_size` and `--oversize` say. */
type Limits = Pick<ServerOptions, "maxFileSizeBytes" | "oversize">;

/** Why a file of this description is not taken, or `null`. */
export function fileRefusal(limits: Limits, xfer: XferFile): string | null {
  if (limits.oversize === "refuse" && isTooLarge(limits, xfer)) {
    // In dispy's own words.
    return `File "${xfer.name}" is too big; limit is ${limits.maxFileSizeBytes}`;
  }
  const unsafe = unsafeFileName(xfer);
  return unsafe === null ? null : `file "${xfer.name}" is not taken: ${unsafe}`;
}

/**
 * How much of a file is taken: `--max_file_size` cuts larger ones, as dispy's manual says. Says
 * so in the log.
 */
export function bytesToTake(limits: Limits, xfer: XferFile): number {
  const { sizeBytes } = xfer.stat;
  if (!isTooLarge(limits, xfer)) return sizeBytes;
  log.warning("file of a client is truncated", {
    file: xfer.name,
    size_bytes: sizeBytes,
    limit_bytes: limits.maxFileSizeBytes,
  });
  return limits.maxFileSizeBytes;
}

/** The description of the first `keptBytes` bytes of a file. */
export function truncated(xfer: XferFile, keptBytes: number): XferFile {
  if (keptBytes === xfer.stat.sizeBytes) return xfer;
  return { ...xfer, stat: { ...xfer.stat, sizeBytes: keptBytes, original: null } };
}

function isTooLarge({ maxFileSizeBytes }: Limits, xfer: XferFile): boolean {
  return maxFileSizeBytes > 0 && xfer.stat.sizeBytes > maxFileSizeBytes;
}
