/**
 * Keeps files in a folder of this run's own, readable by the owner only.
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

/** How the folders of all runs begin. */
const PREFIX = "files_";

/** See the module's description. */
export class DiskStore implements FileStore {
  readonly description: string;
  #nextNumber = 1;

  private constructor(private readonly folder: string) {
    this.description = folder;
  }

  /**
   * @param parent Folder for the files of all runs; made where it does not exist.
   * @param options `clean`: remove what earlier runs have left there.
   * @throws {StoreError} where it cannot be made or written to
   */
  static async open(parent: string, options: { clean: boolean }): Promise<DiskStore> {
    try {
      await Deno.mkdir(parent, { recursive: true, mode: 0o700 });
      if (options.clean) await removeLeftovers(parent);
      return new DiskStore(await Deno.makeTempDir({ dir: parent, prefix: PREFIX }));
    } catch (error) {
      throw new StoreError(
        `cannot keep files in ${parent}: ${reason(error)}; choose a folder with --dest_path_prefix`,
      );
    }
  }

  async create(_sizeBytes: number): Promise<FileWriter> {
    const path = `${this.folder}/${this.#nextNumber++}`;
    try {
      const file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
      return new DiskWriter(path, file);
    } catch (error) {
      throw new StoreError(`cannot write ${path}: ${reason(error)}`);
    }
  }

  async close(): Promise<void> {
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
      throw new StoreError(`cannot write ${this.path}: ${reason(error)}`);
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

async function removeLeftovers(parent: string): Promise<void> {
  for await (const entry of Deno.readDir(parent)) {
    if (entry.isDirectory && entry.name.startsWith(PREFIX)) {
      await Deno.remove(`${parent}/${entry.name}`, { recursive: true });
    }
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
