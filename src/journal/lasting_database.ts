/**
 * A journal whose files may be removed, moved, or replaced while it is in use: it is written anew.
 *
 * The system lets a process go on with files that are gone, and nothing tells it. What they hold can
 * still be read, so nothing of it is lost.
 *
 * @module
 */

import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import {
  type Change,
  type Database,
  JournalError,
  type Key,
  type Row,
  type Table,
} from "./database.ts";
import type { SqliteDatabase } from "./sqlite_database.ts";

const log = getLogger("journal");

/** The folder of a journal. */
export interface Place {
  readonly folder: string;
  /** Whether the folder is where it was opened. */
  isInPlace(): boolean;
  /** Makes it anew; what has come in its place is put aside. */
  renew(): Promise<void>;
}

/** See the module's description. */
export class LastingDatabase implements Database {
  /** Why commits do not last at present. */
  #problem: string | null = null;

  /** @param reopen Opens what lies in the folder. */
  constructor(
    private inner: SqliteDatabase,
    private readonly place: Place,
    private readonly reopen: () => Promise<SqliteDatabase>,
  ) {}

  isInPlace(): boolean {
    return this.place.isInPlace() && this.inner.isInPlace();
  }

  async renew(): Promise<void> {
    const { folder } = this.place;
    if (this.#problem === null) {
      log.error("the scheduler's state is gone from its folder; it is written anew", {
        folder,
        reason: "the folder or the journal in it was removed, moved, replaced, or unmounted",
      });
    }
    this.#problem = `${folder} is gone`;
    try {
      await this.place.renew();
      await this.inner.copyToOwnPath();
      const anew = await this.reopen();
      this.inner.close();
      this.inner = anew;
    } catch (error) {
      this.#problem = `${folder} is gone, and cannot be made anew: ${messageOf(error)}`;
      throw new JournalError(this.#problem, { cause: error });
    }
    this.#problem = null;
    log.info("the scheduler's state is in its folder again", { folder });
  }

  rows(table: Table): Iterable<Row> {
    return this.inner.rows(table);
  }

  payload(table: Table, key: Key): Uint8Array | null {
    return this.inner.payload(table, key);
  }

  commit(changes: readonly Change[]): void | PromiseLike<void> {
    if (this.#problem !== null) throw new JournalError(this.#problem);
    return this.inner.commit(changes);
  }

  shrink(): void {
    this.inner.shrink();
  }

  get shortage(): string | null {
    return this.inner.shortage;
  }

  replenish(): void {
    this.inner.replenish();
  }

  get sizeBytes(): number {
    return this.inner.sizeBytes;
  }

  close(): void {
    this.inner.close();
  }
}
