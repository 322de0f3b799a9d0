/**
 * Whether the scheduler is there. It is looked for again and again while it is not, and now and
 * then while it is: it may have been started anew and have lost what it knew.
 *
 * @module
 */

import { DispyError } from "./errors.ts";
import type { ConnectionEvent } from "./options.ts";
import { asError, type SchedulerLink } from "./scheduler_link.ts";

/** Between attempts to reach an absent scheduler: the first, and the longest. */
const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 5_000;

/** Between looks at a scheduler that has jobs of ours, where it does not ask for more pulses. */
const BEAT_MS = 10_000;

/** What the watch does and tells. */
export interface WatchTarget {
  /** The client port by which the scheduler knows us, and our address as it sees it. */
  readonly clientPort: number;
  readonly clientIpAddr: string;
  /** Whether we wait for anything. */
  isWaiting(): boolean;
  /** The scheduler is there after it was not, or was started anew: it may have lost jobs. */
  onReturn(): void;
  onConnection(event: ConnectionEvent): void;
}

/** See the module's description. */
export class SchedulerWatch {
  readonly #link: SchedulerLink;
  readonly #target: WatchTarget;
  readonly #pulseMs: number | null;
  #returned: PromiseWithResolvers<void> | null = null;
  #beat: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  /** @param pulseMs How often the scheduler wants to hear of us; `null` for never. */
  constructor(link: SchedulerLink, target: WatchTarget, pulseMs: number | null) {
    this.#link = link;
    this.#target = target;
    this.#pulseMs = pulseMs;
    link.onNew = () => {
      if (!this.#stopped) target.onReturn();
    };
    this.#scheduleBeat();
  }

  /** A request has failed: the scheduler is not there. */
  onLost(error: Error): void {
    if (this.#returned !== null || this.#stopped) return;
    this.#returned = Promise.withResolvers();
    this.#target.onConnection({ kind: "lost", error });
    void this.#seek();
  }

  /** Resolves once the scheduler is there, or nobody looks for it any more. */
  untilPresent(): Promise<void> {
    return this.#returned?.promise ?? Promise.resolve();
  }

  /** Looks no more; those who wait go on. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#beat);
    this.#returned?.resolve();
  }

  async #seek(): Promise<void> {
    for (
      let pauseMs = FIRST_RETRY_MS;
      !this.#stopped;
      pauseMs = Math.min(pauseMs * 2, LAST_RETRY_MS)
    ) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (this.#stopped) return;
      try {
        await this.#link.greet();
      } catch (error) {
        // Whatever is wrong now may be right when the scheduler is up: its port is there first.
        if (!(error instanceof DispyError)) throw error;
        continue;
      }
      const returned = this.#returned;
      this.#returned = null;
      this.#target.onConnection({ kind: "restored" });
      this.#target.onReturn();
      returned?.resolve();
      return;
    }
  }

  #scheduleBeat(): void {
    if (this.#stopped) return;
    const periodMs = Math.min(this.#pulseMs ?? Infinity, BEAT_MS);
    this.#beat = setTimeout(() => void this.#onBeat(), periodMs);
  }

  async #onBeat(): Promise<void> {
    const wanted = this.#pulseMs !== null || this.#target.isWaiting();
    if (wanted && this.#returned === null) {
      const { clientIpAddr, clientPort } = this.#target;
      try {
        await this.#link.tell({ kind: "PULSE", clientIpAddr, clientPort });
      } catch (error) {
        this.onLost(asError(error));
      }
    }
    this.#scheduleBeat();
  }
}
