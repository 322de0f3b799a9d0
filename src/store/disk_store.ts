/**
 * Keeps files in a folder of this run's own, or of this and later runs with the same name; readable
 * by the owner only.
 *
 * @module
 */

import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import { crc32 } from "node:zlib";
import {
  DamagedFileError,
  type FileReader,
  type FileStore,
  type FileWriter,
  type KeptFile,
  StoreError,
} from "./file_store.ts";
import { foreignFolder } from "./foreign_folder.ts";
import { newFolder } from "./new_folder.ts";
import { ifNotFound } from "./not_found.ts";
import { syncFolder } from "./sync_folder.ts";

const log = getLogger("store");

/** How the folders of all runs begin. */
const PREFIX = "dispyscheduler_";

/** A file in each folder that its run has locked for as long as it lives. */
const LOCK = "lock";

/** What is kept has its number for a name. */
const FILE_NAME = /^\d+$/;

/** A folder without it may be one that another run is just about to lock. */
const UNLOCKED_MS = 60_000;

/** How a store on disk is opened. */
export interface DiskStoreOptions {
  /** Remove what earlier runs have left there; those that go on keep theirs. */
  readonly clean: boolean;
  /** Everybody may write where the folder of the parent lies. */
  readonly isShared?: boolean;
  /** Under which later runs find what this one leaves; `null` = they do not. */
  readonly name: string | null;
  /** A file that is kept is on the disk for certain. */
  readonly isSynced?: boolean;
}

/** See the module's description. */
export class DiskStore implements FileStore {
  readonly description: string;
  readonly isOnDisk = true;
  #nextNumber = 1;

  private constructor(
    /** Where it is. */
    readonly folder: string,
    private lock: Deno.FsFile,
    private readonly isSynced: boolean,
  ) {
    this.description = folder;
  }

  /**
   * @param parent Folder for the files of all runs; made where it does not exist.
   * @throws {StoreError} where it cannot be made or written to, where it is shared and another
   *   user has made it, or where another run has it open under the same name
   */
  static async open(parent: string, options: DiskStoreOptions): Promise<DiskStore> {
    try {
      await Deno.mkdir(parent, { recursive: true, mode: 0o700 });
      const { name, isSynced = false } = options;
      const probe = await newFolder({ dir: parent, prefix: PREFIX });
      if (options.isShared) await checkOwn(parent, probe);
      if (name !== null) await Deno.remove(probe);
      if (options.clean) await removeLeftovers(parent);
      const folder = name === null ? probe : DiskStore.folderOf(parent, name);
      const lock = await lockFolder(folder);
      if (isSynced) await syncFolder(parent);
      return new DiskStore(folder, lock, isSynced);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw new StoreError(
        `cannot keep files in ${parent}: ${
          messageOf(error)
        }; choose a folder with --dest_path_prefix`,
      );
    }
  }

  /** Where a store with a name is. */
  static folderOf(parent: string, name: string): string {
    return `${parent}/${PREFIX}${name}`;
  }

  /**
   * A file of an earlier run.
   *
   * @param sum As {@linkcode KeptFile.sum} was.
   */
  reopen(number: number, sizeBytes: number, sum: number | null = null): KeptFile {
    this.#nextNumber = Math.max(this.#nextNumber, number + 1);
    return keptFile(this.#path(number), number, sizeBytes, sum);
  }

  /** Whether there are files of an earlier run. */
  async hasFiles(): Promise<boolean> {
    for await (const { name, isFile } of Deno.readDir(this.folder)) {
      if (isFile && FILE_NAME.test(name)) return true;
    }
    return false;
  }

  /** Removes files of an earlier run that nobody needs any more; returns which of `numbers` are there. */
  async removeAllBut(numbers: ReadonlySet<number>): Promise<Set<number>> {
    const present = new Set<number>();
    for await (const { name, isFile } of Deno.readDir(this.folder)) {
      if (!isFile || !FILE_NAME.test(name)) continue;
      const number = Number(name);
      this.#nextNumber = Math.max(this.#nextNumber, number + 1);
      if (numbers.has(number)) present.add(number);
      else await Deno.remove(this.#path(number));
    }
    return present;
  }

  #path(number: number): string {
    return `${this.folder}/${number}`;
  }

  async create(_sizeBytes: number): Promise<FileWriter> {
    return await this.#writer(this.#nextNumber++);
  }

  async #writer(number: number): Promise<FileWriter> {
    const path = this.#path(number);
    try {
      const file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
      return new DiskWriter(path, number, file, this.isSynced ? this.folder : null);
    } catch (error) {
      throw new StoreError(`cannot write ${path}: ${messageOf(error)}`);
    }
  }

