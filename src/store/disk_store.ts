/**
 * Keeps files in a folder of this run's own, readable by the owner only.
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

/** See the module's description. */
export class DiskStore implements FileStore {
  readonly description: string;
  readonly isOnDisk = true;
  #nextNumber = 1;

  private constructor(private readonly folder: string, private readonly lock: Deno.FsFile) {
    this.description = folder;
  }

  /**
   * @param parent Folder for the files of all runs; made where it does not exist.
   * @param options `clean`: remove what earlier runs have left there; those that go on keep theirs.
   *   `isShared`: everybody may write where the folder of `parent` lies.
   * @throws {StoreError} where it cannot be made or written to, or where it is shared and another
   *   user has made it
   */
  static async open(
    parent: string,
    options: { clean: boolean; isShared?: boolean },
  ): Promise<DiskStore> {
    try {
      await Deno.mkdir(parent, { recursive: true, mode: 0o700 });
      const folder = await Deno.makeTempDir({ dir: parent, prefix: PREFIX });
      if (options.isShared) await checkOwn(parent, folder);
      const lock = await Deno.open(`${folder}/${LOCK}`, {
        write: true,
        createNew: true,
        mode: 0o600,
      });
      await lock.lock(true);
      if (options.clean) await removeLeftovers(parent);
      return new DiskStore(folder, lock);
    } catch (error) {
      throw new StoreError(
        `cannot keep files in ${parent}: ${
          messageOf(error)
        }; choose a folder with --dest_path_prefix`,
      );
    }
  }

  async create(_sizeBytes: number): Promise<FileWriter> {
    const path = `${this.folder}/${this.#nextNumber++}`;
    try {
      const file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
      return new DiskWriter(path, file);
    } catch (error) {
      throw new StoreError(`cannot write ${path}: ${messageOf(error)}`);
    }
  }

  async close(): Promise<void> {
    this.lock.close();
    await Deno.remove(this.folder, { recursive: true });
  }
}

class DiskWriter implements FileWriter {
  #writtenBytes = 0;

  constructor(private readonly path: string, private readonly file: Deno.FsFile) {}

  async write(chunk: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < chunk.length;) at += await this.file.write(chunk.subarray(at));
    } catch (error) {
      throw new StoreError(`cannot write ${this.path}: ${messageOf(error)}`);
    }
    this.#writtenBytes += chunk.length;
  }

  finish(): Promise<KeptFile> {
    this.file.close();
    const { path } = this;
    return Promise.resolve({
      sizeBytes: this.#writtenBytes,
      open: async (): Promise<FileReader> => await Deno.open(path),
      remove: () => Deno.remove(path),
    });
  }

  async abort(): Promise<void> {
    this.file.close();
    await Deno.remove(this.path);
  }
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
