/**
 * Signs of life, in both directions: the scheduler is told that the node lives, and computations
 * of a scheduler that was silent for long are closed.
 *
 * @module
 */

import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import { encodeNodeRequest, isPulse } from "../wire/mod.ts";
import type { Availability } from "./avail_info.ts";
import { MAX_ANSWER_BYTES, type NodeContext } from "./context.ts";
import type { HeldComputation, PeerAddress } from "./held_computations.ts";

const log = getLogger("node");

/** Where no computation asks for pulses. */
const DEFAULT_PULSE_MS = 10 * 60_000;

/** A scheduler gets so many pulses in the time after which it counts as silent. */
const PULSES_UNTIL_ZOMBIE = 5;

/** What is done about a scheduler that shows no sign of life. */
export interface PulseEvents {
  /** The scheduler is there. */
  onSchedulerAlive(scheduler: PeerAddress): void;
  /** The scheduler did not answer. */
  onSchedulerSilent(scheduler: PeerAddress, reason: string): void;
  /** Nothing was heard of a computation's scheduler for too long, and none of its jobs runs. */
  onZombie(computation: HeldComputation): void;
}

/** See the module's description. */
export class Pulses {
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the last pulse was sent, or the first computation came. */
  #lastMs = 0;

  constructor(
    private readonly context: NodeContext,
    private readonly availability: Availability,
    private readonly events: PulseEvents,
  ) {}

  /** Sends pulses as often as the computations that are here now ask for; none without any. */
  reschedule(): void {
    if (this.#timer === undefined) this.#lastMs = performance.now();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.context.held.size > 0) this.#schedule();
  }

  /** Sends no more pulses. */
  close(): void {
    clearTimeout(this.#timer);
  }

  /** Tells the scheduler that the node lives, and how many CPUs are busy. */
  async send(): Promise<void> {
    const { held, options, transport } = this.context;
    const { scheduler } = held;
    if (scheduler === null) return;
    try {
      const availInfo = await this.availability.read();
      using stream = await transport.connect(scheduler.host, scheduler.port);
      await stream.writeMessage(...encodeNodeRequest({
        kind: "PULSE",
        ipAddr: scheduler.nodeIpAddr,
        port: options.port,
        cpus: held.busyCpus,
        schedulerIpAddr: scheduler.host,
        availInfo,
      }));
      if (!isPulse(await stream.readMessage(MAX_ANSWER_BYTES))) {
        return this.events.onSchedulerSilent(scheduler, "it does not know the node");
      }
      held.touchAll();
      this.events.onSchedulerAlive(scheduler);
    } catch (error) {
      const reason = messageOf(error);
      log.debug("pulse not answered", { scheduler: scheduler.host, reason });
      this.events.onSchedulerSilent(scheduler, reason);
    }
  }

  #schedule(): void {
    const dueMs = this.#lastMs + this.#intervalMs();
    this.#timer = setTimeout(async () => {
      this.#lastMs = performance.now();
      await this.send();
      this.#findZombies();
      this.reschedule();
    }, Math.max(0, dueMs - performance.now()));
  }

  #intervalMs(): number {
    const { zombieIntervalMs } = this.context.options;
    let intervalMs = DEFAULT_PULSE_MS;
    for (const { compute: { pulseIntervalS } } of this.context.held) {
      if (pulseIntervalS) intervalMs = Math.min(intervalMs, pulseIntervalS * 1000);
    }
    return zombieIntervalMs === null
      ? intervalMs
      : Math.min(intervalMs, zombieIntervalMs / PULSES_UNTIL_ZOMBIE);
  }

  #findZombies(): void {
    const { held, options: { zombieIntervalMs } } = this.context;
    if (zombieIntervalMs === null) return;
    const nowMs = performance.now();
    for (const computation of [...held]) {
      if (nowMs - computation.lastSignMs <= zombieIntervalMs || computation.jobs.size > 0) continue;
      if (computation.state === "closing") continue;
      log.warning("nothing was heard of a computation's scheduler for long; closed", {
        computation: computation.compute.name,
        scheduler: computation.scheduler.host,
        silent_ms: Math.round(nowMs - computation.lastSignMs),
      });
      this.events.onZombie(computation);
    }
  }
}
