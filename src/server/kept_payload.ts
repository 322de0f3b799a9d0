/**
 * Arguments and results of jobs from when they came until nobody needs them any more: in memory as
 * long as there is room, on disk where there is not.
 *
 * What is small stands in the journal anyway, so it needs no more than to be left out of memory;
 * what is large gets a file of its own, and the journal says which. Those that come when memory is
 * full stay out of it: jobs run in the order in which they came, so these are needed last.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { concat } from "@std/bytes/concat.js";
import { DamagedRowError, type Key, MAX_PAYLOAD_BYTES, type Table } from "../journal/database.ts";
import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import {
  DamagedFileError,
  type FileStore,
  type FileWriter,
  type KeptFile,
} from "../store/file_store.ts";
import type { Item, ItemKind, MemoryBudget } from "./memory_budget.ts";
import type { TransferBudget } from "../net/transfer_budget.ts";

const log = getLogger("store");

/** From this size on a file is better than the journal, which all else waits for. */
export const LARGE_BYTES = 1024 * 1024;

const WARNING_INTERVAL_MS = 60_000;

/** How a kind of payload is written down. */
export interface PayloadForm<T> {
  /** The table of the journal that holds it. */
  readonly table: Table;
  readonly kind: ItemKind;
  /** Large parts are not copied. */
  encode(value: T): Uint8Array[];
  decode(bytes: Uint8Array): T;
  /** The same of the journal's row, where there is more in it than what {@linkcode encode} gives. */
  decodeRow?(bytes: Uint8Array): T;
  /** About how much memory it takes. */
  sizeOf(value: T): number;
}

/**
 * A file that holds a payload, as the journal names it: its number in the store, its size and a
 * checksum, which earlier versions did not write.
 */
export type FileReference =
  | readonly [number: number, sizeBytes: number]
  | readonly [number: number, sizeBytes: number, sum: number];

/** The same, to be read. */
interface PayloadFile {
  readonly kept: KeptFile;
  readonly sum: number | null;
}

/** What a payload is kept with. */
export interface PayloadMeans {
  readonly budget: MemoryBudget;
  readonly store: FileStore;
  /** Room for those that are read from disk. */
  readonly sending: TransferBudget;
  /** Reads from the journal; `null` = there is none. */
  readonly journal: { payload(table: Table, key: Key): Uint8Array | null } | null;
}

/** What was kept is not there any more, or is damaged: no further attempt can read it. */
export class LostPayloadError extends Error {
  override readonly name = "LostPayloadError";
}

/** Room in memory for a payload, for as long as it takes to send it. */
export interface Loan<T> extends Disposable {
  /**
   * The payload, from wherever it is.
   *
   * @throws {LostPayloadError} where it is lost for good
   * @throws where it was dropped, or cannot be read back now
   */
  read(): Promise<T>;
}

/** Keeps payloads. */
export class PayloadKeeper {
  readonly #warnings = new RepeatLimiter(log, { intervalMs: WARNING_INTERVAL_MS });

  constructor(private readonly means: PayloadMeans) {}

  /** How much is kept. */
  get budget(): MemoryBudget {
    return this.means.budget;
  }

  /**
   * Keeps a payload until {@linkcode KeptPayload.drop}. Whether it may be kept is to be asked
   * before; it counts from this call on.
   *
   * @param client Address of the client that it is from or for.
   * @throws {StoreError} where it must go into a file, and that cannot be written. A result, which
   * nobody else may have, stays in memory then.
   */
  async keep<T>(form: PayloadForm<T>, value: T, client: string): Promise<KeptPayload<T>> {
    const { budget, store, journal } = this.means;
    const item = { client, sizeBytes: form.sizeOf(value), kind: form.kind };
    const fits = budget.fitsMemory(client, item.sizeBytes);
    const isLarge = item.sizeBytes >= LARGE_BYTES;
    const kept = new KeptPayload(form, item, this.means, value);
    const needsFile = store.isOnDisk && (journal === null ? !fits : isLarge);
    if (!needsFile) return kept;
    try {
      await kept.write();
    } catch (error) {
      if (form.kind === "result") {
        this.#cannotWrite(error);
      } else {
        await kept.drop();
        throw error;
      }
    }
    if (!fits) kept.unload();
    return kept;
  }

