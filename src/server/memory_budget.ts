/**
 * How much of the arguments and results of jobs is kept here, in memory and in all (nearly all of
 * it on disk where there is much), by client address and of everybody together.
 *
 * @module
 */

/** What may be kept at any time. */
export interface BudgetLimits {
  /** Bytes in memory. */
  readonly memoryBytes: number;
  /** Bytes in memory and on disk together. */
  readonly keptBytes: number;
  /** Jobs that are not done and results that were not delivered, together. */
  readonly maxItems: number;
}

/** Of all that there is, one client may have this part: no client shuts out the others. */
const CLIENT_SHARE = 1 / 2;

/** New jobs are taken up to this part: what is left is for the results of those that are here. */
const JOBS_SHARE = 3 / 4;

/** What is kept for a client. */
interface Usage {
  items: number;
  memoryBytes: number;
  bytes: number;
  /** How many of the items are results. */
  results: number;
}

/** What is kept, and for whom. */
export interface Item {
  /** Address of the client. */
  readonly client: string;
  readonly sizeBytes: number;
  readonly isResult: boolean;
}

const NOTHING: Readonly<Usage> = { items: 0, memoryBytes: 0, bytes: 0, results: 0 };

/** See the module's description. Each call takes the same time, however much is kept. */
export class MemoryBudget {
  readonly #all: Usage = { ...NOTHING };
  readonly #byClient = new Map<string, Usage>();

  constructor(readonly limits: BudgetLimits) {}

  /** Bytes in memory. */
  get memoryBytes(): number {
    return this.#all.memoryBytes;
  }

  /** Bytes in memory and on disk. */
  get keptBytes(): number {
    return this.#all.bytes;
  }

  /** Whether `sizeBytes` more bytes may be in memory for `client`. */
  fitsMemory(client: string, sizeBytes: number): boolean {
    const { memoryBytes } = this.limits;
    return this.#all.memoryBytes + sizeBytes <= memoryBytes &&
      this.#of(client).memoryBytes + sizeBytes <= memoryBytes * CLIENT_SHARE;
  }

  /** Whether there is no more in memory, in all and for `client`, than may be. */
  hasMemoryLeft(client: string): boolean {
    return this.fitsMemory(client, 0);
  }

  /** Why a job with so many bytes of arguments is not taken from `client` now, or `null`. */
  jobRefusal(client: string, sizeBytes: number): string | null {
    const { keptBytes, maxItems } = this.limits;
    if (this.#all.items >= maxItems) {
      return `${this.#all.items} jobs and results are here already; the limit is ${maxItems}`;
    }
    const clientBytes = keptBytes * JOBS_SHARE * CLIENT_SHARE;
    const { bytes } = this.#of(client);
    if (bytes + sizeBytes > clientBytes) {
      return `what is kept for client ${client} takes ${bytes} bytes already and this job ` +
        `${sizeBytes}; the limit for one client is ${Math.floor(clientBytes)}`;
    }
    const allBytes = keptBytes * JOBS_SHARE;
    if (this.#all.bytes + sizeBytes > allBytes) {
      return `what is kept for all clients takes ${this.#all.bytes} bytes already and this job ` +
        `${sizeBytes}; the limit is ${Math.floor(allBytes)}`;
    }
    return null;
  }

  /**
   * Why a result is not taken for `client` now, or `null`. A first one always is: it could never
   * get through otherwise.
   *
   * @param takesResults The client takes what it is sent, so that what is kept for it soon is not.
   * @param shortage Why there is no more room than these limits say, or `null`.
   */
  resultRefusal(
    client: string,
    sizeBytes: number,
    { takesResults, shortage }: { takesResults: boolean; shortage: string | null },
  ): string | null {
    const usage = this.#of(client);
    if (usage.results === 0) return null;
    const { keptBytes } = this.limits;
    const clientBytes = keptBytes * CLIENT_SHARE;
    if (usage.bytes + sizeBytes > clientBytes) {
      return `${usage.bytes} bytes are kept for its client; the limit is ${
        Math.floor(clientBytes)
      }`;
    }
    if (takesResults) return null;
    if (shortage !== null) return shortage;
    if (this.#all.bytes + sizeBytes > keptBytes) {
      return `${this.#all.bytes} bytes are kept for all clients; the limit is ${keptBytes}`;
    }
    return null;
  }

  /** Something is kept, in memory at first or not. */
  add(item: Item, inMemory: boolean): void {
    const { client, sizeBytes, isResult } = item;
    let usage = this.#byClient.get(client);
    if (usage === undefined) this.#byClient.set(client, usage = { ...NOTHING });
    for (const each of [usage, this.#all]) {
      each.items++;
      each.bytes += sizeBytes;
      if (isResult) each.results++;
    }
    if (inMemory) this.#useMemory(client, sizeBytes);
  }

  /** What is kept is in memory no longer. */
  leaveMemory({ client, sizeBytes }: Item): void {
    this.#useMemory(client, -sizeBytes);
  }

  /** What was kept is needed no longer. */
  remove(item: Item, inMemory: boolean): void {
    const { client, sizeBytes, isResult } = item;
    if (inMemory) this.#useMemory(client, -sizeBytes);
    const usage = this.#byClient.get(client);
    if (usage === undefined) throw new Error(`nothing is kept for client ${client}`);
    for (const each of [usage, this.#all]) {
      each.items--;
      each.bytes -= sizeBytes;
      if (isResult) each.results--;
    }
    if (usage.items === 0) this.#byClient.delete(client);
  }

  #of(client: string): Readonly<Usage> {
    return this.#byClient.get(client) ?? NOTHING;
  }

  #useMemory(client: string, bytes: number): void {
    this.#all.memoryBytes += bytes;
    const usage = this.#byClient.get(client);
    if (usage !== undefined) usage.memoryBytes += bytes;
  }
}
