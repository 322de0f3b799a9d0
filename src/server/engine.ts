/**
 * The core in its place between the events that it is told and the effects that it wants.
 *
 * @module
 */

import type { Core, Effect } from "../core/mod.ts";
import { MAX_PAYLOAD_BYTES } from "../journal/database.ts";
import type { Journal } from "../journal/journal.ts";
import { MAX_REPEATED_BYTES } from "../pickle/limits.ts";

/** Written down it may be longer: what a pickle only refers to is written each time. */
const MAX_TAKEN_BYTES = (MAX_PAYLOAD_BYTES - MAX_REPEATED_BYTES) / 2;

/**
 * See the module's description.
 *
 * With a journal, effects wait until what they follow from lasts: nothing leaves this process that
 * a later run would not know of.
 */
export class Engine {
  #carryOut: (effect: Effect) => void = () => {};
  /** Events whose effects wait for a commit. */
  #waiting = 0;

  /**
   * @param journal `null` = what happens is not kept.
   * @param clock Milliseconds since 1970.
   */
  constructor(
    readonly core: Core,
    private readonly journal: Journal | null = null,
    private readonly clock: () => number = Date.now,
  ) {}

  /** Says who carries out effects: must not throw, and must not post events synchronously. */
  onEffect(carryOut: (effect: Effect) => void): void {
    this.#carryOut = carryOut;
  }

  /** Why what happens now does not last, or `null`. */
  get problem(): string | null {
    return this.journal?.problem ?? null;
  }

  /** Why as little as possible should be kept at present, or `null`. */
  get shortage(): string | null {
    return this.journal?.shortage ?? null;
  }

  /**
   * Why something new is not to be taken on at present, or `null`.
   *
   * @param sizeBytes How long the message is that it came with.
   */
  cannotKeep(sizeBytes: number): string | null {
    if (this.journal === null) return null;
    const { shortage } = this.journal;
    if (shortage !== null) return `the scheduler could not keep it: ${shortage}`;
    if (sizeBytes <= MAX_TAKEN_BYTES) return null;
    return `the scheduler cannot keep ${sizeBytes} bytes; with --durability off it takes them`;
  }

  /** Tells the core of an event, then has carried out what comes of it. */
  post<T>(event: (core: Core, nowMs: number) => T): T {
    try {
      return event(this.core, this.clock());
    } finally {
      this.#afterEvent();
    }
  }

  /**
   * Resolves once all that was posted lasts: to be awaited before a peer is told so. (Where it
   * cannot be made to last, {@linkcode problem} says why.)
   */
  async committed(): Promise<void> {
    await this.journal?.committed();
  }

  /** Effects wait for a commit. */
  get isWaiting(): boolean {
    return this.#waiting > 0;
  }

  #afterEvent(): void {
    const effects = this.core.takeEffects();
    if (this.journal === null || (this.#waiting === 0 && !this.core.hasChanges)) {
      for (const effect of effects) this.#carryOut(effect);
      return;
    }
    // Also effects of events that change nothing keep their place behind earlier ones.
    this.#waiting++;
    this.journal.afterCommit(() => {
      this.#waiting--;
      for (const effect of effects) this.#carryOut(effect);
    });
  }
}
