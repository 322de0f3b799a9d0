/**
 * Files of clients on their way to nodes.
 *
 * @module
 */

import type { Share } from "../core/mod.ts";
import { messageOf } from "../log/error_message.ts";
import { DamagedFileError } from "../store/file_store.ts";
import { encodeToNode, sendFile, WireError, type XferFile } from "../wire/mod.ts";
import type { Computation } from "./computation.ts";
import { type Context, nodeAuthOf } from "./context.ts";
import { dialectOfNode } from "./dialects.ts";
import { truncated } from "./file_limits.ts";
import type { ClientFile } from "./file_set.ts";
import { LostFile, Refusal } from "./node_refusal.ts";
import type { NodeRequests } from "./node_requests.ts";

/** See the module's description. */
export class NodeFiles {
  /** By node and file: the transfer under way, so that no file is sent twice at a time. */
  readonly #transfers = new Map<string, Promise<void>>();

  constructor(private readonly context: Context, private readonly requests: NodeRequests) {}

  /**
   * Sends a file that the client has sent to us.
   *
   * @param place Where the node is to put it, if not where the client says.
   * @throws {Refusal} where the node does not take it, or it is not here any more
   */
  async send(
    share: Share,
    computation: Computation,
    xfer: XferFile | string,
    place?: string,
  ): Promise<void> {
    if (typeof xfer === "string") {
      throw new Refusal("setup_failed", `the client named the file ${xfer}, but did not send it`);
    }
    const file = computation.files.find(xfer);
    if (file === undefined) {
      throw new Refusal("setup_failed", `the client did not send its file ${xfer.name}`);
    }
    await this.sendInTurn(
      share,
      place === undefined ? file : { ...file, xfer: { ...file.xfer, destPath: place } },
    );
  }

  /**
   * Sends a file, after any transfer of the same file to the same node: two at once would
   * truncate it under each other there.
   */
  sendInTurn(share: Share, file: ClientFile): Promise<void> {
    const key = `${share.node.ipAddr} ${share.cluster.id} ${file.xfer.destPath} ${file.xfer.name}`;
    const before = this.#transfers.get(key) ?? Promise.resolve();
    const transfer = before.catch(() => {}).then(() => this.#transfer(share, file));
    this.#transfers.set(key, transfer);
    return transfer.finally(() => {
      if (this.#transfers.get(key) === transfer) this.#transfers.delete(key);
    });
  }

  async #transfer(share: Share, file: ClientFile): Promise<void> {
    const { node } = share;
    const sent = truncated(file.xfer, file.kept.sizeBytes);
    const xfer = { ...sent, computeId: share.cluster.id };
    const reader = await file.kept.open().catch((error) => {
      if (error instanceof Deno.errors.NotFound) {
        throw new LostFile(xfer, "it was removed from the scheduler's disk");
      }
      throw new Refusal("setup_failed", `a file of the client cannot be read: ${messageOf(error)}`);
    });
    try {
      using stream = await this.requests.connect(node);
      await stream.writeRequest(
        nodeAuthOf(this.context, node),
        ...encodeToNode({ kind: "FILEXFER", file: xfer }, dialectOfNode(node)),
      );
      const { transferredBytes } = await sendFile(stream, xfer.stat.sizeBytes, reader);
      share.txBytes += transferredBytes;
    } catch (error) {
      if (error instanceof DamagedFileError) throw new LostFile(xfer, error.message);
      if (error instanceof WireError && error.kind === "refused") {
        throw new Refusal("setup_failed", `file ${xfer.name} was not taken: ${error.message}`);
      }
      throw error;
    } finally {
      reader.close();
    }
  }
}
