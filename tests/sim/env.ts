/**
 * What all inhabitants of the simulated world share.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import type { Network } from "./network.ts";
import type { Prng } from "./prng.ts";
import type { Story } from "./story.ts";

/** How often peers misbehave: parts of all occasions. All 0 once the world is healed. */
export interface Faults {
  /** A node does not take a computation. */
  setupRefused: number;
  /** A client's `setup` fails. */
  setupFailed: number;
  /** A node does not take a job, for no reason that we know. */
  jobRejected: number;
  /** A node says that it is busy although it is not. */
  jobBusy: number;
  /** A job ends with an exception. */
  jobFails: number;
  /** A client does not want to know of a result. */
  resultRefused: number;
  /** A client asks for some of the nodes only, and for some of their CPUs. */
  askedTooLittle: number;
  /** The scheduler's disk does not take what is written. */
  writeFails: number;
}

export interface Env {
  readonly clock: Clock;
  readonly prng: Prng;
  readonly network: Network;
  readonly story: Story;
  readonly faults: Faults;
}

/** What a simulated job is like; the `payload` of its submission. */
export interface JobScript {
  /** `Infinity` = until it is cancelled. */
  readonly durationMs: number;
  /** Sends a provisional result half-way, after a second at most. */
  readonly isProvisional: boolean;
}

/** What a simulated node replies; the `payload` of a result. */
export interface ReplyScript {
  readonly uid: number;
  readonly nodeIpAddr: string;
}
