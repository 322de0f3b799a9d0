/**
 * The folder in which a computation's jobs run and its files are.
 *
 * @module
 */

import { isIP } from "node:net";
import { join } from "node:path";
import { type FolderAccess, removeTree } from "./folder_access.ts";

/** How the names of folders end that are removed with their computations. */
const TEMPORARY = ".temporary";

/** Where folders are that clients name: computations of their own have names with a number. */
export const NAMED = "named";

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
  // Jobs of another user get folders and files in it, but cannot see which there are.
  await Deno.mkdir(scratch, { mode: 0o711 });
  for await (const parent of Deno.readDir(prefix)) {
    if (!parent.isDirectory) continue;
    for await (const { name, isDirectory } of Deno.readDir(join(prefix, parent.name))) {
      if (isDirectory && /^\d+_/.test(name) && name.endsWith(TEMPORARY)) {
        await removeTree(join(prefix, parent.name, name));
      }
    }
  }
}

/** The folder of one computation. */
export interface ComputationFolder {
  /** Absolute path, without symbolic links below the node's folder. */
  readonly path: string;
  /** The computation was not taken after all: nothing of it stays. */
  abandon(): Promise<void>;
  /**
   * The computation is closed.
   *
   * @param wantsRemoval Its files go with it; otherwise the folder goes only if it is empty.
   * @param files What came for it: of a folder that other computations use, nothing else goes.
   */
  close(wantsRemoval: boolean, files: readonly string[]): Promise<void>;
}

/**
 * Makes the folders of computations, and removes them when no computation uses them any more.
 *
 * Each scheduler has a folder below the node's, in which computations get folders with names of
 * their own. Those that clients name are in `named` there, apart from all others.
 */
export class ComputationFolders {
  /** Paths of named folders in use, once for each computation. */
  readonly #named: string[] = [];
  /** Named folders are made and removed in turn, so that none is removed that was just taken. */
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * @param prefix The node's folder.
   * @param access Handles what is in them.
   */
  constructor(private readonly prefix: string, private readonly access: FolderAccess) {}

  /**
   * Makes a folder: one of its own, or the one that the client has named, which computations of the
   * same scheduler share that name the same.
   *
   * @param compute What it is for; `isTemporary`: it is to be removed with the computation.
   * @param scheduler The scheduler's address, as the computation says it.
   * @throws where it cannot be made, or its name leads elsewhere
   */
  async make(
    { id, destPath, isTemporary }: {
      readonly id: number;
      readonly destPath: string | null;
      readonly isTemporary: boolean;
    },
    scheduler: string,
  ): Promise<ComputationFolder> {
    const names = folderNames(destPath ?? "");
    const parent = join(this.prefix, schedulerName(scheduler));
    await Deno.mkdir(parent, { recursive: true, mode: 0o711 });
    if (names.length > 0) return await this.#makeNamed(parent, names);
    const suffix = isTemporary ? TEMPORARY : "";
    const path = await Deno.makeTempDir({ dir: parent, prefix: `${id}_`, suffix });
    const { access } = this;
    await access.own(path);
    return {
      path,
      abandon: () => access.removeTree(path),
      close: (wantsRemoval) => wantsRemoval ? access.removeTree(path) : access.removeIfEmpty(path),
    };
  }

  async #makeNamed(parent: string, names: readonly string[]): Promise<ComputationFolder> {
    const { access } = this;
    const path = join(parent, NAMED, ...names);
    await this.#inTurn(async () => {
      await this.#makeEach(join(parent, NAMED), names);
      this.#named.push(path);
    });
    const leave = (wantsRemoval: boolean, files: readonly string[]) =>
      this.#inTurn(async () => {
        this.#named.splice(this.#named.indexOf(path), 1);
        const isShared = this.#named.some((other) => join(other, "/").startsWith(join(path, "/")));
        if (!wantsRemoval) await access.removeIfEmpty(path);
        else if (isShared) { for (const file of files) await access.removeFile(file); }
        else await access.removeTree(path);
      });
    // What is in it may be of earlier computations.
    return { path, abandon: () => leave(false, []), close: leave };
  }

  /** Makes `named`, and in it each of the folders that a client names. */
  async #makeEach(named: string, names: readonly string[]): Promise<void> {
    await makeFolder(named, (path) => Deno.mkdir(path, { mode: 0o711 }));
    let at = join(named, names[0]!);
    await makeFolder(at, async (path) => {
      await Deno.mkdir(path, { mode: 0o700 });
      await this.access.own(path);
    });
    // What lies deeper is in a folder that jobs can write to.
    for (const name of names.slice(1)) {
      at = join(at, name);
      await makeFolder(at, (path) => this.access.makeFolders(path));
    }
  }

  async #inTurn(task: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(task);
    this.#turn = mine.catch(() => {});
    await mine;
  }
}

/**
 * The folders that a client's `dest_path` names, outermost first; none where it names no other than
 * the node would choose. A leading separator does not count: dispy's own client removes it.
 *
 * @throws where it leads upwards, or elsewhere
 */
function folderNames(destPath: string): string[] {
  const names = destPath.split(/[/\\]/).filter((name) => name !== "" && name !== ".");
  if (names.includes("..")) throw new Error(`dest_path ${destPath} leads upwards`);
  if (names.some((name) => /^[A-Za-z]:|\0/.test(name))) {
    throw new Error("dest_path names a drive or contains NUL; give a relative path");
  }
  return names;
}

/** What the folder of a scheduler is called: nothing else in the node's folder is called so. */
function schedulerName(address: string): string {
  // A colon would separate folders in PATH.
  const name = address.replaceAll(/[^\w.-]/g, "_");
  return isIP(address) === 0 ? `host_${name}` : name;
}

/** Makes a folder where there is none yet. What a job has put in its place is refused. */
async function makeFolder(path: string, make: (path: string) => Promise<void>): Promise<void> {
  const found = await Deno.lstat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  if (found === null) return await make(path);
  if (!found.isDirectory) throw new Error(`${path} is no folder, but a file or a link`);
}
