/**
 * Folders with names of their own.
 *
 * @module
 */

/**
 * Makes a folder with a name that no other has.
 *
 * @param options As `Deno.makeTempDir` takes them.
 * @returns Its path.
 * @throws what the system says, without what only Deno understands of it
 */
export async function newFolder(options?: Deno.MakeTempOptions): Promise<string> {
  try {
    return await Deno.makeTempDir(options);
  } catch (error) {
    // "Permission denied (os error 13): tmpdir"
    if (error instanceof Error) error.message = error.message.replace(/: tmpdir$/, "");
    throw error;
  }
}
