/** How much may wait for an output that takes nothing right now. */
const MAX_WAITING_BYTES = 256 * 1024;

interface WaitingLine {
  bytes: Uint8Array;
  /** How many lines are lost when this one is: more than one for the line that reports a loss. */
  readonly standsForLines: number;
}

/**
 * Writes lines synchronously to an output that may fail, without ever throwing or blocking: a
 * scheduler must not stop because whoever read its log went away. What a full pipe (EAGAIN) does
 * not take waits, within a limit, for the next line; what is lost is counted and reported by a line
 * of its own as soon as the output works again.
 */
export class LineWriter {
  readonly #writeSync: (bytes: Uint8Array) => number;
  readonly #lostLine: (count: number) => string;
  readonly #encoder = new TextEncoder();
  #waiting: WaitingLine[] = [];
  #waitingBytes = 0;
  #lostLines = 0;

  /**
   * @param writeSync Writes some of the bytes and returns how many; throws like
   *   `Deno.stderr.writeSync`.
   * @param lostLine Renders the line which says that `count` lines were lost.
   */
  constructor(writeSync: (bytes: Uint8Array) => number, lostLine: (count: number) => string) {
    this.#writeSync = writeSync;
    this.#lostLine = lostLine;
  }

  /**
   * Writes a line, and before it the ones that still wait.
   *
   * @param line The line without a line break.
   */
  write(line: string): void {
    this.flush();
    if (this.#lostLines > 0 && this.#waiting.length === 0) {
      const count = this.#lostLines;
      this.#lostLines = 0;
      this.#enqueue(this.#lostLine(count), count);
    }
    this.#enqueue(line, 1);
    this.flush();
  }

  /** Tries once more to write what waits. */
  flush(): void {
    try {
      for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
        const written = this.#writeSync(first.bytes);
        if (written <= 0) return;
        this.#waitingBytes -= written;
        if (written < first.bytes.length) first.bytes = first.bytes.subarray(written);
        else this.#waiting.shift();
      }
    } catch (error) {
      if (error instanceof Deno.errors.WouldBlock || error instanceof Deno.errors.Interrupted) {
        return;
      }
      // The reader is gone or the disk is full: nothing here can be saved, and stderr is the only
      // place where this could have been reported. Later lines try again.
      for (const line of this.#waiting) this.#lostLines += line.standsForLines;
      this.#waiting = [];
      this.#waitingBytes = 0;
    }
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
