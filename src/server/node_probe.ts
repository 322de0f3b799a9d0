/**
 * Asks nodes that are silent whether they are there.
 *
 * @module
 */

import { type Node, onNodeProbed, type ProbeAnswer } from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import { WireError } from "../wire/mod.ts";
import { type Context } from "./context.ts";
import { messageOf } from "../log/error_message.ts";
import type { NodeLink } from "./node_link.ts";

const log = getLogger("node");

/** See the module's description. */
export class NodeProbe {
  constructor(private readonly context: Context, private readonly nodeLink: NodeLink) {}

  /** Asks `node`, which runs jobs, and tells the core what came of it. */
  async probe(node: Node): Promise<void> {
    const answer = await this.#ask(node);
    this.context.engine.post((core, nowMs) => onNodeProbed(core, node, answer, nowMs));
  }

  async #ask(node: Node): Promise<ProbeAnswer> {
    const [share] = node.shares.values();
    if (share === undefined) return "silent";
    try {
      // A bare connection would do, but dispynode complains of those in its log.
      await this.nodeLink.jobsAt(share);
      return "alive";
    } catch (error) {
      const answer = answerOf(error);
      log.debug("node is silent, and does not answer", {
        node: node.ipAddr,
        answer,
        reason: messageOf(error),
      });
      return answer;
    }
  }
}

function answerOf(error: unknown): ProbeAnswer {
  if (!(error instanceof WireError)) throw error;
  switch (error.kind) {
    case "connect":
      return error.cause instanceof Deno.errors.ConnectionRefused ? "refused" : "silent";
    case "timeout":
      return "silent";
    default:
      // Who does not know our auth hangs up: another process than the node that we know.
      return "refused";
  }
}
