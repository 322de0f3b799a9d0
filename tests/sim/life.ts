/**
 * One run of the scheduler's process: the real core, engine and journal, with a check of all that
 * must hold after each event.
 *
 * @module
 */

import { checkEffects, checkInvariants } from "../../src/core/invariants.ts";
import * as core from "../../src/core/mod.ts";
import { CoreJournal, type PayloadWriter } from "../../src/journal/core_journal.ts";
import { Journal } from "../../src/journal/journal.ts";
import { Engine } from "../../src/server/engine.ts";
import { describe } from "./describe.ts";
import type { Disk } from "./disk.ts";
import type { Env } from "./env.ts";
import type { Fairness } from "./fairness.ts";
import { Broken } from "./story.ts";

/** Longest that changes are gathered before they are written. */
const MAX_SOON_MS = 2;

/** Shows what each event has brought about. */
class WatchedCore extends core.Core {
  constructor(
    options: core.CoreOptions,
    private readonly watch: (effects: readonly core.Effect[]) => void,
  ) {
    super(options);
  }

  override takeEffects(): core.Effect[] {
    const effects = super.takeEffects();
    this.watch(effects);
    return effects;
  }
}

/** See the module's description. */
export class Life {
  readonly core: core.Core;
  readonly engine: Engine;
  /** `null` = nothing is kept. */
  readonly coreJournal: CoreJournal | null;
  readonly #journal: Journal | null;
  /** The process has ended. */
  isOver = false;
  /** What was due while the process was stopped. */
  readonly #late: Array<() => void> = [];
  /** What the core is being told. */
  #line: () => string = () => "";

  constructor(
    private readonly env: Env,
    options: core.CoreOptions,
    disk: Disk | null,
    writer: PayloadWriter,
    private readonly fairness: Fairness | null,
  ) {
    this.core = new WatchedCore(options, (effects) => this.#watch(effects));
    const coreJournal = disk === null ? null : new CoreJournal(this.core, writer);
    this.coreJournal = coreJournal;
    this.#journal = disk === null || coreJournal === null
      ? null
      : new Journal(disk, () => coreJournal.collect(), {
        soon: (task) => this.after(env.prng.int(0, MAX_SOON_MS), task),
        after: (delayMs, task) => this.after(delayMs, task),
      });
    this.engine = new Engine(this.core, this.#journal, () => env.clock.nowMs);
  }

  /** Has `action` happen after `delayMs`, if the process still runs by then. */
  after(delayMs: number, action: () => void): void {
    this.env.clock.after(delayMs, () => {
      if (this.isOver) return;
      if (this.env.network.scheduler.isPaused) this.#late.push(action);
      else action();
    });
  }

  /** The process runs on after it was stopped: its timers come before what it was sent. */
  resume(): void {
    const { scheduler } = this.env.network;
    scheduler.isPaused = false;
    for (const action of this.#late.splice(0)) if (!this.isOver) action();
    if (!this.isOver) scheduler.resume();
  }

  /** Calls `then` once all that has happened until now lasts, or cannot be made to last. */
  afterCommit(then: () => void): void {
    if (this.#journal === null) then();
    else this.#journal.afterCommit(then);
  }

  /** Has the core see something, checks that all is well, and has effects carried out. */
  event<T>(line: () => string, happen: (core: core.Core, nowMs: number) => T): T {
    this.#line = line;
    try {
      return this.engine.post(happen);
    } catch (error) {
      if (error instanceof Broken) throw error;
      throw new Broken([`the core threw ${error instanceof Error ? error.stack : error}`]);
    }
  }

  #watch(effects: readonly core.Effect[]): void {
    const { story, clock } = this.env;
    // Of pulses and ticks that change nothing there are too many, and of what follows from them.
    const news = effects.filter((e) => e.kind !== "tellNodeStatus" || e.status !== "stats");
    if (story.isTold && (news.length > 0 || !/tick|pulses/.test(this.#line()))) {
      story.tell(clock.nowMs, this.#line);
      for (const effect of news) story.tell(clock.nowMs, () => `    → ${describe(effect)}`);
    }
    const problems = [...checkInvariants(this.core), ...checkEffects(effects)];
    for (const effect of effects) {
      if (effect.kind !== "deliver" || effect.delivery.cluster.wantsResults) continue;
      problems.push(`job ${effect.delivery.uid}: nobody wants its result`);
    }
    if (this.fairness !== null) problems.push(...this.fairness.watch(this.core, effects));
    if (problems.length > 0) throw new Broken(problems);
  }
}
