/**
 * Files that clients send.
 *
 * @module
 */

import { onClientAlive } from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import { StoreError } from "../store/file_store.ts";
import {
  confirmFile,
  type MessageStream,
  receiveFile,
  refuseFile,
  type XferFile,
} from "../wire/mod.ts";
import type { Context } from "./context.ts";
import { descriptionRefusal } from "./description_limit.ts";
import { bytesToTake, fileRefusal } from "./file_limits.ts";
import type { FileSet } from "./file_set.ts";
import { fileSize } from "./holding_sizes.ts";

const log = getLogger("clientside");

/** See the module's description. */
export class FileIntake {
  /** Each job may bring a file. */
  readonly #warnings = new RepeatLimiter(log, { intervalMs: 60_000, maxPerInterval: 100 });

  constructor(private readonly context: Context) {}

  /**
   * Takes a file of a computation (before it is scheduled) or of a job (after).
   *
   * @param requestBytes How long the message is that describes it.
   */
  async take(stream: MessageStream, xfer: XferFile, requestBytes: number): Promise<void> {
    const computation = xfer.computeId === null
      ? undefined
      : this.context.computations.get(xfer.computeId);
    const refusal = computation === undefined
      ? "its computation is not known"
      : fileRefusal(this.context.options, xfer) ?? descriptionRefusal(requestBytes);
    if (computation === undefined || refusal !== null) {
      computation?.files.refused(refusal ?? "");
      return await this.#refuse(stream, xfer, refusal ?? "");
    }
    const { files, cluster, owner } = computation;
    const present = files.find(xfer);
    if (present !== undefined) {
      files.touch(present, Date.now());
      return await confirmFile(stream, xfer.stat.sizeBytes);
    }
    const permanent = cluster.state === "received";
    const keepBytes = bytesToTake(this.context.options, xfer);
    const { budget } = this.context.payloads;
    const size = fileSize(keepBytes, requestBytes);
    const excess = budget.holdingRefusal(owner, "this file", size);
    if (excess !== null) {
      files.refused(excess);
      return await this.#refuse(stream, xfer, excess);
    }
    // From here on, so that files that come at the same time do not take the same room.
    const holding = budget.hold(owner, size);
    let isAdded = false;
    try {
      const writer = await this.context.store.create(keepBytes);
      let finished = false;
      try {
        await receiveFile(stream, xfer.stat.sizeBytes, {
          write: (chunk) => {
            this.context.engine.post((core, nowMs) => onClientAlive(core, cluster, nowMs));
            return writer.write(chunk);
          },
          finish: async () => {
            const kept = await writer.finish();
            finished = true;
            // Another connection may have brought the same file meanwhile: first come, first kept.
            const other = files.find(xfer);
            if (other !== undefined) files.touch(other, Date.now());
            isAdded = other === undefined &&
              files.add(xfer, kept, holding, permanent, Date.now());
            if (isAdded) {
              await this.context.engine.committed();
            } else {
              await kept.remove();
            }
          },
        }, keepBytes);
      } finally {
        if (!finished) await writer.abort();
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      // Where the store failed on the way, the sender was told so already.
      const fields = { file: xfer.name, reason: error.message };
      this.#warnings.error("kept", "file of a client cannot be kept", fields);
      return;
    } finally {
      if (!isAdded) holding.release();
    }
    log.debug("file received", { file: xfer.name, size_bytes: xfer.stat.sizeBytes });
    if (keepBytes === xfer.stat.sizeBytes) await this.#checkNotGrown(stream, xfer, files);
  }

  /**
   * Drops a file whose sender has sent more than the size that it gave: the file was written to
   * meanwhile, and what is here may be neither the old nor the new one. The sender learns of it
   * when it names the file: its computation or job is refused.
   */
  async #checkNotGrown(stream: MessageStream, xfer: XferFile, files: FileSet): Promise<void> {
    // What is too much was sent along with the end, so it is here before the sender's next request.
    const surplus = await stream.readSome(new Uint8Array(1));
    if (surplus === null) return;
    const message = "file of a client has grown while it was sent; not taken";
    this.#warnings.warning(xfer.name, message, { file: xfer.name });
    await files.discard(xfer);
  }

  async #refuse(stream: MessageStream, xfer: XferFile, reason: string): Promise<void> {
    const { hostname: client } = stream.remoteAddr;
    const fields = { file: xfer.name, client, reason };
    this.#warnings.warning(`${client} ${reason}`, "file of a client refused", fields);
    await refuseFile(stream);
  }
}
