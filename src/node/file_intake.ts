/**
 * Files that schedulers and clients send to computations.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import {
  confirmFile,
  type MessageStream,
  receiveFile,
  refuseFile,
  unsafeFileName,
  WireError,
  type XferFile,
} from "../wire/mod.ts";
import type { NodeContext } from "./context.ts";
import type { FolderAccess } from "./folder_access.ts";
import type { HeldComputation } from "./held_computations.ts";

const log = getLogger("node");

/** Modification times that are this close count as the same, as with dispy itself. */
const SAME_MTIME_MS = 1000;

/** Of a file's mode: who may read, write, execute. Never the bits that lend an owner's rights. */
const PERMISSION_BITS = 0o777;

/** Why a file of this size is not taken or sent, in dispy's own words; `null` where it is. */
export function sizeRefusal(maxFileSizeBytes: number, xfer: XferFile): string | null {
  if (maxFileSizeBytes === 0 || xfer.stat.sizeBytes <= maxFileSizeBytes) return null;
  return `File "${xfer.name}" is too big; limit is ${maxFileSizeBytes}`;
}

/**
 * Where a file of a computation is. Only for files whose name {@linkcode unsafeFileName} has
 * found to be good.
 */
export function filePath(folder: string, { name, destPath, sep }: XferFile): string {
  const baseName = name.slice(name.lastIndexOf(sep) + 1);
  return join(folder, ...destPath.split(sep), baseName);
}

/** Takes a file of a computation. The sender is told how that went. */
export async function takeFile(
  context: NodeContext,
  stream: MessageStream,
  xfer: XferFile,
): Promise<void> {
  const computation = xfer.computeId === null ? undefined : context.held.get(xfer.computeId);
  const refusal = computation === undefined
    ? "its computation is not known here"
    : sizeRefusal(context.options.maxFileSizeBytes, xfer) ?? unsafeFileName(xfer);
  if (computation === undefined || refusal !== null) return await refuse(stream, xfer, refusal);
  computation.touch();
  const path = filePath(computation.folder.path, xfer);
  const { files } = computation;
  const isHere = await files.inTurn(path, async () => {
    const isHere = await isPresent(path, xfer);
    if (isHere) files.found(path);
    return isHere;
  });
  if (isHere) return await confirmFile(stream, xfer.stat.sizeBytes);
  let part: Part;
  try {
    part = await Part.begin(context.access, computation.folder.path, path);
  } catch (error) {
    return await refuse(stream, xfer, messageOf(error));
  }
  try {
    await receiveFile(stream, xfer.stat.sizeBytes, {
      write: (chunk) => {
        computation.touch();
        return part.write(chunk);
      },
      finish: () =>
        files.inTurn(path, async () => {
          await part.finish(xfer);
          files.arrived(path);
        }),
    });
  } catch (error) {
    if (error instanceof WireError) throw error;
    // The sender was told that it is refused.
    log.error("a file cannot be kept", { path, reason: messageOf(error) });
    return;
  } finally {
    await part.drop();
  }
  log.debug("file received", { path, size_bytes: xfer.stat.sizeBytes });
}

/** Gives up what a job has needed of the files that came for it, and removes the others. */
export async function releaseFiles(
  access: FolderAccess,
  computation: HeldComputation,
  xferFiles: readonly XferFile[],
): Promise<void> {
  const { files } = computation;
  for (const xfer of xferFiles) {
    if (unsafeFileName(xfer) !== null) continue;
    const path = filePath(computation.folder.path, xfer);
    await files.inTurn(path, async () => {
      if (files.released(path)) await access.removeFile(path);
    });
  }
}

async function refuse(stream: MessageStream, xfer: XferFile, reason: string | null): Promise<void> {
  log.warning("file refused", { file: xfer.name, from: stream.remoteAddr.hostname, reason });
  await refuseFile(stream);
}

/** Whether the very file is there: same size, changed at the same time. */
async function isPresent(path: string, { stat }: XferFile): Promise<boolean> {
  try {
    const { isFile, size, mtime } = await Deno.lstat(path);
    return isFile && size === stat.sizeBytes && mtime !== null &&
      Math.abs(mtime.getTime() - stat.mtimeS * 1000) <= SAME_MTIME_MS;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

/**
 * A file that is being received, beside where it will be: what stands there is replaced at once and
 * whole, so that a job that reads the old one goes on reading the old one.
 */
class Part {
  #isOpen = true;
  #isDone = false;

  private constructor(
    private readonly access: FolderAccess,
    private readonly path: string,
    private readonly target: string,
    private readonly file: Deno.FsFile,
  ) {}

  /** @throws where the file's folder cannot be made, or leads outside of `folder` by a link. */
  static async begin(access: FolderAccess, folder: string, target: string): Promise<Part> {
    const parent = dirname(target);
    await access.makeFolders(parent);
    const [root, real] = await Promise.all([Deno.realPath(folder), Deno.realPath(parent)]);
    if (real !== root && !real.startsWith(join(root, "/"))) {
      throw new Error("its folder is a link that leads outside of the computation's");
    }
    const dir = access.stagingFolder(real);
    const path = await Deno.makeTempFile({ dir, prefix: ".arriving-" });
    return new Part(access, path, target, await Deno.open(path, { write: true }));
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;) at += await this.file.write(chunk.subarray(at));
  }

  async finish({ stat }: XferFile): Promise<void> {
    this.#close();
    const { atimeS, mtimeS } = stat;
    const mode = stat.mode & PERMISSION_BITS;
    await this.access.install(this.path, this.target, { mode, atimeS, mtimeS });
    this.#isDone = true;
  }

  /** Leaves nothing behind unless all of it has come. */
  async drop(): Promise<void> {
    this.#close();
    if (!this.#isDone) await Deno.remove(this.path);
  }

  #close(): void {
    if (this.#isOpen) this.file.close();
    this.#isOpen = false;
  }
}
