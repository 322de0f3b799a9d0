/**
 * Why jobs wait: while there are some and none runs, the scheduler is asked now and then. dispy's
 * own scheduler does not understand the question, and is asked once.
 *
 * @module
 */

import { WireError } from "../wire/mod.ts";
import { DispyError } from "./errors.ts";
import type { WaitEvent } from "./options.ts";
import type { SchedulerLink } from "./scheduler_link.ts";

/** How often it is looked whether jobs wait, and the scheduler is asked if they do. */
const LOOK_MS = 3_000;

/** What is watched, and who is told. */
export interface WaitTarget {
  readonly computeId: number;
  /** Whether there are jobs and none of them runs. */
  isWaiting(): boolean;
  onWaiting(event: WaitEvent): void;
}

/** See the module's description. */
export class WaitWatch {
  readonly #link: SchedulerLink;
  readonly #target: WaitTarget;
  readonly #timer: ReturnType<typeof setInterval>;
  #isAsking = false;
  /** What was told last: the texts of all reasons. */
  #told = "";

  constructor(link: SchedulerLink, target: WaitTarget) {
    this.#link = link;
    this.#target = target;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
  }

  /** Asks no more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#isAsking) return;
    if (!this.#target.isWaiting()) return this.#tell({ reasons: [] });
    this.#isAsking = true;
    try {
      const cluster = String(this.#target.computeId);
      const { waits } = await this.#link.askControl({ request: "waits", cluster });
      // Meanwhile one may run.
      if (this.#target.isWaiting()) this.#tell({ reasons: waits });
    } catch (error) {
      if (error instanceof WireError) this.stop();
      // Whether the scheduler is there is told elsewhere.
      else if (!(error instanceof DispyError)) throw error;
    } finally {
      this.#isAsking = false;
    }
  }

  #tell(event: WaitEvent): void {
    const text = event.reasons.map((reason) => reason.text).join("\n");
    if (text === this.#told) return;
    this.#told = text;
    this.#target.onWaiting(event);
  }
}
