/**
 * The core in its place between the events that it is told and the effects that it wants.
 *
 * @module
 */

import type { Core, Effect } from "../core/mod.ts";

/** See the module's description. */
export class Engine {
  #carryOut: (effect: Effect) => void = () => {};

  /** @param clock Milliseconds since 1970. */
  constructor(readonly core: Core, private readonly clock: () => number = Date.now) {}

  /** Says who carries out effects: must not throw, and must not post events synchronously. */
  onEffect(carryOut: (effect: Effect) => void): void {
    this.#carryOut = carryOut;
  }

  /** Tells the core of an event, then has carried out what comes of it. */
  post<T>(event: (core: Core, nowMs: number) => T): T {
    try {
      return event(this.core, this.clock());
    } finally {
      for (const effect of this.core.takeEffects()) this.#carryOut(effect);
    }
  }
}