  /** Takes back what an earlier run has kept; it stays on disk. */
  restore<T>(
    form: PayloadForm<T>,
    { client, sizeBytes }: { client: string; sizeBytes: number },
    key: Key,
    file: PayloadFile | null,
  ): KeptPayload<T> {
    const item = { client, sizeBytes, kind: form.kind };
    return new KeptPayload<T>(form, item, this.means, null, { key, file });
  }

  /** The journal, if any, holds `kept` under `key`: it need not be in memory if there is no room. */
  committed(kept: KeptPayload<unknown>, key: Key): void {
    kept.key = key;
    if (!this.means.budget.hasMemoryLeft(kept.item.client)) kept.unload();
  }

  /** Takes `kept` out of memory; writes it into a file first, where nothing else holds it. */
  async moveOut(kept: KeptPayload<unknown>): Promise<void> {
    if (!this.means.store.isOnDisk) return;
    try {
      if (!kept.isOnDisk) await kept.write();
    } catch (error) {
      this.#cannotWrite(error);
    }
    kept.unload();
  }

  #cannotWrite(error: unknown): void {
    this.#warnings.warning("write", "a result cannot be kept on disk; it stays in memory", {
      reason: messageOf(error),
    });
  }
}

/** One payload. */
export class KeptPayload<T> {
  #value: T | null;
  #file: PayloadFile | null;
  #isWriting = false;
  #isDropped = false;
  /** For the journal. */
  #isTooLong = false;
  /** A result that is to be delivered; else it is dropped by who has brought it. */
  isAdopted = false;
  /** Under which the journal holds it for certain; `null` = it does not. */
  key: Key | null;

  /** Made by {@linkcode PayloadKeeper}. */
  constructor(
    private readonly form: PayloadForm<T>,
    readonly item: Item,
    private readonly means: PayloadMeans,
    value: T | null,
    where: { key: Key; file: PayloadFile | null } | null = null,
  ) {
    this.#value = value;
    this.key = where?.key ?? null;
    this.#file = where?.file ?? null;
    means.budget.add(item, value !== null);
  }

  /** Whether it is in memory. */
  get isInMemory(): boolean {
    return this.#value !== null;
  }

