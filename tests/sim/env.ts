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
  /** A node forgets a job that it has taken, without a word. */
  jobForgotten: number;
  /** A node's thread for results dies: it runs jobs, and answers for none. */
  muteness: number;
  /** Such a node cannot be healed. */
  muteForGood: number;
  /** Between a job's coming and its offer passes time, in which its arguments are written. */
  offerLate: number;
  /** A client does not want to know of a result. */
  resultRefused: number;
  /** A client asks for some of the nodes only, and for some of their CPUs. */
  askedTooLittle: number;
  /** The scheduler's disk does not take what is written. */
  writeFails: number;
}

/** What goes wrong in a world; `rate` chooses up to its `max`. */
export function someFaults(rate: (max: number) => number, prng: Prng): Faults {
  return {
    setupRefused: rate(0.4),
    setupFailed: rate(0.2),
    jobRejected: rate(0.3),
    jobBusy: rate(0.3),
    jobFails: rate(0.3),
    jobForgotten: rate(0.2),
    muteness: rate(0.1),
    muteForGood: rate(0.6),
    offerLate: rate(0.5),
    resultRefused: rate(0.3),
    askedTooLittle: rate(1),
    writeFails: prng.chance(0.8) ? 0 : rate(0.3),
  };
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
