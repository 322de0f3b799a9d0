/**
 * Results until their clients have acknowledged them: in memory as long as they are few, on disk
 * where they are many, or large and their client is away.
 *
 * @module
 */

import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import type { FileStore, KeptFile } from "../store/file_store.ts";
import { decodeBareJobReply, encodeBareJobReply, type JobReply } from "../wire/mod.ts";
import { messageOf } from "../log/error_message.ts";

const log = getLogger("client");

/** Results of all clients together that are kept in memory; what is more goes to disk. */
const MEMORY_BYTES = 64 * 1024 * 1024;

/** Results as large as that go to disk once their client was found to be away. */
const LARGE_BYTES = 64 * 1024;

const WARNING_INTERVAL_MS = 60_000;

/** See the module's description. */
export class KeptResults {
  readonly #warnings = new RepeatLimiter(log, { intervalMs: WARNING_INTERVAL_MS });
  #memoryBytes = 0;

  constructor(private readonly store: FileStore) {}

  /** Bytes of results that are in memory. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Keeps a result until {@linkcode KeptResult.drop}. */
  keep(reply: JobReply): KeptResult {
    const result = new KeptResult(reply, {
      inMemory: (bytes) => this.#memoryBytes += bytes,
      toDisk: (reply) => this.#toDisk(reply),
    });
    if (this.#memoryBytes > MEMORY_BYTES) result.moveToDisk();
    return result;
  }

  /** Writes a result into a file; `null` where that is not to be had. */
  async #toDisk(reply: JobReply): Promise<KeptFile | null> {
    if (!this.store.isOnDisk) return null;
    try {
      const chunks = encodeBareJobReply(reply);
      const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      const writer = await this.store.create(sizeBytes);
      try {
        for (const chunk of chunks) await writer.write(chunk);
        return await writer.finish();
      } catch (error) {
        await writer.abort();
        throw error;
      }
    } catch (error) {
      this.#warnings.warning("disk", "a result cannot be kept on disk; it stays in memory", {
        job: reply.uid,
        reason: messageOf(error),
      });
      return null;
    }
  }
}

/** How a result is moved, and who counts. */
interface Means {
  inMemory(bytes: number): void;
  toDisk(reply: JobReply): Promise<KeptFile | null>;
}

/** One result. */
export class KeptResult {
  #reply: JobReply | null;
  #file: KeptFile | null = null;
  #moving: Promise<void> | null = null;
  #isDropped = false;
  readonly #sizeBytes: number;

  constructor(reply: JobReply, private readonly means: Means) {
    this.#reply = reply;
    this.#sizeBytes = sizeOf(reply);
    means.inMemory(this.#sizeBytes);
  }

  /** The result; from memory as long as it is there. */
  async read(): Promise<JobReply> {
    if (this.#reply === null) await this.#moving;
    if (this.#reply !== null) return this.#reply;
    if (this.#file === null) throw new Error("the result was dropped");
    return decodeBareJobReply(await readAll(this.#file));
  }

  /** The client is away: memory is for others, if that makes a difference. */
  onClientAway(): void {
    if (this.#sizeBytes >= LARGE_BYTES) this.moveToDisk();
  }

  /** Moves the result to disk, if there is one. */
  moveToDisk(): void {
    if (this.#moving !== null || this.#isDropped) return;
    this.#moving = this.#move();
  }

  /** Nobody wants it any more. */
  async drop(): Promise<void> {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.#releaseMemory();
    await this.#moving;
    await this.#file?.remove();
  }

  async #move(): Promise<void> {
    const reply = this.#reply;
    if (reply === null) return;
    this.#file = await this.means.toDisk(reply);
    if (this.#file !== null) this.#releaseMemory();
    else this.#moving = null;
  }

  #releaseMemory(): void {
    if (this.#reply === null) return;
    this.#reply = null;
    this.means.inMemory(-this.#sizeBytes);
  }
}

/** About how much memory a result takes. */
function sizeOf({ result, stdout, stderr, exception }: JobReply): number {
  let bytes = result?.length ?? 0;
  for (const text of [stdout, stderr, exception]) {
    if (typeof text === "string" || text instanceof Uint8Array) bytes += text.length;
  }
  return bytes;
}

async function readAll(file: KeptFile): Promise<Uint8Array> {
  const reader = await file.open();
  try {
    const bytes = new Uint8Array(file.sizeBytes);
    for (let at = 0; at < bytes.length;) {
      const length = await reader.read(bytes.subarray(at));
      if (length === null) throw new Error("a result on disk has become shorter");
      at += length;
    }
    return bytes;
  } finally {
    reader.close();
  }
}
