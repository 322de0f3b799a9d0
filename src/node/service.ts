/**
 * Opens and shuts the node by the hours of the day, and counts the computations that it serves.
 *
 * @module
 */

import { type ServiceHours, type ServiceState, serviceStateAt } from "./service_hours.ts";

/** How often the clock is looked at. */
const CHECK_MS = 5_000;

/** See the module's description. */
export class Service {
  #state: ServiceState;
  #left: number | null;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param serve Computations to serve; `null` = no limit.
   * @param onChange Called when the hours of the day have another state.
   */
  constructor(
    private readonly hours: ServiceHours,
    serve: number | null,
    private readonly onChange: (state: ServiceState) => void,
  ) {
    this.#left = serve;
    this.#state = serviceStateAt(hours, new Date());
  }

  /** Whether computations and jobs are taken by the hours of the day. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Whether another computation may be taken. */
  get takesComputations(): boolean {
    return this.isOpen && this.#left !== 0;
  }

  /** Whether all computations that were to be served have been. */
  get isOver(): boolean {
    return this.#left === 0;
  }

  /** Begins to look at the clock. */
  start(): void {
    this.#timer = setInterval(() => this.#check(), CHECK_MS);
  }

  /** Ends that. */
  close(): void {
    clearInterval(this.#timer);
  }

  /** A computation was served. */
  onServed(): void {
    if (this.#left !== null && this.#left > 0) this.#left--;
  }

  #check(): void {
    const state = serviceStateAt(this.hours, new Date());
    if (state === this.#state) return;
    this.#state = state;
    this.onChange(state);
  }
}
