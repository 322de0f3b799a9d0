/**
 * What the server can be told.
 *
 * @module
 */

import type { ClusterRule } from "./cluster_terms.ts";
import type { PortFamily } from "../net/port_family.ts";
import type { TlsIdentity } from "../net/tls_identity.ts";
import type { Policy } from "../core/mod.ts";

/** Settings of the server, fixed for its life. */
export interface ServerOptions {
  /** Ports to serve; one that is taken is a warning as long as another family works. */
  readonly families: readonly PortFamily[];
  /** Look for nodes by IPv4 multicast in place of broadcast. */
  readonly ipv4Multicast: boolean;
  /** Nodes to ask directly: addresses or names; `*` = broadcast. */
  readonly nodes: readonly string[];
  readonly nodeSecret: string;
  /** Only nodes are used that prove the secret as ours do; dispy's proof is neither taken nor given. */
  readonly requireOwnAuth: boolean;
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
  /** Memory for arguments and results, where they are kept and where they are under way. */
  readonly memoryBudgetBytes: number;
  /** Arguments and results that are kept at any time, in memory and on disk together. */
  readonly diskBudgetBytes: number;
  /** Jobs and undelivered results that there may be at any time. */
  readonly maxJobs: number;
  /** Results whose client has not come for them for so long are dropped; `null` = never. */
  readonly resultKeepMs: number | null;
}
