/**
 * Nodes that were given up because they could not be reached. Such a node may live and still
 * believe that it serves us; it would then ignore every greeting. So we come back to it from
 * time to time, have it close what it still has of ours, and greet it again.
 *
 * @module
 */

import { Node, nodeBySign, type NodeInfo, type Share } from "../core/mod.ts";
import { type Row } from "../journal/database.ts";
import { unpack } from "../journal/packing.ts";
import { getLogger } from "../log/log.ts";
import { type Context } from "./context.ts";
import { messageOf } from "../log/error_message.ts";
import type { Discovery } from "./discovery.ts";
import type { NodeLink } from "./node_link.ts";

const log = getLogger("node");

/** Wait before the first attempt; doubled each time up to the last. */
const FIRST_WAIT_MS = 5_000;
const LAST_WAIT_MS = 300_000;
/** Attempts before a node is forgotten: about four hours. */
const TRIES = 54;
/** So many nodes are come back to; of more, the one that waits longest is forgotten. */
const MAX_LOST = 4096;

/** A computation that the node still has. */
interface Leftover {
  readonly computeId: number;
  readonly nodeAuth: string;
}

/** What a later run must know of such a node. */
interface PackedLostNode {
  readonly info: Omit<NodeInfo, "availInfo">;
  readonly leftovers: readonly { readonly [K in keyof Leftover]: Leftover[K] }[];
}

/** A node and what is to be done there. */
interface Visit {
  readonly node: Node;
  readonly leftovers: Leftover[];
  readonly tries: number;
  /** When the last visit was over, or the node was given up, and when the next is; monotonic. */
  readonly sinceMs: number;
  readonly dueMs: number;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** See the module's description. */
export class LostNodes {
  /** By address: the next visit. */
  readonly #visits = new Map<string, Visit>();

  /** @param firstWaitMs Wait before the first visit. */
  constructor(
    private readonly context: Context,
    private readonly nodeLink: NodeLink,
    private readonly discovery: Discovery,
    private readonly firstWaitMs: number = FIRST_WAIT_MS,
  ) {}

  /** `node` was given up with these shares. */
  add(node: Node, shares: readonly Share[]): void {
    const leftovers = shares.map(({ cluster }) => ({
      computeId: cluster.id,
      nodeAuth: this.context.computations.of(cluster).nodeAuth,
    }));
    this.#record(node, leftovers);
    this.#schedule(node, leftovers, 0, this.firstWaitMs);
  }

  /** Takes back the nodes that an earlier run had given up. */
  restore(rows: Iterable<Row>, nowMs: number): void {
    for (const { record } of rows) {
      const { info, leftovers } = unpack<PackedLostNode>(record);
      const node = new Node({ ...info, availInfo: null }, nowMs);
      this.#schedule(node, [...leftovers], 0, this.firstWaitMs);
    }
  }

  /**
   * A node that is not known has shown a sign of life: if it was given up, visits it soon. Anybody
   * can say so, and one that cannot be reached may say so for long: such a visit comes no sooner
   * after the last than the first one does, and does not count.
   */
  onSignOfLife(ipAddr: string): void {
    const visit = this.#visits.get(ipAddr);
    if (visit === undefined) return;
    const nowMs = performance.now();
    const waitMs = Math.max(0, visit.sinceMs + this.firstWaitMs - nowMs);
    if (visit.dueMs <= nowMs + waitMs) return;
    this.#schedule(
      visit.node,
      visit.leftovers,
      Math.max(0, visit.tries - 1),
      waitMs,
      visit.sinceMs,
    );
  }

  /** Forgets them all. */
  close(): void {
    for (const { timer } of this.#visits.values()) clearTimeout(timer);
    this.#visits.clear();
  }

  #schedule(
    node: Node,
    leftovers: Leftover[],
    tries: number,
    waitMs: number,
    sinceMs: number = performance.now(),
  ): void {
    if (tries >= TRIES) {
      log.info("node that was given up has not come back; forgotten", { node: node.ipAddr });
      this.context.journal?.delete("lost_node", node.ipAddr);
      return;
    }
    const before = this.#visits.get(node.ipAddr);
    if (before !== undefined) clearTimeout(before.timer);
    const timer = setTimeout(() => {
      this.#visits.delete(node.ipAddr);
      void this.#visit(node, leftovers, tries);
    }, waitMs);
    const dueMs = performance.now() + waitMs;
    this.#visits.set(node.ipAddr, { node, leftovers, tries, sinceMs, dueMs, timer });
    if (this.#visits.size > MAX_LOST) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const [ipAddr, { timer }] of this.#visits) {
      clearTimeout(timer);
      this.#visits.delete(ipAddr);
      this.context.journal?.delete("lost_node", ipAddr);
      return;
    }
  }

  async #visit(node: Node, leftovers: Leftover[], tries: number): Promise<void> {
    if (this.#isBack(node)) return;
    try {
      for (const address of node.otherAddresses) {
        await this.discovery.greetHost(address, node.info.port);
      }
      for (let next = leftovers[0]; next !== undefined; next = leftovers[0]) {
        await this.nodeLink.abandon(node, next.computeId, next.nodeAuth);
        leftovers.shift();
        // From here on it may run jobs of what is left.
        if (this.#isBack(node)) return;
      }
      await this.discovery.greetHost(node.ipAddr, node.info.port);
    } catch (error) {
      log.debug("node that was given up is still away", {
        node: node.ipAddr,
        reason: messageOf(error),
      });
    }
    const waitMs = Math.min(this.firstWaitMs * 2 ** (tries + 1), LAST_WAIT_MS);
    this.#schedule(node, leftovers, tries + 1, waitMs);
  }

  /** Whether it has come back by itself, maybe at another of its addresses; then it is no longer lost. */
  #isBack(node: Node): boolean {
    const { core } = this.context.engine;
    if (!core.nodes.has(node.ipAddr) && nodeBySign(core, node.info.sign) === undefined) {
      return false;
    }
    this.context.journal?.delete("lost_node", node.ipAddr);
    return true;
  }

  #record(node: Node, leftovers: readonly Leftover[]): void {
    const { availInfo: _measured, ...info } = node.info;
    const packed = { info, leftovers: leftovers.map((leftover) => ({ ...leftover })) };
    this.context.journal?.put("lost_node", node.ipAddr, packed);
  }
}
