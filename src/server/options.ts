/**
 * What the server can be told.
 *
 * @module
 */

import type { Policy } from "../core/mod.ts";

/** The ports of one dispy generation: base, base + 1, base + 2. */
export interface PortFamily {
  /** Where we take messages from nodes, by TCP and UDP. */
  readonly nodeSide: number;
  /** Where nodes are, by TCP and UDP. */
  readonly node: number;
  /** Where we take requests of clients, by TCP. */
  readonly clientSide: number;
}

/** Settings of the server, fixed for its life. */
export interface ServerOptions {
  /** Ports to serve; one that is taken is a warning as long as another family works. */
  readonly families: readonly PortFamily[];
  /** Addresses to listen at; empty = all. */
  readonly hosts: readonly string[];
  /** Addresses at which we are known beyond a NAT gateway. */
  readonly extHosts: readonly string[];
  /** Nodes to ask directly: addresses or names; `*` = broadcast. */
  readonly nodes: readonly string[];
  readonly nodeSecret: string;
  readonly clusterSecret: string;
  readonly policy: Policy;
  readonly cooperative: boolean;
  /** Nodes remove all files of a computation, whatever its client says. */
  readonly cleanupNodes: boolean;
  readonly pulseIntervalMs: number | null;
  readonly pingIntervalMs: number | null;
  readonly zombieIntervalMs: number | null;
  /** Limit for every single read and write. */
  readonly msgTimeoutMs: number;
  /** Largest file that is taken from a client; 0 = no limit. */
  readonly maxFileSizeBytes: number;
  /** What becomes of a larger one: its beginning is kept, or it is not taken. */
  readonly oversize: "truncate" | "refuse";
}
