/**
 * Files that clients send.
 *
 * @module
 */

import { getLogger } from "../log/log.ts";
import { StoreError } from "../store/file_store.ts";
import {
  confirmFile,
  type MessageStream,
  receiveFile,
  refuseFile,
  type XferFile,
} from "../wire/mod.ts";
import type { ComputationIntake } from "./computation_intake.ts";
import type { Context } from "./context.ts";

const log = getLogger("clientside");

/** See the module's description. */
export class FileIntake {
  constructor(private readonly context: Context, private readonly intake: ComputationIntake) {}

  /** Takes a file of a computation (before it is scheduled) or of a job (after). */
  async take(stream: MessageStream, xfer: XferFile): Promise<void> {
    const computation = xfer.computeId === null
      ? undefined
      : this.context.computations.get(xfer.computeId);
    const refusal = computation === undefined
      ? "its computation is not known"
      : this.intake.fileRefusal(xfer);
    if (computation === undefined || refusal !== null) {
      return await this.#refuse(stream, xfer, refusal ?? "");
    }
    const { files, cluster } = computation;
    const present = files.find(xfer);
    if (present !== undefined) {
      files.touch(present, Date.now());
      return await confirmFile(stream, xfer.stat.sizeBytes);
    }
    const permanent = cluster.state === "received";
    const keepBytes = this.#keepBytes(xfer);
    try {
      const writer = await this.context.store.create(keepBytes);
      let finished = false;
      try {
        await receiveFile(stream, xfer.stat.sizeBytes, {
          write: (chunk) => writer.write(chunk),
          finish: async () => {
            const kept = await writer.finish();
            finished = true;
            // Another connection may have brought the same file meanwhile: first come, first kept.
            if (files.find(xfer) === undefined) files.add(xfer, kept, permanent, Date.now());
            else await kept.remove();
          },
        }, keepBytes);
      } finally {
        if (!finished) await writer.abort();
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      // Where the store failed on the way, the sender was told so already.
      log.error("file of a client cannot be kept", { file: xfer.name, reason: error.message });
      return;
    }
    log.debug("file received", { file: xfer.name, size_bytes: xfer.stat.sizeBytes });
  }

  /** How much of a file is kept: `--max_file_size` cuts larger ones, as dispy's manual says. */
  #keepBytes(xfer: XferFile): number {
    const { maxFileSizeBytes } = this.context.options;
    const { sizeBytes } = xfer.stat;
    if (maxFileSizeBytes === 0 || sizeBytes <= maxFileSizeBytes) return sizeBytes;
    log.warning("file of a client is truncated", {
      file: xfer.name,
      size_bytes: sizeBytes,
      limit_bytes: maxFileSizeBytes,
    });
    return maxFileSizeBytes;
  }

  async #refuse(stream: MessageStream, xfer: XferFile, reason: string): Promise<void> {
    log.warning("file of a client refused", {
      file: xfer.name,
      client: stream.remoteAddr.hostname,
      reason,
    });
    await refuseFile(stream);
  }
}
