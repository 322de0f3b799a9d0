/**
 * Handles the folders of computations as the user that jobs run as: each step in them is a program
 * of that user, which so can do nothing that its jobs could not do themselves.
 *
 * @module
 */

import { dirname, join, relative, sep } from "node:path";
import { lchown } from "node:fs/promises";
import { messageOf } from "../../log/error_message.ts";
import { getLogger } from "../../log/log.ts";
import { NAMED, scratchFolder } from "../computation_folder.ts";
import type { FileLook, FolderAccess } from "../folder_access.ts";
import { noteOwnChild } from "../own_children.ts";
import type { JobUser } from "./job_user.ts";

const log = getLogger("node");

/** Reads a staged file into its place: beside it at first, so that it appears there whole. */
const INSTALL = `
part=$(mktemp -- "$2/.arriving-XXXXXX") || exit
if cat -- "$1" >"$part" && chmod -- "$4" "$part" && touch -c -d "@$5" -- "$part" && mv -f -- "$part" "$3"
then exit 0
fi
rm -f -- "$part"
exit 1
`;

/** Reads a file of a job into one that the node has made for that. */
const COPY = 'test -f "$1" && cat -- "$1" >"$2"';

/** See the module's description. */
export class UserAccess implements FolderAccess {
  /**
   * @param user Whom jobs run as.
   * @param nodeFolder Absolute path of the folder in which the node keeps everything.
   */
  constructor(private readonly user: JobUser, private readonly nodeFolder: string) {}

  async own(path: string): Promise<void> {
    await lchown(path, this.user.uid, this.user.gid);
  }

  async makeFolders(path: string): Promise<void> {
    await this.#do('umask 077; mkdir -p -- "$1"', path);
  }

  stagingFolder(): string {
    return scratchFolder(this.nodeFolder);
  }

  async install(staged: string, target: string, { mode, mtimeS }: FileLook): Promise<void> {
    await this.own(staged);
    const look = [mode.toString(8), mtimeS.toFixed(6)];
    await this.#do(INSTALL, staged, dirname(target), target, ...look);
    await Deno.remove(staged);
  }

  async open(path: string): Promise<Deno.FsFile> {
    const copy = join(this.stagingFolder(), crypto.randomUUID());
    using _made = await Deno.open(copy, { createNew: true, write: true, mode: 0o600 });
    try {
      await this.own(copy);
      await this.#do(COPY, path, copy);
      return await Deno.open(copy);
    } finally {
      // What is open can be read all the same.
      await Deno.remove(copy);
    }
  }

  async removeFile(path: string): Promise<void> {
    await this.#try("file of a job cannot be removed", path, () => {
      return this.#do('rm -f -- "$1"', path);
    });
  }

  async removeTree(path: string): Promise<void> {
    await this.#try("files of a computation cannot be removed", path, async () => {
      // The folder itself may lie in one of the node's.
      await this.#do('cd -- "$1" 2>/dev/null && find . -mindepth 1 -delete; :', path);
      await this.removeIfEmpty(path);
    });
  }

  async removeIfEmpty(path: string): Promise<void> {
    if (await this.#canDo('rmdir -- "$1" 2>/dev/null', path)) return;
    if (!this.#isInOwnFolder(path)) return;
    try {
      await Deno.remove(path);
    } catch (error) {
      log.debug("files of a computation stay", { path, reason: messageOf(error) });
    }
  }

  /** Whether a path lies in a folder of the node's own, so that no job can put anything there. */
  #isInOwnFolder(path: string): boolean {
    const names = relative(this.nodeFolder, path).split(sep);
    return names.length === 2 || names.length === 3 && names[1] === NAMED;
  }

  async #try(message: string, path: string, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      log.warning(message, { path, reason: messageOf(error) });
    }
  }

  async #canDo(script: string, ...args: string[]): Promise<boolean> {
    return (await this.#run(script, args)).success;
  }

  /** @throws where it fails, with what it has said */
  async #do(script: string, ...args: string[]): Promise<void> {
    const { success, stderr } = await this.#run(script, args);
    if (success) return;
    const said = new TextDecoder().decode(stderr).trim().split("\n").at(-1);
    throw new Error(`as ${this.user.name}: ${said || "it cannot be done"}`);
  }

  async #run(script: string, args: readonly string[]): Promise<Deno.CommandOutput> {
    const [program = "", ...rest] = [...this.user.launcher, "sh", "-c", script, "sh", ...args];
    const child = new Deno.Command(program, {
      args: rest,
      cwd: "/",
      clearEnv: true,
      env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin", LC_ALL: "C" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    noteOwnChild(child.pid, child.status);
    return await child.output();
  }
}
