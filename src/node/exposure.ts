/**
 * What others can do to a node as it is set up.
 *
 * @module
 */

import { isLoopback } from "../net/addresses.ts";
import type { NodeOptions } from "./options.ts";

/**
 * What is open to others and should not be, with what to do; `null` where all is well, or only this
 * machine is served.
 *
 * @param listenAt Addresses at which the node listens; empty = all.
 */
export function exposure(
  { secret, tls }: Pick<NodeOptions, "secret" | "tls">,
  listenAt: readonly string[],
): string | null {
  if (listenAt.length > 0 && listenAt.every(isLoopback)) return null;
  if (secret === "") {
    return "no secret: whoever reaches this machine can run programs on it; use --secret_file here " +
      "and --node_secret_file at the scheduler";
  }
  if (tls === null) {
    return "secret, but no TLS: whoever listens in on the network sees all jobs and results, and " +
      "can run programs of its own; use --certfile here and --node_certfile at the scheduler";
  }
  return null;
}
