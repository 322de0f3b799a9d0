/**
 * Folders below one that everybody may write to, such as `/tmp`: another user may have made them
 * first, to read or to replace what is put there.
 *
 * @module
 */

/** Others may write to it, without the bit that keeps them from replacing what is not theirs. */
const WRITABLE_BY_ALL = 0o002;
const STICKY = 0o1000;

const ROOT_UID = 0;

/**
 * Why a folder is not ours alone, or `null`; also where that cannot be found out.
 *
 * @param folder A folder that exists.
 * @param ownUid Who we are; `null` where the system has no such thing.
 */
export async function foreignFolder(folder: string, ownUid: number | null): Promise<string | null> {
  const { state } = Deno.permissions.querySync({ name: "read", path: folder });
  if (state !== "granted" || ownUid === null) return null;
  const { isSymlink, uid, mode } = await Deno.lstat(folder);
  if (isSymlink) return `${folder} is a symbolic link`;
  if (uid !== ownUid && uid !== ROOT_UID) return `${folder} belongs to another user`;
  if (mode !== null && (mode & WRITABLE_BY_ALL) !== 0 && (mode & STICKY) === 0) {
    return `${folder} can be written to by everybody`;
  }
  return null;
}
