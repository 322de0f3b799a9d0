/**
 * Exchanges between the scheduler and its peers, each a request and an answer, which may be
 * late, lost or cut off.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import type { Prng } from "./prng.ts";

/** A process at the other end. */
export class Peer {
  /** The process runs. */
  isUp = true;
  /** It is stopped: what comes waits until it runs on. */
  isPaused = false;
  /** No message gets through, in either direction. */
  isCutOff = false;
  /** What came while it was stopped. */
  readonly backlog: Array<() => void> = [];
  /** Connections that break when the process ends. */
  readonly open = new Set<() => void>();

  constructor(readonly name: string) {}

  /** Ends the process: whoever waits for its answer sees the connection break. */
  stop(): void {
    this.isUp = false;
    this.isPaused = false;
    this.backlog.length = 0;
    for (const breakOff of [...this.open]) breakOff();
  }

  /** Lets the process run on. */
  resume(): void {
    this.isPaused = false;
    for (const handle of this.backlog.splice(0)) handle();
  }
}

/** How bad the network is. */
export interface Weather {
  /** Part of the messages that are lost. */
  lossRate: number;
  /** Part of the messages to the scheduler that come twice. */
  doubleRate: number;
  maxLatencyMs: number;
}

/** Why there was no answer. */
export type Failure =
  /** The machine says that there is no such process: the request was not received. */
  | "refused"
  /** The request was certainly not received. */
  | "unreachable"
  /** It may have been: the answer was lost or too late, or the process ended before it. */
  | "lost";

/** How long all wait for an answer. */
export const TIMEOUT_MS = 5_000;

/** Of the scheduler's requests under way when it ends, so many are received all the same. */
const SENT_RATE = 0.5;

export class Network {
  /** The scheduler's process; another one after each start. */
  readonly scheduler = new Peer("scheduler");
  #life = 0;

  constructor(
    readonly clock: Clock,
    readonly prng: Prng,
    readonly weather: Weather,
  ) {}

  /** The scheduler's process has ended: whoever waits for its answer sees the connection break. */
  schedulerEnds(): void {
    this.#life++;
    this.scheduler.stop();
  }

  /** A new process of the scheduler takes connections. */
  schedulerStarts(): void {
    this.scheduler.isUp = true;
  }

  /**
   * Sends a request of the scheduler to `peer`, where `handle` is called with what to call to
   * answer, now or later. In the end `done` is called once, with the answer, or with why none
   * came; never, if the scheduler's process has ended.
   */
  request<Answer>(
    peer: Peer,
    handle: (answer: (answer: Answer) => void) => void,
    done: (answer: Answer | null, failure: Failure | null) => void,
    options: { hasTimeLimit: boolean } = { hasTimeLimit: true },
  ): void {
    const life = this.#life;
    let isOver = false;
    const finish = (answer: Answer | null, failure: Failure | null) => {
      if (isOver) return;
      isOver = true;
      peer.open.delete(breakOff);
      this.atScheduler(() => {
        if (life === this.#life) done(answer, failure);
      });
    };
    const fail = (failure: Failure, delayMs: number) =>
      this.clock.after(delayMs, () => finish(null, failure));
    const breakOff = () => fail("lost", this.#latency());
    const giveUp = (failure: Failure) => fail(failure, this.prng.int(10, TIMEOUT_MS));
    if (options.hasTimeLimit) fail("lost", TIMEOUT_MS);
    const isRequestLost = this.#isLost();
    const isAnswerLost = this.#isLost();
    if (isRequestLost) return giveUp(this.prng.chance(0.5) ? "unreachable" : "lost");
    this.clock.after(this.#latency(), () => {
      if (life !== this.#life && !this.prng.chance(SENT_RATE)) return;
      if (peer.isCutOff) return giveUp("unreachable");
      if (!peer.isUp) {
        return fail(this.prng.chance(0.5) ? "refused" : "unreachable", this.#latency());
      }
      peer.open.add(breakOff);
      const arrive = () =>
        handle((answer) => {
          if (isAnswerLost || peer.isCutOff) giveUp("lost");
          else this.clock.after(this.#latency(), () => finish(answer, null));
        });
      if (peer.isPaused) peer.backlog.push(arrive);
      else arrive();
    });
  }

  /** Calls `send`, and perhaps `sendAgain` a little later: for messages that may come twice. */
  maybeTwice(send: () => void, sendAgain: () => void = send): void {
    if (this.prng.chance(this.weather.doubleRate)) {
      this.clock.after(this.prng.int(1, 3_000), sendAgain);
    }
    send();
  }

  /** Sends a message of `peer` to the scheduler, where `handle` is called; there is no answer. */
  tell(peer: Peer, handle: () => void): void {
    if (!peer.isUp || peer.isCutOff || this.#isLost()) return;
    this.clock.after(this.#latency(), () => {
      if (this.scheduler.isUp) this.atScheduler(handle);
    });
  }

  /**
   * Sends a request of `peer` to the scheduler, where `handle` is called with what to call to
   * answer. `done` is called once, with the answer, or with `null` where none came.
   */
  ask<Answer>(
    peer: Peer,
    handle: (answer: (answer: Answer) => void) => void,
    done: (answer: Answer | null) => void,
  ): void {
    const { scheduler, clock } = this;
    let isOver = false;
    const finish = (answer: Answer | null) => {
      if (isOver) return;
      isOver = true;
      scheduler.open.delete(breakOff);
      done(peer.isUp ? answer : null);
    };
    const fail = (delayMs: number) => clock.after(delayMs, () => finish(null));
    const breakOff = () => fail(this.#latency());
    if (!peer.isUp || peer.isCutOff) return fail(this.#latency());
    if (this.#isLost()) return fail(this.prng.int(10, TIMEOUT_MS));
    const isAnswerLost = this.#isLost();
    clock.after(this.#latency(), () => {
      if (!scheduler.isUp) return fail(this.#latency());
      scheduler.open.add(breakOff);
      let isAnswered = false;
      this.atScheduler(() =>
        handle((answer) => {
          isAnswered = true;
          if (isAnswerLost) fail(this.prng.int(10, TIMEOUT_MS));
          else clock.after(this.#latency(), () => finish(answer));
        })
      );
      if (!isAnswered) fail(TIMEOUT_MS);
    });
  }

  /** Has something happen in the scheduler's process; while that is stopped, it waits. */
  atScheduler(action: () => void): void {
    if (this.scheduler.isPaused) this.scheduler.backlog.push(action);
    else action();
  }

  #latency(): number {
    // Mostly short, at times long, so that messages overtake each other.
    const { maxLatencyMs } = this.weather;
    return this.prng.chance(0.2)
      ? this.prng.int(1, maxLatencyMs)
      : this.prng.int(1, Math.max(1, maxLatencyMs >> 4));
  }

  #isLost(): boolean {
    return this.weather.lossRate > 0 && this.prng.chance(this.weather.lossRate);
  }
}
