/**
 * Files on their way to nodes, and from jobs.
 *
 * @module
 */

import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { chmod, mkdir, open, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { messageOf } from "../log/error_message.ts";
import {
  type FileSink,
  type FileSource,
  type MessageStream,
  receiveFile,
  refuseFile,
  sendFile,
  unsafeFileName,
  WireError,
  type XferFile,
} from "../wire/mod.ts";
import { pathOf } from "./computation.ts";
import { FileTransferError } from "./errors.ts";
import type { PlacedFile } from "./job.ts";

/** The permission bits of a file's mode. */
const PERMISSIONS = 0o777;

/**
 * Describes a file for its receiver. As with dispy, a file below the working directory keeps its
 * folder there, any other lands beside the computation; unless its folder is given.
 *
 * @param computeId The computation that it is for; `null` before it has an id.
 * @throws {FileTransferError} Where it is no file.
 */
export async function describeFile(
  file: string | URL | PlacedFile,
  computeId: number | null,
): Promise<XferFile> {
  if (typeof file === "object" && "folder" in file) {
    const described = await describeFile(file.file, computeId);
    return { ...described, destPath: file.folder.replaceAll("/", sep) };
  }
  const name = resolve(pathOf(file));
  let info;
  try {
    info = await stat(name);
  } catch (error) {
    throw new FileTransferError(`cannot read ${name}: ${messageOf(error)}`, { cause: error });
  }
  if (!info.isFile()) throw new FileTransferError(`${name} is no file`);
  const below = relative(".", name);
  const isBelow = !below.startsWith("..") && resolve(below) === name && below !== name;
  return {
    name,
    destPath: isBelow ? dirname(below) : ".",
    computeId,
    stat: {
      sizeBytes: info.size,
      mode: info.mode,
      atimeS: info.atimeMs / 1000,
      mtimeS: info.mtimeMs / 1000,
      original: null,
    },
    sep,
    extra: null,
  };
}

/**
 * Sends the content of a file whose message has just been written.
 *
 * @throws {FileTransferError} Where it cannot be read, or is refused.
 * @throws {WireError} Where the connection fails.
 */
export async function sendContent(stream: MessageStream, file: XferFile): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(file.name, constants.O_RDONLY);
  } catch (error) {
    throw new FileTransferError(`cannot read ${file.name}: ${messageOf(error)}`, { cause: error });
  }
  const source: FileSource = {
    async read(buffer) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      return bytesRead === 0 ? null : bytesRead;
    },
  };
  try {
    await sendFile(stream, file.stat.sizeBytes, source);
  } catch (error) {
    if (!(error instanceof WireError) || error.kind !== "refused") throw error;
    throw new FileTransferError(`${file.name} was not taken: ${error.message}`, { cause: error });
  } finally {
    await handle.close();
  }
}

/**
 * Receives a file that a job sends, into its place below `folder`: it appears there complete.
 *
 * @returns Its path.
 * @throws {FileTransferError} Where its name leads elsewhere, or it cannot be written.
 * @throws {WireError} Where the connection fails.
 */
export async function receiveInto(
  folder: string,
  stream: MessageStream,
  file: XferFile,
): Promise<string> {
  const unsafe = unsafeFileName(file);
  if (unsafe !== null) {
    await refuseFile(stream);
    throw new FileTransferError(`a file of a job is not taken: ${unsafe}`);
  }
  const baseName = file.name.slice(file.name.lastIndexOf(file.sep) + 1);
  const path = join(resolve(folder), file.destPath.replaceAll(file.sep, "/"), baseName);
  const part = `${path}.${crypto.randomUUID().slice(0, 8)}.part`;
  try {
    const handle = await opened(part, stream);
    try {
      await receiveFile(stream, file.stat.sizeBytes, sinkInto(handle, part, path, file));
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof WireError) throw error;
    throw new FileTransferError(`cannot write ${path}: ${messageOf(error)}`, { cause: error });
  }
  return path;
}

async function opened(part: string, stream: MessageStream): Promise<FileHandle> {
  try {
    await mkdir(dirname(part), { recursive: true });
    return await open(part, "wx");
  } catch (error) {
    await refuseFile(stream);
    throw error;
  }
}

function sinkInto(handle: FileHandle, part: string, path: string, { stat }: XferFile): FileSink {
  return {
    async write(chunk) {
      let written = 0;
      while (written < chunk.length) {
        written += (await handle.write(chunk, written, chunk.length - written)).bytesWritten;
      }
    },
    async finish() {
      await chmod(part, stat.mode & PERMISSIONS);
      await utimes(part, stat.atimeS, stat.mtimeS);
      await rename(part, path);
    },
  };
}