  /** Whether memory is not the only place where it is. */
  get isOnDisk(): boolean {
    if (this.#file !== null) return true;
    return this.key !== null && this.means.journal !== null && !this.#isTooLong;
  }

  /**
   * What the journal is to hold: the payload itself, or which file it is in. `null` = neither, as
   * there is no file and the journal cannot hold that much.
   */
  get record(): { readonly bytes: Uint8Array; readonly file: FileReference | null } | null {
    if (this.#file !== null) {
      const { kept: { number, sizeBytes }, sum } = this.#file;
      return { bytes: EMPTY, file: sum === null ? [number, sizeBytes] : [number, sizeBytes, sum] };
    }
    if (this.#value === null) throw new Error("a payload left memory before it was written");
    const chunks = this.form.encode(this.#value);
    this.#isTooLong = totalBytes(chunks) > MAX_PAYLOAD_BYTES;
    return this.#isTooLong ? null : { bytes: concat(chunks), file: null };
  }

  /** Waits for room to read it; what is in memory needs none. To be disposed of when it was sent. */
  async lend(): Promise<Loan<T>> {
    const share = this.means.sending.share(this.item.client);
    if (this.#value === null) await share.take(this.item.sizeBytes);
    return {
      read: async () => this.#value ?? await this.#read(),
      [Symbol.dispose]: () => share[Symbol.dispose](),
    };
  }

  /** Writes it into a file of its own, if it is in memory and not being written. */
  async write(): Promise<void> {
    if (this.#value === null || this.#isWriting) return;
    this.#isWriting = true;
    try {
      const file = await writeFile(this.means.store, this.form.encode(this.#value));
      if (this.#isDropped) await file.kept.remove();
      else this.#file = file;
    } finally {
      this.#isWriting = false;
    }
  }

  /**
   * Writes its file again, where it has one that somebody has removed.
   *
   * @returns whether all is well with it; else it is lost
   */
  async rewrite(): Promise<boolean> {
    const file = this.#file;
    if (file === null || await file.kept.isThere()) return true;
    if (this.#value === null) return false;
    await writeTo(await this.means.store.rewrite(file.kept), this.form.encode(this.#value));
    return true;
  }

  /** Takes it out of memory, if it is somewhere else too. */
  unload(): void {
    if (this.#value === null || !this.isOnDisk) return;
    this.#value = null;
    this.means.budget.leaveMemory(this.item);
  }

  /** Nobody needs it any more. More than one call does no harm. */
  async drop(): Promise<void> {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.means.budget.remove(this.item, this.#value !== null);
    this.#value = null;
    await this.#file?.kept.remove();
  }

  async #read(): Promise<T> {
    if (this.#isDropped) throw new Error("it was dropped");
    const { form } = this;
    if (this.#file !== null) {
      const bytes = await readAll(this.#file);
      return this.#decode(() => form.decode(bytes));
    }
    const row = this.key === null ? null : this.#readRow(this.key);
    if (!row) throw new LostPayloadError("the journal does not hold it any more");
    return this.#decode(() => (form.decodeRow ?? form.decode)(row));
  }

  #readRow(key: Key): Uint8Array | null | undefined {
    try {
      return this.means.journal?.payload(this.form.table, key);
    } catch (error) {
      throw error instanceof DamagedRowError ? new LostPayloadError(error.message) : error;
    }
  }

  #decode(decode: () => T): T {
    try {
      return decode();
    } catch (error) {
      // Not as it is: where somebody reads it to send it, it would be taken for the peer's fault.
      throw new LostPayloadError(`what was kept is damaged: ${messageOf(error)}`);
    }
  }
}

const EMPTY = new Uint8Array(0);

/** Bytes that these take together. */
export function totalBytes(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

async function writeFile(store: FileStore, chunks: readonly Uint8Array[]): Promise<PayloadFile> {
  return await writeTo(await store.create(totalBytes(chunks)), chunks);
}

async function writeTo(writer: FileWriter, chunks: readonly Uint8Array[]): Promise<PayloadFile> {
  try {
    let sum = 0;
    for (const chunk of chunks) {
      sum = crc32(chunk, sum);
      await writer.write(chunk);
    }
    return { kept: await writer.finish(), sum };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function readAll({ kept: file, sum }: PayloadFile): Promise<Uint8Array> {
  const reader = await file.open().catch((error) => {
    const isGone = error instanceof Deno.errors.NotFound;
    throw isGone ? new LostPayloadError("the file that it was kept in is gone") : error;
  });
  try {
    const bytes = new Uint8Array(file.sizeBytes);
    for (let at = 0; at < bytes.length;) {
      const length = await reader.read(bytes.subarray(at)).catch((error) => {
        throw error instanceof DamagedFileError ? new LostPayloadError(error.message) : error;
      });
      if (length === null) {
        throw new LostPayloadError(
          `the file that it was kept in has ${at} of its ${bytes.length} bytes`,
        );
      }
      at += length;
    }
    if (sum !== null && sum !== crc32(bytes)) {
      throw new LostPayloadError("the file that it was kept in is damaged");
    }
    return bytes;
  } finally {
    reader.close();
  }
}
