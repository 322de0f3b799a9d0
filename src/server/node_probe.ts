/**
 * Asks nodes that are silent whether they are there, and those of an earlier run what they have.
 *
 * @module
 */

import {
  type InventoryAnswer,
  type Node,
  onNodeInventoried,
  onNodeProbed,
  type ProbeAnswer,
  type Share,
} from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import { decodeUidsAnswer, encodeToNode, WireError } from "../wire/mod.ts";
import { type Context, MAX_ANSWER_BYTES, nodeAuthOf } from "./context.ts";
import { dialectOfNode } from "./dialects.ts";
import { messageOf } from "../log/error_message.ts";
import type { NodeLink } from "./node_link.ts";
import type { ResultIntake } from "./result_intake.ts";

const log = getLogger("node");

/** See the module's description. */
export class NodeProbe {
  constructor(
    private readonly context: Context,
    private readonly nodeLink: NodeLink,
    private readonly resultIntake: ResultIntake,
  ) {}

  /** Asks `node`, which runs jobs, and tells the core what came of it. */
  async probe(node: Node): Promise<void> {
    const answer = await this.ask(node);
    this.context.engine.post((core, nowMs) => onNodeProbed(core, node, answer, nowMs));
  }

  /**
   * Asks a node of an earlier run which of our jobs it runs, and has it send again the results
   * that it holds; tells the core.
   */
  async takeInventory(node: Node): Promise<void> {
    const answer = await this.#inventory(node);
    this.context.engine.post((core, nowMs) => onNodeInventoried(core, node, answer, nowMs));
  }

  async #inventory(node: Node): Promise<InventoryAnswer> {
    try {
      const running = new Set<number>();
      // First what runs: a job that ends in between is among the results.
      for (const share of node.shares.values()) {
        for (const uid of await this.nodeLink.jobsAt(share)) running.add(uid);
        if (await this.nodeLink.resendResults(share) <= 0) await this.#fetchMissing(share, running);
      }
      // A result that is still there because we have no room for it is not lost.
      for (const { uid } of node.jobs) if (this.resultIntake.isLeft(uid)) running.add(uid);
      return { kind: "alive", running };
    } catch (error) {
      const kind = answerOf(error);
      const fields = { node: node.ipAddr, answer: kind, reason: messageOf(error) };
      log.debug("node of an earlier run does not tell what it has", fields);
      return { kind };
    }
  }

  /**
   * Fetches results that a node may have and does not send. Not those that it counts: dispynode
   * closes a computation when the last that it counts was fetched.
   */
  async #fetchMissing(share: Share, running: ReadonlySet<number>): Promise<void> {
    for (const job of [...share.node.jobs]) {
      const isMissing = job.share === share && job.isUnaccounted && !running.has(job.uid);
      if (isMissing) await this.nodeLink.fetchResult(share, job);
    }
  }

  /** Asks a node whether it is there. */
  async ask(node: Node): Promise<ProbeAnswer> {
    // A node may have dropped a computation that has no jobs there.
    const share = [...node.jobs].find(({ share }) => share !== null)?.share ??
      [...node.shares.values()][0];
    try {
      if (share === undefined) await this.#knock(node);
      else await this.nodeLink.jobsAt(share);
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

  /**
   * Asks a node that nobody uses for the jobs of no computation. A bare connection would not tell
   * whether it is the node that we know, and dispynode complains of those in its log.
   */
  async #knock(node: Node): Promise<void> {
    const dialect = dialectOfNode(node);
    const { nodeTransport } = this.context;
    if (!dialect.tellsJobs) return await nodeTransport.knock(node.ipAddr, node.info.port);
    const request = { kind: "JOBS", computeId: 0, auth: "" } as const;
    using stream = await this.nodeLink.connect(node);
    await stream.writeRequest(nodeAuthOf(this.context, node), ...encodeToNode(request, dialect));
    decodeUidsAnswer(await stream.readMessage(MAX_ANSWER_BYTES), "answer to JOBS");
  }
}

function answerOf(error: unknown): "silent" | "refused" {
  if (!(error instanceof WireError)) {
    // Our own fault tells nothing of the node: its computation may have gone while it was asked. It
    // is asked again, as without an answer it would never be.
    log.warning("a node could not be asked", { reason: messageOf(error) });
    return "silent";
  }
  switch (error.kind) {
    case "connect":
      // A program that ends just now may still take the connection, and drop it.
      return error.cause instanceof Deno.errors.ConnectionRefused ||
          error.cause instanceof Deno.errors.ConnectionReset
        ? "refused"
        : "silent";
    case "timeout":
      return "silent";
    default:
      // Who does not know our auth hangs up: another process than the node that we know.
      return "refused";
  }
}
