/**
 * How the node handles what is in the folders of computations: as itself, or, where jobs run as
 * another user, as that user. A job can put a symbolic link anywhere in its folder, at any time; so
 * a node with more rights than the job must not follow a path in it.
 *
 * @module
 */

import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";

const log = getLogger("node");

/** What a file is to be like in the end. */
export interface FileLook {
  /** Who may read, write, execute. */
  readonly mode: number;
  readonly atimeS: number;
  readonly mtimeS: number;
}

/** See the module's description. */
export interface FolderAccess {
  /** Gives those who run jobs a file or folder that the node has just made, in one of its own. */
  own(path: string): Promise<void>;
  /** Makes a folder in one that jobs can write to, and all between; existing ones stay. */
  makeFolders(path: string): Promise<void>;
  /**
   * Where a file is put together that is to go into `folder`.
   *
   * @param folder An absolute path without symbolic links.
   */
  stagingFolder(folder: string): string;
  /** Puts a file from a staging folder into its place, whole, whatever stands there. */
  install(staged: string, target: string, look: FileLook): Promise<void>;
  /** Opens a file of a job for reading. */
  open(path: string): Promise<Deno.FsFile>;
  /** Removes a file that may be gone already: jobs may do as they like with what they got. */
  removeFile(path: string): Promise<void>;
  /** Removes a folder with all that is in it. */
  removeTree(path: string): Promise<void>;
  /** Removes a folder where nothing is in it. */
  removeIfEmpty(path: string): Promise<void>;
}

/** Of a node whose jobs have the same rights as itself. */
export const OWN_ACCESS: FolderAccess = {
  own: () => Promise.resolve(),
  makeFolders: (path) => Deno.mkdir(path, { recursive: true }),
  stagingFolder: (folder) => folder,
  async install(staged, target, { mode, atimeS, mtimeS }) {
    if (Deno.build.os !== "windows") await Deno.chmod(staged, mode);
    await Deno.utime(staged, atimeS, mtimeS);
    await Deno.rename(staged, target);
  },
  open: (path) => Deno.open(path),
  removeFile: (path) => removeFile(path),
  removeTree: (path) => removeTree(path),
  removeIfEmpty: (path) => removeIfEmpty(path),
};

async function removeFile(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    log.warning("file of a job cannot be removed", { path, reason: messageOf(error) });
  }
}

/** Removes a folder with all that is in it; a symbolic link is not followed. */
export async function removeTree(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    log.warning("files of a computation cannot be removed", { path, reason: messageOf(error) });
  }
}

/** Removes a folder where nothing is in it. */
export async function removeIfEmpty(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    log.debug("files of a computation stay", { path, reason: messageOf(error) });
  }
}
