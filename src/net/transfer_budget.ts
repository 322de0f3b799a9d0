/**
 * How many bytes of messages are in memory at a time because they are being received, or sent from
 * disk: who comes when there is no room waits for its turn. Peers take turns, and none has more than
 * half of the room, so that a slow one keeps no other waiting.
 *
 * Messages that are huge, longer than a part of the budget each, go one at a time, beside the
 * others: a slow peer that sends a gigabyte holds up other such peers, and nobody else.
 *
 * @module
 */

import { FairQueue } from "./fair_queue.ts";

/** Messages up to this length need no turn: connections, whose number is limited, bound them. */
export const SMALL_BYTES = 64 * 1024;

/** What is longer than this part of the budget is huge. */
const HUGE_SHARE = 1 / 4;

/** One peer has no more of the budget than this part, however slow it is. */
const OWNER_SHARE = 1 / 2;

interface Waiting {
  readonly sizeBytes: number;
  readonly admit: () => void;
}

/** See the module's description. */
export class TransferBudget {
  #usedBytes = 0;
  #hugeBytes = 0;
  /** Of those that are not huge, by peer. */
  readonly #usedOf = new Map<string, number>();
  readonly #waiting = new FairQueue<Waiting>();
  readonly #hugeWaiting = new FairQueue<Waiting>();

  /** @param limitBytes Most bytes at a time, beside one that is huge. */
  constructor(private readonly limitBytes: number) {}

  /** Bytes that are under way. */
  get usedBytes(): number {
    return this.#usedBytes + this.#hugeBytes;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting.size + this.#hugeWaiting.size;
  }

  /**
   * A place for the messages of one connection, to be disposed of when they are dealt with.
   *
   * @param owner The peer that they are from, or for.
   */
  share(owner: string): TransferShare {
    return new TransferShare(this, owner);
  }

  /** Takes room for a message; a promise where that is not to be had at once. */
  take(owner: string, sizeBytes: number): void | Promise<void> {
    const queue = this.#isHuge(sizeBytes) ? this.#hugeWaiting : this.#waiting;
    const isFirst = queue.size === 0 || (!queue.has(owner) && this.#isHeldByOwners(queue));
    if (isFirst && this.#tryTake(owner, sizeBytes)) return;
    return new Promise<void>((admit) => queue.push(owner, { sizeBytes, admit }));
  }

  /** Gives back the room that a message had. */
  giveBack(owner: string, sizeBytes: number): void {
    if (this.#isHuge(sizeBytes)) this.#hugeBytes -= sizeBytes;
    else this.#use(owner, -sizeBytes);
    this.#admit(this.#waiting);
    this.#admit(this.#hugeWaiting);
  }

  /** Lets in those whose turn it is, as long as there is room for them. */
  #admit(queue: FairQueue<Waiting>): void {
    for (;;) {
      const next = this.#next(queue);
      if (next === null || !this.#tryTake(next, this.#headOf(queue, next).sizeBytes)) return;
      queue.take(next)!.admit();
    }
  }

  /** Whose turn it is: those that have all that one peer may have are passed over. */
  #next(queue: FairQueue<Waiting>): string | null {
    for (const [owner, { sizeBytes }] of queue.heads()) {
      if (!this.#isBeyondShare(owner, sizeBytes)) return owner;
    }
    return null;
  }

  #headOf(queue: FairQueue<Waiting>, wanted: string): Waiting {
    for (const [owner, item] of queue.heads()) if (owner === wanted) return item;
    throw new Error("nothing of this peer waits");
  }

  /** Whether all that wait do so for room of their own, which others need not wait for. */
  #isHeldByOwners(queue: FairQueue<Waiting>): boolean {
    return this.#next(queue) === null;
  }

  #isBeyondShare(owner: string, sizeBytes: number): boolean {
    if (this.#isHuge(sizeBytes)) return false;
    return (this.#usedOf.get(owner) ?? 0) + sizeBytes > this.limitBytes * OWNER_SHARE;
  }

  #isHuge(sizeBytes: number): boolean {
    return sizeBytes > this.limitBytes * HUGE_SHARE;
  }

  #tryTake(owner: string, sizeBytes: number): boolean {
    if (this.#isHuge(sizeBytes)) {
      if (this.#hugeBytes > 0) return false;
      this.#hugeBytes = sizeBytes;
      return true;
    }
    if (this.#usedBytes + sizeBytes > this.limitBytes) return false;
    if (this.#isBeyondShare(owner, sizeBytes)) return false;
    this.#use(owner, sizeBytes);
    return true;
  }

  #use(owner: string, bytes: number): void {
    this.#usedBytes += bytes;
    const used = (this.#usedOf.get(owner) ?? 0) + bytes;
    if (used === 0) this.#usedOf.delete(owner);
    else this.#usedOf.set(owner, used);
  }
}

/** The room that the messages of one connection have. */
export class TransferShare implements Disposable {
  readonly #taken: number[] = [];

  /** Made by {@linkcode TransferBudget.share}. */
  constructor(private readonly budget: TransferBudget, private readonly owner: string) {}

  /** Takes room for one more message; a promise where that is not to be had at once. */
  take(sizeBytes: number): void | Promise<void> {
    if (sizeBytes <= SMALL_BYTES) return;
    const wait = this.budget.take(this.owner, sizeBytes);
    if (wait === undefined) this.#taken.push(sizeBytes);
    else return wait.then(() => void this.#taken.push(sizeBytes));
  }

  [Symbol.dispose](): void {
    for (const sizeBytes of this.#taken.splice(0)) this.budget.giveBack(this.owner, sizeBytes);
  }
}
