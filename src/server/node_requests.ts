/**
 * Requests on their way to nodes.
 *
 * @module
 */

import type { Node, Share } from "../core/mod.ts";
import { PickleError } from "../pickle/mod.ts";
import { encodeToNode, type MessageStream, type ToNodeRequest } from "../wire/mod.ts";
import { type Context, MAX_ANSWER_BYTES, nodeAuthOf } from "./context.ts";
import { dialectOfNode } from "./dialects.ts";
import { Refusal } from "./node_refusal.ts";

/** See the module's description. */
export class NodeRequests {
  constructor(private readonly context: Context) {}

  /** Opens a connection to a node. */
  connect(node: Node): Promise<MessageStream> {
    return this.context.nodeTransport.connect(node.ipAddr, node.info.port);
  }

  /**
   * Sends a request and reads the answer.
   *
   * @throws {Refusal} where what clients have put into it is not for this node
   */
  async ask(
    node: Node,
    request: ToNodeRequest,
    { share }: { share: Share },
  ): Promise<Uint8Array> {
    using stream = await this.connect(node);
    await this.write(stream, share, request);
    return await stream.readMessage(MAX_ANSWER_BYTES);
  }

  /** Writes a request to a connection of its own. */
  async write(stream: MessageStream, share: Share, request: ToNodeRequest): Promise<void> {
    const chunks = encoded(request, share.node);
    for (const chunk of chunks) share.txBytes += chunk.length;
    await stream.writeRequest(nodeAuthOf(this.context, share.node), ...chunks);
  }
}

/** A request with what clients have put into it, which this node's Python may not have. */
function encoded(request: ToNodeRequest, node: Node): Uint8Array[] {
  try {
    return encodeToNode(request, dialectOfNode(node));
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    const what = request.kind === "SETUP" ? "arguments of setup" : "the computation";
    const reason = `${what} cannot be written for this node's Python: ${error.message}`;
    throw new Refusal("setup_failed", reason);
  }
}
