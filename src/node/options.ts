/**
 * What a node can be told.
 *
 * @module
 */

import type { TlsIdentity } from "../net/tls_identity.ts";
import type { ServiceHours } from "./service_hours.ts";

/** Settings of a node, fixed for its life. */
export interface NodeOptions {
  /** What the node is called, for people and for clients that choose by name. */
  readonly name: string;
  /** CPUs that it offers: jobs that it runs at a time. */
  readonly cpus: number;
  /** Where it listens, by TCP and UDP. */
  readonly port: number;
  /** Where its schedulers listen for nodes. */
  readonly schedulerPort: number;
  /** A scheduler to greet besides those that a broadcast reaches; name or address. */
  readonly schedulerHost: string | null;
  /** Look for schedulers by IPv4 multicast in place of broadcast. */
  readonly ipv4Multicast: boolean;
  /** How often to look for schedulers while none uses the node; `null` = when it gets free only. */
  readonly pingIntervalMs: number | null;
  /** Limit for every single read and write. */
  readonly msgTimeoutMs: number;
  /** Shared with the schedulers; "" without one. */
  readonly secret: string;
  /** Serve only schedulers that prove the secret as ours do; dispy's proof is neither taken nor given. */
  readonly requireOwnAuth: boolean;
  /** For TLS with schedulers; `null` = plain text. */
  readonly tls: TlsIdentity | null;
  /** Computations that it serves before it ends; `null` = no limit. */
  readonly serve: number | null;
  readonly serviceHours: ServiceHours;
  /** How long a scheduler may be silent; `null` = for ever. */
  readonly zombieIntervalMs: number | null;
  /** Largest file that is taken or sent; 0 = no limit. */
  readonly maxFileSizeBytes: number;
  /** Remove files of computations whatever their clients say. */
  readonly forceCleanup: boolean;
  /** How long a setup function may run; `null` = no limit. */
  readonly setupTimeoutMs: number | null;
  /** How long a job may run; `null` = no limit. */
  readonly jobTimeoutMs: number | null;
  /** Memory that a job and its children may hold; `null` = no limit. */
  readonly jobMemoryBytes: number | null;
  /** Absolute path of the folder below which everything is kept. */
  readonly folder: string;
}
