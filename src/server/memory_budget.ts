/**
 * How much is kept here for peers, by their address and of everybody together: in memory, and in
 * all (nearly all of it on disk where there is much). What can be on disk alone (arguments,
 * results, the code of computations) leaves memory where there is too much of it; what cannot
 * (descriptions of computations, files and nodes) has a limit of its own, and is refused beyond it.
 *
 * @module
 */

/** What may be kept at any time. */
export interface BudgetLimits {
  /** Bytes in memory that can be on disk alone as well. */
  readonly memoryBytes: number;
  /** Bytes in memory that can be nowhere else. */
  readonly residentBytes: number;
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
  residentBytes: number;
  bytes: number;
  /** How many of the items are results. */
  results: number;
  /** How much else is kept that is no item. */
  others: number;
}

/** What a payload is of. */
export type ItemKind = "job" | "result" | "computation";

/** What is kept, and for whom. */
export interface Item {
  /** Address of the client. */
  readonly client: string;
  readonly sizeBytes: number;
  readonly kind: ItemKind;
}

/** What something takes that is no payload. */
export interface HoldingSize {
  /** On disk, or in memory where there is none. */
  readonly keptBytes: number;
  /** In memory, for as long as it is kept. */
  readonly residentBytes: number;
}

/** Something that counts until it is released; more than one release does no harm. */
export interface Holding {
  readonly size: HoldingSize;
  release(): void;
}

const NOTHING: Readonly<Usage> = {
  ...{ items: 0, memoryBytes: 0, residentBytes: 0, bytes: 0, results: 0, others: 0 },
};

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

  /** Bytes in memory that can be nowhere else. */
  get residentBytes(): number {
    return this.#all.residentBytes;
  }

  /** What is beyond its limit, in words: an earlier run had larger ones. `null` = nothing. */
  get excess(): string | null {
    const { keptBytes, maxItems, residentBytes } = this.limits;
    const { items, bytes, residentBytes: resident } = this.#all;
    const beyond: string[] = [];
    if (bytes > keptBytes) beyond.push(`${bytes} bytes are kept, the limit is ${keptBytes}`);
    if (resident > residentBytes) {
      beyond.push(`${resident} bytes of descriptions are in memory, the limit is ${residentBytes}`);
    }
    if (items > maxItems) {
      beyond.push(`${items} jobs and results are here, the limit is ${maxItems}`);
    }
    return beyond.length === 0 ? null : beyond.join("; ");
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
    const { maxItems } = this.limits;
    if (this.#all.items >= maxItems) {
      return `${this.#all.items} jobs and results are here already; the limit is ${maxItems}`;
    }
    return this.#keptRefusal(client, sizeBytes, "this job");
  }

  /**
   * Why something that is no payload is not taken from `client` now, or `null`.
   *
   * @param what Names it, as in "this file".
   */
  holdingRefusal(
    client: string,
    what: string,
    { keptBytes, residentBytes }: HoldingSize,
  ): string | null {
    return this.#residentRefusal(client, residentBytes, what) ??
      (keptBytes > 0 ? this.#keptRefusal(client, keptBytes, what) : null);
  }

  /** Keeps account of something that is no payload. Whether it may be is to be asked before. */
  hold(client: string, size: HoldingSize): Holding {
    const { keptBytes, residentBytes } = size;
    let isHeld = true;
    this.#count(client, keptBytes, residentBytes, 1);
    return {
      size,
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#count(client, -keptBytes, -residentBytes, -1);
        this.#forgetIfIdle(client);
      },
    };
  }

  #count(client: string, keptBytes: number, residentBytes: number, others: number): void {
    for (const each of [this.#usageOf(client), this.#all]) {
      each.bytes += keptBytes;
      each.residentBytes += residentBytes;
      each.others += others;
    }
  }

  #keptRefusal(client: string, sizeBytes: number, what: string): string | null {
    const allBytes = this.limits.keptBytes * JOBS_SHARE;
    const clientBytes = allBytes * CLIENT_SHARE;
    const { bytes } = this.#of(client);
    if (bytes + sizeBytes > clientBytes) {
      return `what is kept for client ${client} takes ${bytes} bytes already and ${what} ` +
        `${sizeBytes}; the limit for one client is ${Math.floor(clientBytes)}`;
    }
    if (this.#all.bytes + sizeBytes > allBytes) {
      return `what is kept for all clients takes ${this.#all.bytes} bytes already and ${what} ` +
        `${sizeBytes}; the limit is ${Math.floor(allBytes)}`;
    }
    return null;
  }

  #residentRefusal(client: string, sizeBytes: number, what: string): string | null {
    const allBytes = this.limits.residentBytes;
    const clientBytes = allBytes * CLIENT_SHARE;
    const { residentBytes } = this.#of(client);
    if (residentBytes + sizeBytes > clientBytes) {
      return `what is described in memory for ${client} takes ${residentBytes} bytes already and ` +
        `${what} ${sizeBytes}; the limit for one address is ${Math.floor(clientBytes)}`;
    }
    if (this.#all.residentBytes + sizeBytes > allBytes) {
      return `what is described in memory takes ${this.#all.residentBytes} bytes already and ` +
        `${what} ${sizeBytes}; the limit is ${Math.floor(allBytes)}`;
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
    const { client, sizeBytes, kind } = item;
    for (const each of [this.#usageOf(client), this.#all]) {
      if (kind === "computation") each.others++;
      else each.items++;
      each.bytes += sizeBytes;
      if (kind === "result") each.results++;
    }
    if (inMemory) this.#useMemory(client, sizeBytes);
  }

  /** What is kept is in memory no longer. */
  leaveMemory({ client, sizeBytes }: Item): void {
    this.#useMemory(client, -sizeBytes);
  }

  /** What was kept is needed no longer. */
  remove(item: Item, inMemory: boolean): void {
    const { client, sizeBytes, kind } = item;
    if (inMemory) this.#useMemory(client, -sizeBytes);
    const usage = this.#byClient.get(client);
    if (usage === undefined) throw new Error(`nothing is kept for client ${client}`);
    for (const each of [usage, this.#all]) {
      if (kind === "computation") each.others--;
      else each.items--;
      each.bytes -= sizeBytes;
      if (kind === "result") each.results--;
    }
    this.#forgetIfIdle(client);
  }

  #usageOf(client: string): Usage {
    let usage = this.#byClient.get(client);
    if (usage === undefined) this.#byClient.set(client, usage = { ...NOTHING });
    return usage;
  }

  #forgetIfIdle(client: string): void {
    const usage = this.#byClient.get(client);
    if (usage !== undefined && usage.items === 0 && usage.others === 0) {
      this.#byClient.delete(client);
    }
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
