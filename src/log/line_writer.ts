import { concat } from "@std/bytes/concat.js";

/** How much may wait for an output that takes nothing right now. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** No more than that is written at a time, unless one line is longer. */
const MAX_BATCH_BYTES = 64 * 1024;

/** A pipe that is full and does not wait is tried again after so long. */
const FULL_PAUSE_MS = 100;

interface WaitingLine {
  readonly bytes: Uint8Array;
  /** How many lines are lost when this one is: more than one for the line that reports a loss. */
  readonly standsForLines: number;
}

/**
 * Writes lines to an output that may fail or take nothing for long, without ever throwing or
 * waiting: a scheduler must not stop because whoever read its log went away (a closed pipe), or
 * reads no further (Ctrl-S on a terminal, a pager). Lines wait while a write is under way, within a
 * limit; what is lost is counted and reported by a line of its own as soon as the output works
 * again.
 */
export class LineWriter {
  readonly #write: (bytes: Uint8Array) => Promise<number>;
  readonly #lostLine: (count: number) => string;
  readonly #encoder = new TextEncoder();
  /** What waits and what is being written, in order. */
  #waiting: WaitingLine[] = [];
  #waitingBytes = 0;
  #lostLines = 0;
  /** What is being written; `null` = nothing is. */
  #writing: Promise<void> | null = null;

  /**
   * @param write Writes some of the bytes and tells how many; rejects like `Deno.stderr.write`.
   * @param lostLine Renders the line which says that `count` lines were lost.
   */
  constructor(
    write: (bytes: Uint8Array) => Promise<number>,
    lostLine: (count: number) => string,
  ) {
    this.#write = write;
    this.#lostLine = lostLine;
  }

  /**
   * Has a line written, behind the ones that still wait.
   *
   * @param line The line without a line break.
   */
  write(line: string): void {
    if (this.#waiting.length === 0) this.#reportLoss();
    this.#enqueue(line, 1);
    this.#writing ??= this.#writeAll();
  }

  /** Resolves once nothing waits any more, or after `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> {
    if (this.#writing === null) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs));
    await Promise.race([this.#writing, late]);
    clearTimeout(timer);
  }

  /** Writes until nothing waits any more. */
  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const count = this.#nextBatch();
      try {
        await this.#writeWhole(concat(this.#waiting.slice(0, count).map(({ bytes }) => bytes)));
        for (const { bytes } of this.#waiting.splice(0, count)) this.#waitingBytes -= bytes.length;
      } catch {
        // The reader is gone or the disk is full: nothing here can be saved, and stderr is the only
        // place where this could have been reported. Later lines try again.
        for (const { standsForLines } of this.#waiting) this.#lostLines += standsForLines;
        this.#waiting = [];
        this.#waitingBytes = 0;
        break;
      }
      if (this.#waiting.length === 0) this.#reportLoss();
    }
    this.#writing = null;
  }

  /** How many of the lines that wait are written next. */
  #nextBatch(): number {
    let sizeBytes = 0;
    const at = this.#waiting.findIndex(({ bytes }) =>
      (sizeBytes += bytes.length) > MAX_BATCH_BYTES
    );
    return at < 0 ? this.#waiting.length : Math.max(1, at);
  }

  async #writeWhole(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      try {
        written += await this.#write(bytes.subarray(written));
      } catch (error) {
        const isFull = error instanceof Deno.errors.WouldBlock ||
          error instanceof Deno.errors.Interrupted;
        if (!isFull) throw error;
        await new Promise((resolve) => Deno.unrefTimer(setTimeout(resolve, FULL_PAUSE_MS)));
      }
    }
  }

  #reportLoss(): void {
    if (this.#lostLines === 0) return;
    const count = this.#lostLines;
    this.#lostLines = 0;
    this.#enqueue(this.#lostLine(count), count);
  }

  #enqueue(line: string, standsForLines: number): void {
    const bytes = this.#encoder.encode(line + "\n");
    if (this.#waiting.length > 0 && this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      this.#lostLines += standsForLines;
      return;
    }
    this.#waiting.push({ bytes, standsForLines });
    this.#waitingBytes += bytes.length;
  }
}
