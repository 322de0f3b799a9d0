/**
 * The disk of the scheduler's machine, with the journal on it: what is written is lost again where
 * the power fails before it was synced, and at times nothing can be written.
 *
 * @module
 */

import {
  type Change,
  type Database,
  JournalError,
  type Key,
  type Row,
  type Table,
  TABLES,
} from "../../src/journal/database.ts";
import type { Env } from "./env.ts";

/** What a power failure may take, as `--durability` says. */
export type Durability =
  /** Nothing that was committed: each commit waits for the disk. */
  | "power"
  /** Not our concern: a commit is done when the system has it. */
  | "crash";

type Tables = Record<Table, Map<Key, Row>>;

/** Longest that the disk takes to sync. */
const MAX_SYNC_MS = 300;
/** More than a row takes, without its payload. */
const MAX_RECORD_BYTES = 2_000;

/** See the module's description. */
export class Disk implements Database {
  /** What a process reads. */
  #written = emptyTables();
  /** What the power cannot take. */
  readonly #synced = emptyTables();
  /** Commits that are not synced yet, in order. */
  #unsynced: Array<readonly Change[]> = [];
  /** Counts the processes that have used it. */
  #users = 0;
  /** Called with what was just written. */
  onWritten: (changes: readonly Change[]) => void = () => {};

  constructor(private readonly env: Env, readonly durability: Durability) {}

  /** The process that has used it has ended, and hears nothing any more. */
  leave(): void {
    this.#users++;
  }

  /** The machine loses its power; of what was not synced, some of the first commits may be there. */
  losePower(): void {
    const kept = this.env.prng.int(0, this.#unsynced.length);
    for (const changes of this.#unsynced.splice(0, kept)) apply(this.#synced, changes);
    this.#unsynced = [];
    this.#written = emptyTables();
    for (const table of Object.keys(TABLES) as Table[]) {
      for (const row of this.#synced[table].values()) this.#written[table].set(row.key, row);
    }
  }

  *rows(table: Table): Iterable<Row> {
    yield* [...this.#written[table].values()].sort((a, b) => a.key < b.key ? -1 : 1);
  }

  /** The row under a key. */
  row(table: Table, key: Key): Row | undefined {
    return this.#written[table].get(key);
  }

  /** How many rows there are. */
  count(table: Table): number {
    return this.#written[table].size;
  }

  payload(table: Table, key: Key): Uint8Array | null {
    return this.row(table, key)?.payload ?? null;
  }

  commit(changes: readonly Change[]): void | PromiseLike<void> {
    const { prng, faults } = this.env;
    const isFailing = prng.chance(faults.writeFails);
    const isSynced = this.durability === "power";
    if (isFailing && !(isSynced && prng.chance(0.5))) throw new JournalError("the disk is full");
    apply(this.#written, changes);
    this.onWritten(changes);
    if (!isSynced) return;
    this.#unsynced.push(changes);
    return this.#sync(isFailing);
  }

  shrink(): void {}

  readonly shortage = null;

  replenish(): void {}

  get sizeBytes(): number {
    let bytes = 0;
    for (const table of Object.keys(TABLES) as Table[]) {
      for (const { record, payload } of this.#written[table].values()) {
        bytes += record.length + (payload?.length ?? 0);
      }
    }
    return bytes;
  }

  close(): void {}

  /** Resolves when all that was written by now is synced; in simulated time. */
  #sync(isFailing: boolean): PromiseLike<void> {
    const { clock, prng } = this.env;
    const user = this.#users;
    const delayMs = prng.chance(0.1) ? prng.int(0, MAX_SYNC_MS) : prng.int(0, 5);
    // Called by the journal and nobody else, with both functions, and only once.
    const then = (onSynced: () => void, onFailed: (error: unknown) => void) => {
      const finish = () => {
        if (user !== this.#users) return;
        if (isFailing) return onFailed(new JournalError("the disk does not sync"));
        for (const changes of this.#unsynced.splice(0)) apply(this.#synced, changes);
        onSynced();
      };
      clock.after(delayMs, () => this.env.network.atScheduler(finish));
    };
    return { then } as PromiseLike<void>;
  }
}

function emptyTables(): Tables {
  const tables = {} as Tables;
  for (const table of Object.keys(TABLES) as Table[]) tables[table] = new Map();
  return tables;
}

function apply(tables: Tables, changes: readonly Change[]): void {
  for (const change of changes) {
    const { table, key } = change;
    if (change.kind === "delete") {
      tables[table].delete(key);
      continue;
    }
    const { record, payload } = change;
    if (record.length > MAX_RECORD_BYTES) throw new Error(`the record of ${table} ${key} is long`);
    const before = tables[table].get(key);
    tables[table].set(key, { key, record, payload: payload ?? before?.payload ?? null });
  }
}
