/**
 * Keeps files in memory: for a scheduler that may not read files back from disk.
 *
 * @module
 */

import {
  type FileReader,
  type FileStore,
  type FileWriter,
  type KeptFile,
  StoreError,
} from "./file_store.ts";

/** See the module's description. */
export class MemoryStore implements FileStore {
  readonly description: string;
  readonly isOnDisk: boolean = false;
  #usedBytes = 0;
  #nextNumber = 1;

  /** @param budgetBytes Most bytes of files that are held at any time. */
  constructor(private readonly budgetBytes: number) {
    this.description = `memory (at most ${budgetBytes >> 20} MiB)`;
  }

  /** Bytes of files that are held. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  create(sizeBytes: number): Promise<FileWriter> {
    if (this.#usedBytes + sizeBytes > this.budgetBytes) {
      return Promise.reject(
        new StoreError(
          `a file of ${sizeBytes} bytes does not fit into the ${this.budgetBytes >> 20} MiB of ` +
            "memory that are set aside for files; run with --allow-read to keep files on disk",
        ),
      );
    }
    // Counted at once, so that files that come at the same time cannot exceed the budget.
    this.#usedBytes += sizeBytes;
    return Promise.resolve(
      new MemoryWriter(this.#nextNumber++, sizeBytes, () => this.#usedBytes -= sizeBytes),
    );
  }

  rewrite({ sizeBytes }: KeptFile): Promise<FileWriter> {
    return this.create(sizeBytes);
  }

  isInPlace(): boolean {
    return true;
  }

  renew(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class MemoryWriter implements FileWriter {
  readonly #chunks: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(
    private readonly number: number,
    private readonly sizeBytes: number,
    private readonly release: () => void,
  ) {}

  write(chunk: Uint8Array): Promise<void> {
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > this.sizeBytes) {
      return Promise.reject(new StoreError("more bytes came than were announced"));
    }
    this.#chunks.push(chunk.slice());
    return Promise.resolve();
  }

  finish(): Promise<KeptFile> {
    const chunks = this.#chunks;
    const { number, sizeBytes, release } = this;
    return Promise.resolve({
      number,
      sizeBytes,
      sum: null,
      open: () => Promise.resolve(new ChunkReader(chunks)),
      isThere: () => Promise.resolve(true),
      remove: () => Promise.resolve(release()),
    });
  }

  abort(): Promise<void> {
    this.release();
    return Promise.resolve();
  }
}

class ChunkReader implements FileReader {
  #index = 0;
  #offset = 0;

  constructor(private readonly chunks: readonly Uint8Array[]) {}

  read(buffer: Uint8Array): Promise<number | null> {
    const chunk = this.chunks[this.#index];
    if (chunk === undefined) return Promise.resolve(null);
    const part = chunk.subarray(this.#offset, this.#offset + buffer.length);
    buffer.set(part);
    this.#offset += part.length;
    if (this.#offset === chunk.length) {
      this.#index++;
      this.#offset = 0;
    }
    return Promise.resolve(part.length);
  }

  close(): void {}
}
