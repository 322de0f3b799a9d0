/**
 * Keeps files in a folder of this run's own, or of this and later runs with the same name; readable
 * by the owner only.
 *
 * @module
 */

import { messageOf } from "../log/error_message.ts";
import {
  type FileReader,
  type FileStore,
  type FileWriter,
  type KeptFile,
  StoreError,
} from "./file_store.ts";
import { foreignFolder } from "./foreign_folder.ts";

/** How the folders of all runs begin. */
const PREFIX = "dispyscheduler_";

/** A file in each folder that its run has locked for as long as it lives. */
const LOCK = "lock";

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
    private readonly lock: Deno.FsFile,
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
      const probe = await Deno.makeTempDir({ dir: parent, prefix: PREFIX });
      if (options.isShared) await checkOwn(parent, probe);
      if (options.clean) await removeLeftovers(parent);
      const { name } = options;
      const folder = name === null ? probe : `${parent}/${PREFIX}${name}`;
      if (name !== null) {
        await Deno.remove(probe);
        await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      }
      const lock = await Deno.open(`${folder}/${LOCK}`, {
        write: true,
        create: true,
        mode: 0o600,
      });
      if (!await lock.tryLock(true)) {
        lock.close();
        throw new Error(`another scheduler that is running uses ${folder}`);
      }
      return new DiskStore(folder, lock, options.isSynced ?? false);
    } catch (error) {
      throw new StoreError(
        `cannot keep files in ${parent}: ${
          messageOf(error)
        }; choose a folder with --dest_path_prefix`,
      );
    }
  }

  /** A file of an earlier run. */
  reopen(number: number, sizeBytes: number): KeptFile {
    this.#nextNumber = Math.max(this.#nextNumber, number + 1);
    return keptFile(this.#path(number), number, sizeBytes);
  }

  /** Removes files of an earlier run that nobody needs any more; returns which of `numbers` are there. */
  async removeAllBut(numbers: ReadonlySet<number>): Promise<Set<number>> {
    const present = new Set<number>();
    for await (const { name, isFile } of Deno.readDir(this.folder)) {
      if (!isFile || !/^\d+$/.test(name)) continue;
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
    const number = this.#nextNumber++;
    const path = this.#path(number);
    try {
      const file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
      return new DiskWriter(path, number, file, this.isSynced);
    } catch (error) {
      throw new StoreError(`cannot write ${path}: ${messageOf(error)}`);
    }
  }

  /**
   * Gives the folder another name, by which no run looks for it; ends the use of the store.
   *
   * @returns Its new name.
   */
  async setAside(): Promise<string> {
    const now = new Date().toISOString().replaceAll(/[^\d]/g, "");
    const aside = `${this.folder}_unusable_${now}`;
    this.lock.close();
    await Deno.rename(this.folder, aside);
    return aside;
  }

  async close({ keep }: { keep: boolean }): Promise<void> {
    // Removed while it is locked, where the system lets us: a next run must not find half of it.
    const closesFirst = Deno.build.os === "windows";
    if (closesFirst) this.lock.close();
    if (!keep) await Deno.remove(this.folder, { recursive: true });
    if (!closesFirst) this.lock.close();
  }
}

class DiskWriter implements FileWriter {
  #writtenBytes = 0;

  constructor(
    private readonly path: string,
    private readonly number: number,
    private readonly file: Deno.FsFile,
    private readonly isSynced: boolean,
  ) {}

  async write(chunk: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < chunk.length;) at += await this.file.write(chunk.subarray(at));
    } catch (error) {
      throw new StoreError(`cannot write ${this.path}: ${messageOf(error)}`);
    }
    this.#writtenBytes += chunk.length;
  }

  async finish(): Promise<KeptFile> {
    try {
      if (this.isSynced) await this.file.sync();
    } catch (error) {
      throw new StoreError(`cannot write ${this.path}: ${messageOf(error)}`);
    }
    this.file.close();
    return keptFile(this.path, this.number, this.#writtenBytes);
  }

  async abort(): Promise<void> {
    this.file.close();
    await Deno.remove(this.path);
  }
}

function keptFile(path: string, number: number, sizeBytes: number): KeptFile {
  return {
    number,
    sizeBytes,
    open: async (): Promise<FileReader> => await Deno.open(path),
    remove: () => Deno.remove(path),
  };
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

async function removeLeftovers(parent: string): Promise<void> {
  for await (const entry of Deno.readDir(parent)) {
    if (!entry.isDirectory || !entry.name.startsWith(PREFIX)) continue;
    const folder = `${parent}/${entry.name}`;
    if (await isLeftOver(folder)) await Deno.remove(folder, { recursive: true });
  }
}

/** Whether the run that made `folder` has ended. */
async function isLeftOver(folder: string): Promise<boolean> {
  let lock: Deno.FsFile;
  try {
    lock = await Deno.open(`${folder}/${LOCK}`, { write: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const { mtime } = await Deno.stat(folder);
    return mtime !== null && Date.now() - mtime.getTime() > UNLOCKED_MS;
  }
  try {
    return await lock.tryLock(true);
  } finally {
    lock.close();
  }
}
