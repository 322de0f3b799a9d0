/**
 * Says which scheduler uses the node, and when it no longer does: because it has closed all of its
 * computations, or because it cannot be reached.
 *
 * @module
 */

import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import type { PeerAddress } from "./held_computations.ts";

const log = getLogger("node");

/** That a scheduler cannot be reached is said again after so long. */
const WARNING_INTERVAL_MS = 60 * 60_000;

/** See the module's description. */
export class SchedulerNews {
  readonly #warnings = new RepeatLimiter(log, { intervalMs: WARNING_INTERVAL_MS });
  #scheduler: PeerAddress | null = null;
  #isLost = false;

  /** A computation was taken, or closed: `scheduler` uses the node now, `null` = none does. */
  onUse(scheduler: PeerAddress | null): void {
    const before = this.#scheduler;
    if (before?.host === scheduler?.host && before?.port === scheduler?.port) return;
    this.#scheduler = scheduler;
    this.#isLost = false;
    if (scheduler !== null) {
      log.info("a scheduler uses the node", { scheduler: scheduler.host, port: scheduler.port });
    } else log.info("the scheduler uses the node no more; it is free", { scheduler: before?.host });
  }

  /** The scheduler at this address has answered. */
  onReached({ host, port }: PeerAddress): void {
    if (!this.#isLost || !this.#uses(host, port)) return;
    this.#isLost = false;
    log.info("the scheduler is there again", { scheduler: host, port });
  }

  /** The scheduler at this address did not answer. */
  onUnreachable({ host, port }: PeerAddress, reason: string): void {
    if (!this.#uses(host, port)) return;
    this.#isLost = true;
    this.#warnings.warning(`${host} ${port}`, "the scheduler that uses the node is out of reach", {
      scheduler: host,
      port,
      reason,
      hint: "jobs go on, and their results are kept",
    });
  }

  #uses(host: string, port: number): boolean {
    return this.#scheduler?.host === host && this.#scheduler.port === port;
  }
}
