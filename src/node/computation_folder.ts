/**
 * The folder in which a computation's jobs run and its files are.
 *
 * @module
 */

import { isAbsolute, join, relative, sep } from "node:path";
import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";

const log = getLogger("node");

/** How the names of folders end that are removed with their computations. */
const TEMPORARY = ".temporary";

/** Where runners keep what they need themselves, below the node's folder. */
export function scratchFolder(prefix: string): string {
  return join(prefix, "scratch");
}

/**
 * Removes what an earlier run that was killed has left in the node's folder: of computations that
 * would have been removed with all their files, and of their runners.
 *
 * @param prefix The node's folder, which no other node uses.
 */
export async function removeLeftovers(prefix: string): Promise<void> {
  const scratch = scratchFolder(prefix);
  await removeTree(scratch);
  await Deno.mkdir(scratch, { mode: 0o700 });
  for await (const parent of Deno.readDir(prefix)) {
    if (!parent.isDirectory) continue;
    for await (const { name, isDirectory } of Deno.readDir(join(prefix, parent.name))) {
      if (isDirectory && /^\d+_/.test(name) && name.endsWith(TEMPORARY)) {
        await removeTree(join(prefix, parent.name, name));
      }
    }
  }
}

/** See the module's description. */
export class ComputationFolder {
  private constructor(
    /** Absolute path. */
    readonly path: string,
    /** Whether it lies in the node's own folder, so that it may be removed. */
    private readonly isOurs: boolean,
  ) {}

  /**
   * Makes the folder: one of its own, or the one that the client has named, which it may share with
   * other computations; a relative name is one below the scheduler's folder.
   *
   * @param prefix The node's folder.
   * @param compute What it is for; `isTemporary`: it is to be removed with the computation.
   * @param scheduler The scheduler's address.
   * @throws where it cannot be made, or its name leads upwards
   */
  static async make(
    prefix: string,
    compute: {
      readonly id: number;
      readonly destPath: string | null;
      readonly isTemporary: boolean;
    },
    scheduler: string,
  ): Promise<ComputationFolder> {
    // A colon would separate folders in PATH.
    const parent = join(prefix, scheduler.replaceAll(/[^\w.-]/g, "_"));
    await Deno.mkdir(parent, { recursive: true, mode: 0o711 });
    if (!compute.destPath) {
      const suffix = compute.isTemporary ? TEMPORARY : "";
      const path = await Deno.makeTempDir({ dir: parent, prefix: `${compute.id}_`, suffix });
      return new ComputationFolder(path, true);
    }
    if (isAbsolute(compute.destPath)) {
      await Deno.mkdir(compute.destPath, { recursive: true, mode: 0o700 });
      return new ComputationFolder(await Deno.realPath(compute.destPath), false);
    }
    const path = join(parent, compute.destPath);
    if (relative(parent, path).split(sep)[0] === "..") {
      throw new Error(`the folder ${compute.destPath} leads upwards`);
    }
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    return new ComputationFolder(path, path !== parent);
  }

  /**
   * Removes it with all that is in it; one that is not ours stays, without the files that came for
   * the computation.
   */
  async remove(files: readonly string[]): Promise<void> {
    if (!this.isOurs) return await this.removeFiles(files);
    await removeTree(this.path);
  }

  /** Removes files in it. */
  async removeFiles(files: readonly string[]): Promise<void> {
    for (const path of files) await removeFile(path);
  }

  /** Removes it where nothing is in it. */
  async removeIfEmpty(): Promise<void> {
    if (!this.isOurs) return;
    try {
      await Deno.remove(this.path);
    } catch (error) {
      log.debug("files of a computation stay", { path: this.path, reason: messageOf(error) });
    }
  }
}

async function removeTree(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    log.warning("files of a computation cannot be removed", { path, reason: messageOf(error) });
  }
}

/** Removes a file that may be gone already: jobs may do as they like with what they got. */
export async function removeFile(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    log.warning("file of a job cannot be removed", { path, reason: messageOf(error) });
  }
}