  /**
   * Gives the folder another name, by which no run looks for it; ends the use of the store.
   *
   * @returns Its new name.
   * @throws {StoreError} where it cannot have one
   */
  async setAside(): Promise<string> {
    const aside = `${this.folder}_unusable_${timestamp()}`;
    try {
      await whileLocked(this.lock, () => Deno.rename(this.folder, aside));
    } catch (error) {
      throw new StoreError(`cannot put ${this.folder} aside: ${messageOf(error)}`);
    }
    return aside;
  }

  /** Whether the folder is the one that was opened: it may be removed, moved, or replaced. */
  isInPlace(): boolean {
    try {
      return Deno.statSync(`${this.folder}/${LOCK}`).ino === this.lock.statSync().ino;
    } catch {
      return false;
    }
  }

  /**
   * Makes the folder anew where it is not {@linkcode isInPlace}. What has come in its place is put
   * aside. Files that were kept are gone; see {@linkcode rewrite}.
   *
   * @throws {StoreError} where it cannot be made, or another run has locked what is there
   */
  async renew(): Promise<void> {
    if (this.isInPlace()) return;
    try {
      let lock = await lockFolder(this.folder);
      if (await isUsed(this.folder)) {
        const aside = `${this.folder}_replaced_${timestamp()}`;
        await whileLocked(lock, () => Deno.rename(this.folder, aside));
        log.warning("what has come in the place of the scheduler's folder was put aside", {
          aside,
        });
        lock = await lockFolder(this.folder);
      }
      this.lock.close();
      this.lock = lock;
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw new StoreError(`cannot make ${this.folder} anew: ${messageOf(error)}`);
    }
  }

  /** Writes a file that was kept, and is gone, again. */
  async rewrite({ number }: KeptFile): Promise<FileWriter> {
    return await this.#writer(number);
  }

  async close({ keep }: { keep: boolean }): Promise<void> {
    if (keep) this.lock.close();
    else {
      const remove = () => Deno.remove(this.folder, { recursive: true });
      await whileLocked(this.lock, () => remove().catch(ifNotFound(undefined)));
    }
  }
}

function timestamp(): string {
  return new Date().toISOString().replaceAll(/[^\d]/g, "");
}

/** Whether there is anything in a folder besides its lock. */
async function isUsed(folder: string): Promise<boolean> {
  for await (const { name } of Deno.readDir(folder)) if (name !== LOCK) return true;
  return false;
}

class DiskWriter implements FileWriter {
  #writtenBytes = 0;
  #sum = 0;

  constructor(
    private readonly path: string,
    private readonly number: number,
    private readonly file: Deno.FsFile,
    /** To be brought to the disk together with the file; `null` = neither. */
    private readonly syncedFolder: string | null,
  ) {}

  async write(chunk: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < chunk.length;) at += await this.file.write(chunk.subarray(at));
    } catch (error) {
      throw new StoreError(`cannot write ${this.path}: ${messageOf(error)}`);
    }
    this.#writtenBytes += chunk.length;
    this.#sum = crc32(chunk, this.#sum);
  }

  async finish(): Promise<KeptFile> {
    try {
      if (this.syncedFolder !== null) {
        await this.file.sync();
        await syncFolder(this.syncedFolder);
      }
    } catch (error) {
      throw new StoreError(`cannot write ${this.path}: ${messageOf(error)}`);
    }
    this.file.close();
    return keptFile(this.path, this.number, this.#writtenBytes, this.#sum);
  }

  async abort(): Promise<void> {
    this.file.close();
    try {
      await Deno.remove(this.path);
    } catch (error) {
      // Not thrown: it would hide the error that this is called for.
      const fields = { path: this.path, reason: messageOf(error) };
      log.warning("an unfinished file cannot be removed; it is left to the next start", fields);
    }
  }
}

