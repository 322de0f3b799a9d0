/**
 * How many bytes of messages are in memory at a time because they are being received, or sent from
 * disk: who comes when there is no room waits for its turn.
 *
 * Messages that are huge, longer than a part of the budget each, go one at a time, beside the
 * others: a slow peer that sends a gigabyte holds up other such peers, and nobody else.
 *
 * @module
 */

/** Messages up to this length need no turn: connections, whose number is limited, bound them. */
export const SMALL_BYTES = 64 * 1024;

/** What is longer than this part of the budget is huge. */
const HUGE_SHARE = 1 / 4;

interface Waiting {
  readonly sizeBytes: number;
  readonly admit: () => void;
}

/** See the module's description. */
export class TransferBudget {
  #usedBytes = 0;
  #hugeBytes = 0;
  readonly #waiting: Waiting[] = [];
  readonly #hugeWaiting: Waiting[] = [];

  /** @param limitBytes Most bytes at a time, beside one that is huge. */
  constructor(private readonly limitBytes: number) {}

  /** Bytes that are under way. */
  get usedBytes(): number {
    return this.#usedBytes + this.#hugeBytes;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting.length + this.#hugeWaiting.length;
  }

  /** A place for the messages of one connection, to be disposed of when they are dealt with. */
  share(): TransferShare {
    return new TransferShare(this);
  }

  /** Takes room for a message; a promise where that is not to be had at once. */
  take(sizeBytes: number): void | Promise<void> {
    const queue = this.#isHuge(sizeBytes) ? this.#hugeWaiting : this.#waiting;
    if (queue.length === 0 && this.#tryTake(sizeBytes)) return;
    return new Promise<void>((admit) => queue.push({ sizeBytes, admit }));
  }

  /** Gives back the room that a message had. */
  giveBack(sizeBytes: number): void {
    if (this.#isHuge(sizeBytes)) this.#hugeBytes -= sizeBytes;
    else this.#usedBytes -= sizeBytes;
    for (const queue of [this.#waiting, this.#hugeWaiting]) {
      while (queue[0] !== undefined && this.#tryTake(queue[0].sizeBytes)) queue.shift()!.admit();
    }
  }

  #isHuge(sizeBytes: number): boolean {
    return sizeBytes > this.limitBytes * HUGE_SHARE;
  }

  #tryTake(sizeBytes: number): boolean {
    if (this.#isHuge(sizeBytes)) {
      if (this.#hugeBytes > 0) return false;
      this.#hugeBytes = sizeBytes;
    } else {
      if (this.#usedBytes + sizeBytes > this.limitBytes) return false;
      this.#usedBytes += sizeBytes;
    }
    return true;
  }
}

/** The room that the messages of one connection have. */
export class TransferShare implements Disposable {
  readonly #taken: number[] = [];

  /** Made by {@linkcode TransferBudget.share}. */
  constructor(private readonly budget: TransferBudget) {}

  /** Takes room for one more message; a promise where that is not to be had at once. */
  take(sizeBytes: number): void | Promise<void> {
    if (sizeBytes <= SMALL_BYTES) return;
    const wait = this.budget.take(sizeBytes);
    if (wait === undefined) this.#taken.push(sizeBytes);
    else return wait.then(() => void this.#taken.push(sizeBytes));
  }

  [Symbol.dispose](): void {
    for (const sizeBytes of this.#taken.splice(0)) this.budget.giveBack(sizeBytes);
  }
}
