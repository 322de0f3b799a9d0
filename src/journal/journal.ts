/**
 * Group commit: changes are gathered and written together, and whoever must not go on before they
 * last waits for that.
 *
 * Nothing that depends on a change may leave the process before the change lasts: no answer to a
 * peer, no message. So after a crash, nobody knows more than the journal.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { getLogger } from "../log/log.ts";
import { messageOf } from "../log/error_message.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import { type Change, type Database, JournalError } from "./database.ts";

const log = getLogger("journal");

/** A journal that could not be written is tried again so soon. */
const RETRY_MS = 1_000;

const WARNING_INTERVAL_MS = 60_000;

/** Gathers what has changed, at the moment of a commit. */
export type Collect = () => Change[];

/** When a journal does things. */
export interface Timing {
  /** After what else has happened at the same time, so that it is written together. */
  soon(task: () => void): void;
  /** After a time that need not be exact; no reason for the program to go on. */
  after(delayMs: number, task: () => void): void;
}

const TIMING: Timing = {
  soon: (task) => void setImmediate(task),
  after: (delayMs, task) => Deno.unrefTimer(setTimeout(task, delayMs)),
};

/** See the module's description. */
export class Journal {
  #waiters: Array<() => void> = [];
  /** What could not be written, and goes first when that works again. */
  #unwritten: Change[] = [];
  #isScheduled = false;
  #isWriting = false;
  #isClosed = false;
  #problem: string | null = null;
  /** Where nothing can be written: it is time to try again. */
  #isRetryDue = false;
  /** It was said that there is little room. */
  #isShort = false;
  readonly #warnings = new RepeatLimiter(log, { intervalMs: WARNING_INTERVAL_MS });

  /**
   * @param collect Called at each commit for the changes since the last.
   * @param timing When commits happen; another than the usual is for simulated time.
   */
  constructor(
    readonly database: Database,
    private readonly collect: Collect,
    private readonly timing: Timing = TIMING,
  ) {}

  /** Why nothing can be written at present, or `null`. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Why nothing new should be taken on at present, or `null`; all that is here goes on. */
  get shortage(): string | null {
    return this.#problem ?? this.database.shortage;
  }

  /** Calls `then` once all that has changed until now lasts (or cannot be made to last). */
  afterCommit(then: () => void): void {
    this.#waiters.push(then);
    this.#schedule();
  }

  /** Resolves once all that has changed until now lasts (or cannot be made to last). */
  committed(): Promise<void> {
    return new Promise((resolve) => this.afterCommit(resolve));
  }

  /**
   * Sees that the journal is where the next run looks for it, gives back some of the room that is not
   * needed any more, and sets some aside for times when there is none; called now and then.
   *
   * @returns whether its files were gone, and have been written anew
   */
  async tend(): Promise<boolean> {
    if (this.#isWriting || this.#isClosed) return false;
    if (this.database.isInPlace?.() === false) return await this.#renew();
    if (this.#problem === null) this.#tendRoom();
    return false;
  }

  async #renew(): Promise<boolean> {
    // Until then nothing is committed, and nobody told that it was.
    this.#isWriting = true;
    let isRenewed = false;
    try {
      await this.database.renew?.();
      isRenewed = true;
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      this.#failed(this.#unwritten, error);
    } finally {
      this.#isWriting = false;
    }
    this.#retry();
    return isRenewed;
  }

  #tendRoom(): void {
    try {
      this.database.shrink();
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      const fields = { reason: messageOf(error) };
      this.#warnings.warning("shrink", "the journal cannot be made smaller", fields);
    }
    this.database.replenish();
    this.#sayShortage();
  }

  /** Writes what is left, and closes the database. */
  async close(): Promise<void> {
    this.#isRetryDue = true;
    await this.committed();
    if (this.#problem !== null) {
      const effect = "the next start knows nothing of what has changed since it could not";
      log.error("the journal could not be written to the end", { reason: this.#problem, effect });
    }
    this.#isClosed = true;
    this.database.close();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isWriting || this.#isClosed) return;
    this.#isScheduled = true;
    this.timing.soon(() => {
      this.#isScheduled = false;
      if (this.#problem === null || this.#isRetryDue) this.#commit();
      else this.#letGo();
    });
  }

  /**
   * Nobody waits for what cannot be written. To try with each event to write all that could not be
   * written until then would take longer the more there is.
   */
  #letGo(): void {
    if (this.#isClosed) return;
    for (const change of this.collect()) this.#unwritten.push(change);
    for (const then of this.#waiters.splice(0)) then();
    if (this.#waiters.length > 0) this.#schedule();
  }

  #retry(): void {
    this.#isRetryDue = true;
    this.#schedule();
  }

  #commit(): void {
    if (this.#isClosed) return;
    this.#isRetryDue = false;
    this.#isWriting = true;
    const waiters = this.#waiters;
    this.#waiters = [];
    const changes = [...this.#unwritten, ...this.collect()];
    const finish = (error: unknown) => this.#finish(changes, waiters, error);
    let written: void | PromiseLike<void> = undefined;
    try {
      if (changes.length > 0) written = this.database.commit(changes);
    } catch (error) {
      return finish(error);
    }
    if (written === undefined) finish(null);
    else written.then(() => finish(null), finish);
  }

  /** @param error `null` = all is well. */
  #finish(changes: Change[], waiters: ReadonlyArray<() => void>, error: unknown): void {
    if (error === null) {
      this.#unwritten = [];
      if (this.#problem !== null) this.#warnings.info("again", "the journal can be written again");
      this.#problem = null;
      this.#sayShortage();
    } else if (error instanceof JournalError) {
      this.#failed(changes, error);
    } else {
      throw error;
    }
    this.#isWriting = false;
    for (const then of waiters) then();
    if (this.#waiters.length > 0) this.#schedule();
  }

  #sayShortage(): void {
    const { shortage } = this.database;
    const isShort = shortage !== null;
    if (isShort === this.#isShort) return;
    this.#isShort = isShort;
    const fields = { reason: shortage };
    if (isShort) {
      this.#warnings.warning("short", "new jobs are refused until there is room", fields);
    } else this.#warnings.info("room", "there is room for new jobs again");
  }

  /**
   * Work goes on without the journal rather than not at all: results still reach their clients.
   * Only nothing new is taken on, see {@linkcode shortage}.
   */
  #failed(changes: Change[], error: JournalError): void {
    this.#unwritten = merged(changes);
    this.#problem = error.message;
    this.#warnings.warning(
      "write",
      "the journal cannot be written; new jobs are refused until it can",
      {
        reason: messageOf(error),
      },
    );
    this.timing.after(RETRY_MS, () => this.#retry());
  }
}

/** What the last change of each key makes of it. */
function merged(changes: readonly Change[]): Change[] {
  const last = new Map<string, Change>();
  for (const change of changes) {
    const key = `${change.table} ${change.key}`;
    const before = last.get(key);
    // A `put` without payload leaves the payload that is there.
    const keepsPayload = change.kind === "put" && change.payload === null &&
      before?.kind === "put";
    last.set(key, keepsPayload ? { ...change, payload: before.payload } : change);
  }
  return [...last.values()];
}
