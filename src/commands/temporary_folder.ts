/**
 * The system's own folder for temporary files, found without looking into the environment.
 *
 * @module
 */

import { dirname } from "node:path";
import { messageOf } from "../log/error_message.ts";
import { StoreError } from "../store/file_store.ts";
import { newFolder } from "../store/new_folder.ts";

/**
 * Its path; the same at every start.
 *
 * @throws {StoreError} where nothing can be written there
 */
export async function temporaryFolder(): Promise<string> {
  try {
    const probe = await newFolder();
    await Deno.remove(probe);
    return dirname(probe);
  } catch (error) {
    const hint = error instanceof Deno.errors.NotCapable
      ? ""
      : "; choose a folder with --dest_path_prefix";
    throw new StoreError(
      `cannot write in the folder for temporary files: ${messageOf(error)}${hint}`,
      { cause: error },
    );
  }
}
