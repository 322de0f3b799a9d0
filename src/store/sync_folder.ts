/**
 * Folders as the power may leave them: a file whose bytes are on the disk is not there for that.
 *
 * @module
 */

/** Brings to the disk which files there are in `folder`; where the system has no such thing, nothing. */
export async function syncFolder(folder: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using file = await Deno.open(folder);
  await file.sync();
}
