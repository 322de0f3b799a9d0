/**
 * The folder that a node keeps everything in, for as long as it runs its own alone.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { messageOf } from "../log/error_message.ts";
import { foreignFolder } from "../store/foreign_folder.ts";

const LOCK = "lock";

/** The folder cannot be used; the message says why and what to do. */
export class NodeFolderError extends Error {
  override readonly name = "NodeFolderError";
}

/** See the module's description. */
export class NodeFolder {
  private constructor(
    /** Absolute path. */
    readonly path: string,
    private lock: Deno.FsFile,
  ) {}

  /**
   * Makes the folder and locks it.
   *
   * @param path Absolute path.
   * @param options `clean`: remove what earlier runs have left. `isShared`: everybody may write to
   *   where the folder of its parent lies. `isEntered`: other users get to folders in it.
   * @throws {NodeFolderError} where it cannot be made, another node has it, or where it is shared
   *   and another user has made it
   */
  static async open(
    path: string,
    options: {
      readonly clean: boolean;
      readonly isShared: boolean;
      readonly isEntered?: boolean;
    },
  ): Promise<NodeFolder> {
    let lock: Deno.FsFile | undefined;
    try {
      await Deno.mkdir(path, { recursive: true, mode: 0o700 });
      lock = await Deno.open(join(path, LOCK), { write: true, create: true, mode: 0o600 });
      if (options.isShared) await checkOwn(path);
      if (!await lock.tryLock(true)) throw new Error("another node uses it");
      if (options.clean) await removeAll(path);
      if (options.isEntered) {
        for (const each of [path, dirname(path)]) await Deno.chmod(each, 0o711);
      }
      return new NodeFolder(await Deno.realPath(path), lock);
    } catch (error) {
      lock?.close();
      throw new NodeFolderError(
        `cannot keep files in ${path}: ${messageOf(error)}; choose a folder with ` +
          "--dest_path_prefix",
      );
    }
  }

  /** Whether it is the folder that was opened: it may be removed, moved, or replaced. */
  isInPlace(): boolean {
    try {
      return Deno.statSync(join(this.path, LOCK)).ino === this.lock.statSync().ino;
    } catch {
      return false;
    }
  }

  /**
   * Makes it anew where it is not {@linkcode isInPlace}.
   *
   * @throws {NodeFolderError} where it cannot be made, or another node has it by now
   */
  async renew(): Promise<void> {
    const { lock } = await NodeFolder.open(this.path, { clean: false, isShared: false });
    this.lock.close();
    this.lock = lock;
  }

  /** Lets others have it. */
  close(): void {
    this.lock.close();
  }
}

/** Sees that nobody else has made the folder or the one that it lies in. */
async function checkOwn(path: string): Promise<void> {
  const uid = Deno.uid();
  for (const each of [dirname(path), path, join(path, LOCK)]) {
    const foreign = await foreignFolder(each, uid);
    if (foreign !== null) throw new Error(foreign);
  }
}

async function removeAll(path: string): Promise<void> {
  for await (const { name } of Deno.readDir(path)) {
    if (name !== LOCK) await Deno.remove(join(path, name), { recursive: true });
  }
}
