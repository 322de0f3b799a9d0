/**
 * A queue that many peers fill, in which none waits for all that another has put in: they take
 * turns, and what is of one peer keeps its order.
 *
 * @module
 */

/** What waits of one peer. */
interface Line<T> {
  readonly items: T[];
  head: number;
}

/** See the module's description. */
export class FairQueue<T> {
  /** By peer, the one whose turn it is first. */
  readonly #lines = new Map<string, Line<T>>();
  #size = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Puts an item behind those of the same peer. */
  push(owner: string, item: T): void {
    const line = this.#lines.get(owner);
    if (line === undefined) this.#lines.set(owner, { items: [item], head: 0 });
    else line.items.push(item);
    this.#size++;
  }

  /** Whether something of this peer waits. */
  has(owner: string): boolean {
    return this.#lines.has(owner);
  }

  /** The first item of each peer, in the order of their turns. */
  *heads(): Iterable<readonly [owner: string, item: T]> {
    for (const [owner, { items, head }] of this.#lines) yield [owner, items[head] as T];
  }

  /** Takes out the first item of a peer, whose turn comes again after those of all others. */
  take(owner: string): T | undefined {
    const line = this.#lines.get(owner);
    if (line === undefined) return undefined;
    const item = line.items[line.head++];
    this.#size--;
    this.#lines.delete(owner);
    if (line.head === line.items.length) return item;
    // What was taken is dropped in large steps, so that each is cheap.
    if (line.head >= 1024) {
      line.items.splice(0, line.head);
      line.head = 0;
    }
    this.#lines.set(owner, line);
    return item;
  }
}
