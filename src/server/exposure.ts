/**
 * What others can do to us as we are set up.
 *
 * @module
 */

import { isLoopback } from "../net/addresses.ts";
import type { ServerOptions } from "./options.ts";

/** The options that matter here. */
export type ExposureOptions = Pick<
  ServerOptions,
  "nodeSecret" | "clusterSecret" | "nodeTls" | "clusterTls"
>;

/**
 * What is open to others and should not be, with what to do: a line for each side at most, none
 * where only this machine is served.
 *
 * @param listenAt Addresses at which we listen; empty = all.
 */
export function exposures(options: ExposureOptions, listenAt: readonly string[]): string[] {
  if (listenAt.length > 0 && listenAt.every(isLoopback)) return [];
  const found: string[] = [];
  if (options.nodeSecret === "") {
    found.push(
      "no node secret: whoever reaches this machine can pose as a node and get jobs and their " +
        "data; use --node_secret_file here and -s at dispynode.py",
    );
  } else if (options.nodeTls === null) {
    found.push(
      "node secret, but no TLS: whoever listens in on the network sees all jobs and results, and " +
        "can try to guess the secret; use --node_certfile here and --certfile at dispynode.py",
    );
  }
  if (options.clusterSecret === "") {
    found.push(
      "no cluster secret: whoever reaches this machine can run programs on the nodes; " +
        "use --cluster_secret_file here and secret= in programs",
    );
  } else if (options.clusterTls === null) {
    found.push(
      "cluster secret, but no TLS: whoever listens in on the network sees all jobs and results, " +
        "and can run programs of its own; use --cluster_certfile here and certfile= in programs",
    );
  }
  return found;
}
