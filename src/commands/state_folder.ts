/**
 * Where a scheduler keeps its state when it is not told: where programs keep what is to last.
 *
 * @module
 */

import { getLogger } from "../log/log.ts";
import { messageOf } from "../log/error_message.ts";
import { DiskStore } from "../store/disk_store.ts";
import { temporaryFolder } from "./temporary_folder.ts";

const log = getLogger();

/** A folder for the state of schedulers. */
export interface StateFolder {
  readonly path: string;
  /** Everybody may write where it lies, and the system may empty it when it starts. */
  readonly isTemporary: boolean;
}

/** Reads a variable; `undefined` where it is not set, or may not be read. */
type Variable = (name: string) => string | undefined;

/**
 * What the environment says: the folder that systemd has made for the service (`StateDirectory=`),
 * or that of the user; `null` where it says nothing.
 */
export function lastingFolder(variable: Variable): string | null {
  // More than one is separated by colons.
  const [ofService] = (variable("STATE_DIRECTORY") ?? "").split(":");
  if (ofService) return ofService;
  const isWindows = Deno.build.os === "windows";
  const ofUser = variable(isWindows ? "LOCALAPPDATA" : "XDG_STATE_HOME");
  if (ofUser) return `${ofUser}/dispyscheduler`;
  const home = isWindows ? undefined : variable("HOME");
  return home ? `${home}/.local/state/dispyscheduler` : null;
}

/**
 * Finds the folder for the state called `name`. One that lasts, unless there is none, or the folder
 * for temporary files holds what an earlier run has left.
 *
 * @throws {StoreError} where nothing can be written anywhere
 */
export async function defaultStateFolder(name: string, variable: Variable): Promise<StateFolder> {
  const temporary = `${await temporaryFolder()}/dispy/scheduler`;
  const lasting = lastingFolder(variable);
  const hint = "name a folder that lasts with --dest_path_prefix";
  let reason = "no folder that lasts is known, as HOME cannot be read (--allow-env=HOME)";
  if (lasting !== null) {
    if (await isThere(DiskStore.folderOf(temporary, name))) {
      reason = "an earlier run has left its state there";
    } else {
      try {
        await Deno.mkdir(lasting, { recursive: true, mode: 0o700 });
        return { path: lasting, isTemporary: false };
      } catch (error) {
        reason = `${lasting} cannot be used: ${messageOf(error)}`;
      }
    }
  }
  log.warning("the state is in the folder for temporary files, which a restart may empty", {
    folder: temporary,
    reason,
    hint,
  });
  return { path: temporary, isTemporary: true };
}

async function isThere(path: string): Promise<boolean> {
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return false;
  return await Deno.stat(path).then(() => true, () => false);
}
