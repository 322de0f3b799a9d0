/**
 * How many nodes are taken: what each says of itself is kept in memory, and anybody can announce
 * any number of them.
 *
 * @module
 */

import type { Core } from "../core/mod.ts";
import type { Pong } from "../wire/mod.ts";
import { nodeSize } from "./holding_sizes.ts";
import type { Holding, MemoryBudget } from "./memory_budget.ts";

/** What of a node is told apart. */
type Described = Pick<Pong, "ipAddr" | "name" | "platform" | "version" | "sign">;

/** See the module's description. */
export class NodeRoom {
  /** By address of the node. */
  readonly #holdings = new Map<string, Holding>();

  constructor(private readonly core: Core, private readonly budget: MemoryBudget) {}

  /**
   * Takes room for a node that is about to be taken.
   *
   * @param from The address that has announced it, which is charged.
   * @returns why there is none, or `null`
   */
  take(node: Described, from: string): string | null {
    if (this.#holdings.has(node.ipAddr) && this.core.nodes.has(node.ipAddr)) return null;
    const size = nodeSize(charsOf(node));
    let refusal = this.budget.holdingRefusal(from, "this node", size);
    if (refusal !== null && this.#forgetLost()) {
      refusal = this.budget.holdingRefusal(from, "this node", size);
    }
    if (refusal === null) this.#hold(node, from);
    return refusal;
  }

  /** Takes account of nodes that are here already: an earlier run had them. */
  adopt(): void {
    for (const node of this.core.nodes.values()) {
      this.#hold({ ...node.info, name: node.name }, node.ipAddr);
    }
  }

  #hold(node: Described, from: string): void {
    this.#holdings.get(node.ipAddr)?.release();
    this.#holdings.set(node.ipAddr, this.budget.hold(from, nodeSize(charsOf(node))));
  }

  /** Gives back the room of nodes that are known no longer; whether there were any. */
  #forgetLost(): boolean {
    const before = this.#holdings.size;
    for (const [ipAddr, holding] of this.#holdings) {
      if (this.core.nodes.has(ipAddr)) continue;
      holding.release();
      this.#holdings.delete(ipAddr);
    }
    return this.#holdings.size < before;
  }
}

function charsOf({ ipAddr, name, platform, version, sign }: Described): number {
  return ipAddr.length + name.length + platform.length + version.length + sign.length;
}
