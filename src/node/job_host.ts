/**
 * What running jobs send to their clients: provisional results and files.
 *
 * @module
 */

import { dirname, isAbsolute, normalize, relative, sep } from "node:path";
import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import {
  encodeBareJobReply,
  encodeNodeRequest,
  type JobReply,
  JobStatus,
  type MessageStream,
  sendFile,
  WireError,
  type XferFile,
} from "../wire/mod.ts";
import type { NodeContext } from "./context.ts";
import { sizeRefusal } from "./file_intake.ts";
import type { HeldComputation, PeerAddress } from "./held_computations.ts";
import type { Replies } from "./replies.ts";
import type { FileToSend, JobHost, ProvisionalResult } from "./runner.ts";

const log = getLogger("node");

/** Makes a job's reply as it is while the job runs. */
export type ReplySoFar = () => JobReply;

/** See {@linkcode JobHost}. */
export class ClientOfJob implements JobHost {
  constructor(
    private readonly context: NodeContext,
    private readonly replies: Replies,
    private readonly computation: HeldComputation,
    private readonly replySoFar: ReplySoFar,
  ) {}

  async provisionalResult({ result, relay, timeoutMs }: ProvisionalResult): Promise<boolean> {
    const reply = { ...this.replySoFar(), status: JobStatus.ProvisionalResult, result };
    for (const address of this.#addresses(relay)) {
      const delivery = await this.replies.send(address, reply, timeoutMs);
      if (delivery !== "failed") return delivery === "taken";
      this.#failedAt(address);
    }
    return false;
  }

  async sendFile(file: FileToSend): Promise<boolean> {
    try {
      const xfer = await describe(file, this.computation.folder.path);
      const refusal = sizeRefusal(this.context.options.maxFileSizeBytes, xfer);
      if (refusal !== null) throw new Error(refusal);
      using stream = await this.#connect(file.relay);
      if (file.timeoutMs !== null) stream.timeoutMs = file.timeoutMs;
      using content = await this.context.access.open(file.path);
      await stream.writeMessage(...encodeNodeRequest({ kind: "FILEXFER", file: xfer }));
      await stream.writeMessage(...encodeBareJobReply(this.replySoFar()));
      await sendFile(stream, xfer.stat.sizeBytes, content);
      return true;
    } catch (error) {
      const reason = messageOf(error);
      log.warning("a file of a job was not sent", { file: file.name, reason });
      return false;
    }
  }

  /**
   * Where the client is, best first. One that cannot be reached from here, as it is behind a
   * gateway, is reached through its scheduler.
   */
  #addresses(relay: boolean): PeerAddress[] {
    const { clientAddress, replyTo } = this.computation;
    return relay || clientAddress === null ? [replyTo] : [clientAddress, replyTo];
  }

  /** Whom it takes seconds not to reach is not tried for every result and file. */
  #failedAt(address: PeerAddress): void {
    if (address !== this.computation.clientAddress) return;
    this.computation.clientAddress = null;
    log.info("a client cannot be reached from here; its scheduler passes on what jobs send it", {
      client: address.host,
      port: address.port,
    });
  }

  async #connect(relay: boolean): Promise<MessageStream> {
    let failure: unknown;
    for (const address of this.#addresses(relay)) {
      try {
        return await this.context.transport.connect(address.host, address.port);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        failure ??= error;
        this.#failedAt(address);
      }
    }
    throw failure;
  }
}

/** The file as dispy's own `_XferFile` describes it: its client keeps it under the same path. */
async function describe({ name, path }: FileToSend, folder: string): Promise<XferFile> {
  const { size, mode, atime, mtime, isFile } = await Deno.stat(path);
  if (!isFile) throw new Error("it is no file");
  const below = isAbsolute(name) ? relative(folder, path) : normalize(name);
  const isBelow = !isAbsolute(below) && below.split(sep)[0] !== "..";
  return {
    name: path,
    destPath: isBelow ? dirname(below) : ".",
    computeId: null,
    stat: {
      sizeBytes: size,
      mode: mode ?? 0o100644,
      atimeS: (atime?.getTime() ?? 0) / 1000,
      mtimeS: (mtime?.getTime() ?? 0) / 1000,
      original: null,
    },
    sep,
    extra: null,
  };
}
