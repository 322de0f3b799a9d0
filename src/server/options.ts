/**
 * What the server can be told.
 *
 * @module
 */

import type { ClusterRule } from "./cluster_terms.ts";
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

/** A certificate to show, and to expect of peers. */
export interface TlsIdentity {
  /** The certificate, and those of its authorities behind it, in PEM. */
  readonly certPem: string;
  /** Its private key in PEM. */
  readonly keyPem: string;
}

/** Settings of the server, fixed for its life. */
export interface ServerOptions {
  /** Ports to serve; one that is taken is a warning as long as another family works. */
  readonly families: readonly PortFamily[];
  /** Look for nodes by IPv4 multicast in place of broadcast. */
  readonly ipv4Multicast: boolean;
  /** Nodes to ask directly: addresses or names; `*` = broadcast. */
  readonly nodes: readonly string[];
  readonly nodeSecret: string;
  readonly clusterSecret: string;
  /** For TLS with nodes; `null` = plain text. */
  readonly nodeTls: TlsIdentity | null;
  /** For TLS with clients; `null` = plain text. */
  readonly clusterTls: TlsIdentity | null;
  readonly policy: Policy;
  readonly cooperative: boolean;
  /** On what terms clusters are scheduled; the first that says something counts. */
  readonly clusterRules: readonly ClusterRule[];
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
