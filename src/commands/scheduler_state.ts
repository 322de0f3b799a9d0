/**
 * Where the scheduler keeps its state and the files of clients: on disk, in a folder that the next
 * start with the same ports finds again, or in memory where reading back is not permitted.
 *
 * @module
 */

import { SYSTEM_ENVIRONMENT } from "../cli/environment.ts";
import type { SchedulerConfig } from "../cli/scheduler_config.ts";
import { LastingDatabase } from "../journal/lasting_database.ts";
import type { JournalLoss } from "../journal/completeness.ts";
import { type Durability, SqliteDatabase } from "../journal/sqlite_database.ts";
import { UnusableJournalError } from "../journal/sqlite_errors.ts";
import { getLogger } from "../log/log.ts";
import { DISPY_4_10, DISPY_4_15 } from "../net/port_family.ts";
import { readLegacy, type State } from "../server/persistence.ts";
import { DiskStore } from "../store/disk_store.ts";
import type { FileStore } from "../store/file_store.ts";
import { ifNotFound } from "../store/not_found.ts";
import { MemoryStore } from "../store/memory_store.ts";
import { defaultStateFolder, type StateFolder } from "./state_folder.ts";
import { temporaryFolder } from "./temporary_folder.ts";

const log = getLogger();

/** Memory for clients' files where they cannot be kept on disk. */
const MEMORY_STORE_BYTES = 512 * 1024 * 1024;

const JOURNAL = "journal.sqlite3";

const EMPTY = "it is empty, and there are files that an earlier one names";

/** What {@linkcode openState} has found. */
export interface Opened {
  readonly store: FileStore;
  /** `null` = nothing survives this run. */
  readonly state: State | null;
}

/**
 * Opens what the configuration asks for.
 *
 * @throws {StoreError} where no folder is to be had
 * @throws {JournalError} where no journal can be written in it
 */
export async function openState(config: SchedulerConfig): Promise<Opened> {
  const { durability } = config;
  const { path: parent, isTemporary: isShared } = await parentOf(config);
  const { state } = Deno.permissions.querySync({ name: "read", path: parent });
  if (state !== "granted") {
    log.info("files of clients are kept in memory, as they could not be read back from disk", {
      limit_mib: MEMORY_STORE_BYTES >> 20,
      hint: `add --allow-read=${parent}`,
    });
    sayNotDurable(config, "it could not be read back");
    return { store: new MemoryStore(MEMORY_STORE_BYTES), state: null };
  }
  const options = { clean: config.clean, isShared };
  if (durability === "off") {
    sayNotDurable(config, null);
    return { store: await DiskStore.open(parent, { ...options, name: null }), state: null };
  }
  const named = { ...options, name: nameOf(config), isSynced: durability === "power" };
  const store = await DiskStore.open(parent, named);
  try {
    return { store, state: await readState(store, durability) };
  } catch (error) {
    if (!(error instanceof UnusableJournalError)) throw error;
    const aside = await store.setAside();
    log.error("what an earlier run has left cannot be used; it was put aside", {
      reason: error.message,
      aside,
      effect: "this run begins with nothing",
    });
    const fresh = await DiskStore.open(parent, { ...named, clean: false });
    return { store: fresh, state: await readState(fresh, durability) };
  }
}

/** Where the folders of this and other schedulers are. */
async function parentOf(config: SchedulerConfig): Promise<StateFolder> {
  const { destPathPrefix, durability } = config;
  if (destPathPrefix !== undefined) return { path: destPathPrefix, isTemporary: false };
  const temporary = `${await temporaryFolder()}/dispy/scheduler`;
  const { state } = Deno.permissions.querySync({ name: "read", path: temporary });
  // Where nothing can be kept, nothing needs to last.
  if (durability === "off" || state !== "granted") return { path: temporary, isTemporary: true };
  return await defaultStateFolder(nameOf(config), SYSTEM_ENVIRONMENT.variable);
}

async function readState(store: DiskStore, durability: Durability): Promise<State> {
  const path = `${store.folder}/${JOURNAL}`;
  const hasFiles = await store.hasFiles();
  // Before SQLite sees it, and makes it one of a new run.
  const { size } = await Deno.stat(path).catch(ifNotFound({ size: 0 }));
  if (hasFiles && size === 0) throw new UnusableJournalError(EMPTY);
  const database = await SqliteDatabase.open(path, durability);
  try {
    const legacy = readLegacy(database, database.loss);
    // The very first commit has the sign in it, and nothing is kept before that.
    if (hasFiles && legacy.sign === null) throw new UnusableJournalError(EMPTY);
    if (database.loss !== null) sayLoss(database.loss, path);
    const reopen = () => SqliteDatabase.open(path, durability);
    return { store, database: new LastingDatabase(database, store, reopen), legacy };
  } catch (error) {
    database.close();
    throw error;
  }
}

function sayLoss({ reason, commits, copy }: JournalLoss, journal: string): void {
  log.error("the journal is not complete; this run goes on with what is left", {
    journal,
    reason,
    ...(commits === null ? {} : { missing_commits: commits }),
    effect: "what was accepted in them is not known any more; jobs that may have run since are " +
      "run again only where they may run twice, the others are reported Abandoned",
    ...(copy === null ? {} : { copy_of_the_log: copy }),
  });
}

function sayNotDurable({ durability }: SchedulerConfig, reason: string | null): void {
  const effect = "jobs and results are forgotten when this program ends";
  if (reason === null) log.info("nothing is kept for a later start", { effect });
  else log.warning("nothing is kept for a later start", { durability, reason, effect });
}

/**
 * The same for the same ports and addresses, of which no two schedulers can have the same. That of a
 * scheduler with all families has two of them: earlier versions of this program knew no others.
 */
function nameOf({ ports, hosts }: SchedulerConfig): string {
  const named = ports.kind === "one"
    ? ports.families.map(({ nodeSide }) => nodeSide)
    : [DISPY_4_10.basePort, DISPY_4_15.basePort];
  const parts = [...named.map(String), ...hosts];
  return `state_${parts.join("_").replaceAll(/[^\w.-]/g, "-")}`;
}
