/**
 * What the scheduler and jobs send to a cluster, at the cluster's own port.
 *
 * @module
 */

import {
  ACK,
  decodeBareJobReply,
  decodeToClient,
  type JobReply,
  type JobStatusMessage,
  type MessageStream,
  NAK,
  type NodeStatusMessage,
  refuseFile,
  type XferFile,
} from "../wire/mod.ts";

/** A reply without a result, and names of files. */
const MAX_FILE_HEADER_BYTES = 1024 * 1024;

/** Who the messages are for. */
export interface ReplyTarget {
  /** The computation's turn has come; false where it is not ours. */
  onScheduled(computeId: number, pulseIntervalS: number | null): boolean;
  onJobStatus(message: JobStatusMessage): void;
  /** Whether the reply was of use, or was so before: it need not come again. */
  onJobReply(reply: JobReply): boolean;
  onNodeStatus(message: NodeStatusMessage): void;
  /** Takes the file that a job sends; `null` where files of this job are not taken. */
  fileTaker(reply: JobReply): ((stream: MessageStream, file: XferFile) => Promise<void>) | null;
}

/**
 * Serves one connection.
 *
 * @param maxBytes Longest message that is taken.
 * @throws {WireError} Where the peer is at fault.
 */
export async function serveReply(
  stream: MessageStream,
  target: ReplyTarget,
  maxBytes: number,
): Promise<void> {
  const bytes = await stream.readMessage(maxBytes);
  if (bytes.length === 0) return;
  const message = decodeToClient(bytes);
  switch (message.kind) {
    case "SCHEDULED": {
      const { computeId, pulseIntervalS } = message;
      return await stream.writeMessage(target.onScheduled(computeId, pulseIntervalS) ? ACK : NAK);
    }
    case "JOB_REPLY":
      return await stream.writeMessage(target.onJobReply(message.reply) ? ACK : NAK);
    case "JOB_STATUS":
      return target.onJobStatus(message);
    case "NODE_STATUS":
      return target.onNodeStatus(message);
    case "FILEXFER": {
      const reply = decodeBareJobReply(await stream.readMessage(MAX_FILE_HEADER_BYTES));
      const take = target.fileTaker(reply);
      return await (take === null ? refuseFile(stream) : take(stream, message.file));
    }
  }
}
