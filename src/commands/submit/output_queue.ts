/**
 * What `submit` prints, on its way to outputs that may take nothing for long: a terminal with
 * Ctrl-S, a pager. Meanwhile everything else goes on: results are acknowledged, and Ctrl-C is heard.
 *
 * @module
 */

import { messageOf } from "../../log/error_message.ts";
import { CommandError } from "../command_error.ts";
import type { Output } from "./report.ts";

/** While more waits, no more lines are taken on. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Where bytes end. */
interface Target {
  write(bytes: Uint8Array): Promise<number>;
}

interface Waiting {
  readonly target: Target;
  readonly bytes: Uint8Array;
}

/** All outputs of a program, in one order. See the module's description. */
export class OutputQueue {
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | null = null;
  #onRoom = Promise.withResolvers<void>();
  #isBroken = false;

  /** @param onError Told once, where nothing more can be written: as `writeAll` throws it. */
  constructor(private readonly onError: (error: Error) => void) {}

  /** An output that never waits: what is written to it goes to `target`, behind all else. */
  output(target: Target): Output {
    const isBusy = () => this.#waiting.length > 0;
    return {
      writeSync: (bytes) => {
        this.#add({ target, bytes });
        return bytes.length;
      },
      get isBusy() {
        return isBusy();
      },
    };
  }

  /** Resolves once little enough waits. */
  async room(): Promise<void> {
    while (this.#waitingBytes > MAX_WAITING_BYTES) await this.#onRoom.promise;
  }

  /** Resolves once nothing waits any more. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  #add(waiting: Waiting): void {
    if (this.#isBroken || waiting.bytes.length === 0) return;
    this.#waiting.push(waiting);
    this.#waitingBytes += waiting.bytes.length;
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    try {
      for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
        for (let written = 0; written < next.bytes.length;) {
          written += await next.target.write(next.bytes.subarray(written));
        }
        this.#waiting.shift();
        this.#waitingBytes -= next.bytes.length;
        this.#tellOfRoom();
      }
    } catch (error) {
      this.#isBroken = true;
      this.#waiting.length = this.#waitingBytes = 0;
      this.#tellOfRoom();
      this.onError(
        error instanceof Deno.errors.BrokenPipe
          ? error
          : new CommandError(`cannot write the output: ${messageOf(error)}`, { cause: error }),
      );
    }
    this.#writing = null;
  }

  #tellOfRoom(): void {
    if (this.#waitingBytes > MAX_WAITING_BYTES) return;
    this.#onRoom.resolve();
    this.#onRoom = Promise.withResolvers();
  }
}
