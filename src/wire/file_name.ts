/**
 * Names of files that come from another machine.
 *
 * @module
 */

import type { XferFile } from "./records/xfer_file.ts";

/**
 * Why nodes must not be given a file of this description: its name leads outside the folder
 * of its computation. `null` where all is well. Both separators count whatever the client
 * says its own is, as the node may have the other one.
 */
export function unsafeFileName(xfer: XferFile): string | null {
  if (xfer.sep !== "/" && xfer.sep !== "\\") return "its path separator is neither / nor \\";
  const baseName = xfer.name.slice(xfer.name.lastIndexOf(xfer.sep) + 1);
  const parts = xfer.destPath.split(/[/\\]/);
  if (/^([/\\]|[A-Za-z]:)/.test(xfer.destPath)) return "its folder is an absolute path";
  if (parts.includes("..") || baseName === "..") return "its path leads upwards";
  if (baseName === "" || baseName === ".") return "it has no name";
  if (/[/\\]/.test(baseName)) return "its name contains a path separator of other systems";
  if (/^[A-Za-z]:/.test(baseName)) return "its name begins with a drive";
  if (baseName.includes("\0") || xfer.destPath.includes("\0")) return "its name contains NUL";
  return null;
}