/** Reads a file of which the checksum is known. */
class CheckedReader implements FileReader {
  #sum = 0;
  #readBytes = 0;

  constructor(private readonly file: Deno.FsFile, private readonly expected: KeptFile) {}

  async read(buffer: Uint8Array): Promise<number | null> {
    const { sizeBytes, sum } = this.expected;
    const length = await this.file.read(buffer);
    if (length === null) {
      if (this.#readBytes >= sizeBytes) return null;
      throw new DamagedFileError(
        `the file has ${this.#readBytes} of its ${sizeBytes} bytes on the scheduler's disk`,
      );
    }
    this.#sum = crc32(buffer.subarray(0, length), this.#sum);
    this.#readBytes += length;
    if (this.#readBytes >= sizeBytes && this.#sum !== sum) {
      throw new DamagedFileError("the file was changed or damaged on the scheduler's disk");
    }
    return length;
  }

  close(): void {
    this.file.close();
  }
}

function keptFile(
  path: string,
  number: number,
  sizeBytes: number,
  sum: number | null,
): KeptFile {
  const kept: KeptFile = {
    number,
    sizeBytes,
    sum,
    open: async (): Promise<FileReader> => {
      const file = await Deno.open(path);
      return sum === null ? file : new CheckedReader(file, kept);
    },
    isThere: () => Deno.stat(path).then(() => true, ifNotFound(false)),
    // An earlier run may have removed it, and have ended before that was noted.
    remove: () => Deno.remove(path).catch(ifNotFound(undefined)),
  };
  return kept;
}

/**
 * Sees that nobody else has made `parent` or the folder that it lies in.
 *
 * @param made A folder in it that we have just made: its owner is who we are, which takes no
 *   permission to find out. It is removed where something is wrong.
 */
async function checkOwn(parent: string, made: string): Promise<void> {
  const { uid } = await Deno.lstat(made);
  const above = parent.replace(/[/\\][^/\\]+$/, "");
  const foreign = await foreignFolder(above, uid) ?? await foreignFolder(parent, uid);
  if (foreign === null) return;
  await Deno.remove(made);
  throw new Error(foreign);
}

/**
 * Locks a folder, which is made where there is none.
 *
 * @throws where another run has locked it
 */
async function lockFolder(folder: string): Promise<Deno.FsFile> {
  for (;;) {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const path = `${folder}/${LOCK}`;
    const lock = await Deno.open(path, { write: true, create: true, mode: 0o600 });
    if (!await lock.tryLock(true)) {
      lock.close();
      throw new StoreError(
        `another scheduler that is running uses ${folder}, as it has the same ports; stop it, or ` +
          "choose other ports with -p",
      );
    }
    // Who had it locked may just have removed the folder, or given it another name.
    const isThere = await Deno.stat(path).catch(ifNotFound(null));
    if (isThere?.ino === (await lock.stat()).ino) return lock;
    lock.close();
  }
}

/**
 * Does something with a folder as a whole that is locked by `lock`, which is closed: another run
 * must not begin to use it meanwhile.
 */
async function whileLocked(lock: Deno.FsFile, task: () => Promise<void>): Promise<void> {
  // There, folders with open files cannot be changed.
  const closesFirst = Deno.build.os === "windows";
  if (closesFirst) lock.close();
  try {
    await task();
  } finally {
    if (!closesFirst) lock.close();
  }
}

async function removeLeftovers(parent: string): Promise<void> {
  for await (const entry of Deno.readDir(parent)) {
    if (!entry.isDirectory || !entry.name.startsWith(PREFIX)) continue;
    // Another run may clean up at the same time.
    await removeIfLeftOver(`${parent}/${entry.name}`).catch(ifNotFound(undefined));
  }
}

/** Removes `folder` if the run that made it has ended. */
async function removeIfLeftOver(folder: string): Promise<void> {
  const lock = await Deno.open(`${folder}/${LOCK}`, { write: true }).catch(ifNotFound(null));
  const remove = () => Deno.remove(folder, { recursive: true });
  if (lock === null) {
    const { mtime } = await Deno.stat(folder);
    if (mtime !== null && Date.now() - mtime.getTime() > UNLOCKED_MS) await remove();
  } else if (await lock.tryLock(true)) {
    await whileLocked(lock, remove);
  } else {
    lock.close();
  }
}
