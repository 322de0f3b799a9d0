/**
 * Watches the guard of a computation's Python from outside: it cannot be relied on to watch the jobs
 * when a job has stopped it.
 *
 * @module
 */

import { isStopped, readChildren } from "../process_table.ts";

/** How often the guard is looked at. */
const CHECK_MS = 2_000;

/** It is given up when it is found stopped so often in a row. */
const STOPPED_CHECKS = 2;

/** It is given up when it does not answer for so many checks: the machine may be very busy. */
const SILENT_CHECKS = 20;

/** See the module's description. */
export class GuardWatch {
  readonly #timer: ReturnType<typeof setInterval>;
  #stopped = 0;
  #silent = 0;
  #awaitsAnswer = false;
  #lastMs = performance.now();

  /**
   * @param pid The process that the node has started: the guard, or what has started it.
   * @param ask Asks the guard for a sign of life.
   * @param onHung Called once where it is to be given up, with the reason.
   */
  constructor(
    private readonly pid: number,
    private readonly ask: () => void,
    private readonly onHung: (reason: string) => void,
  ) {
    this.#timer = setInterval(() => this.#check(), CHECK_MS);
  }

  /** The guard has answered. */
  onAnswer(): void {
    this.#awaitsAnswer = false;
    this.#silent = 0;
  }

  /** Whether the guard is stopped at this moment. */
  isStopped(): boolean {
    if (Deno.build.os !== "linux") return false;
    return isStopped(this.pid) || readChildren(this.pid).some(({ pid }) => isStopped(pid));
  }

  /** Ends the watch. */
  close(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const nowMs = performance.now();
    const wasPaused = nowMs - this.#lastMs > 2 * CHECK_MS;
    this.#lastMs = nowMs;
    // While this process itself was paused, it has not seen the answers.
    if (wasPaused) return;
    this.#stopped = this.isStopped() ? this.#stopped + 1 : 0;
    if (this.#awaitsAnswer) this.#silent++;
    this.#awaitsAnswer = true;
    this.ask();
    if (this.#stopped >= STOPPED_CHECKS) this.#giveUp("a job has stopped it");
    else if (this.#silent >= SILENT_CHECKS) this.#giveUp("it does not answer");
  }

  #giveUp(reason: string): void {
    this.close();
    this.onHung(reason);
  }
}
