/**
 * The nodes of `-n`: those that are not found are looked for again, and told of.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import type { Context } from "./context.ts";
import type { Discovery } from "./discovery.ts";

const log = getLogger("discovery");

/** The same is said again of a node after so long. */
const WARNING_INTERVAL_MS = 60 * 60_000;

/** A node that was not found is greeted again after so long. */
const GREET_AGAIN_MS = 60_000;

/** See the module's description. */
export class NamedNodes {
  readonly #warnings = new RepeatLimiter(log, { intervalMs: WARNING_INTERVAL_MS });
  #isLooking = false;
  #lookedMs = -Infinity;

  constructor(private readonly context: Context, private readonly discovery: Discovery) {}

  /** To be called every few seconds, first when nodes had the time to answer the first greeting. */
  async look(): Promise<void> {
    if (this.#isLooking || performance.now() - this.#lookedMs < GREET_AGAIN_MS) return;
    this.#isLooking = true;
    try {
      const hosts = this.context.options.nodes.filter((host) => !host.includes("*"));
      await Promise.all(hosts.map((host) => this.#lookFor(host)));
    } finally {
      this.#isLooking = false;
      this.#lookedMs = performance.now();
    }
  }

  async #lookFor(host: string): Promise<void> {
    if (await this.#isFound(host)) return;
    const reason = await this.discovery.greetNamed(host);
    // It may have answered to that.
    if (reason === undefined || await this.#isFound(host)) return;
    if (reason !== null) {
      this.#warnings.warning(host, "a node given with -n cannot be reached; trying again", {
        node: host,
        reason,
        hint: "is a node running there, at the scheduler's --node_port, and may we connect to it?",
      });
    } else {
      this.#warnings.warning(host, "a node given with -n does not answer; trying again", {
        node: host,
        hint:
          "something listens there: another scheduler or client may use the node, it may have " +
          "another --node_secret, or be told to serve at another time",
      });
    }
  }

  async #isFound(host: string): Promise<boolean> {
    const { nodes } = this.context.engine.core;
    const addresses = await lookup(host, { all: true }).catch(() => []);
    const known = new Set([host, ...addresses.map(({ address }) => address)]);
    if (this.discovery.relays.some((relay) => known.has(relay))) return true;
    for (const node of nodes.values()) {
      if (known.has(node.ipAddr) || known.has(node.name)) return true;
      for (const address of node.otherAddresses) if (known.has(address)) return true;
    }
    return false;
  }
}
