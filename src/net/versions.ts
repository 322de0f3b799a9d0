/**
 * The versions of dispy that are in use around us: nodes take only greetings of their own.
 *
 * @module
 */

import { CURRENT_RELEASE } from "../wire/mod.ts";
import { dispysAt, type PortFamily } from "./port_family.ts";
import { type Rate, TokenBucket } from "./token_bucket.ts";

/** More versions than that in one network are no versions, but somebody playing. */
const MAX_OF_NODES = 16;

/** Versions that anybody may claim to have; the oldest claim gives way. */
const MAX_CLAIMED = 3;

/** Each new version has all nodes greeted, so claims of anybody are looked at this often only. */
const CLAIM_RATE: Rate = { burst: 8, perSecond: 1 / 60 };

/** dispy's versions have three numbers. */
const VERSION = /^\d{1,4}(\.\d{1,4}){1,3}$/;

/** See the module's description. */
export class Versions {
  /** Those of nodes that were found, and the usual one. */
  readonly #ofNodes = new Set<string>([CURRENT_RELEASE]);
  readonly #claimed = new Set<string>();
  readonly #claims: TokenBucket;

  /** @param nowMs The time in milliseconds; only differences count. */
  constructor(private readonly nowMs: () => number = () => performance.now()) {
    this.#claims = new TokenBucket(CLAIM_RATE, nowMs());
  }

  /** All that are known. */
  get all(): string[] {
    return [...this.#ofNodes, ...this.#claimed];
  }

  /** All that nodes of a family may have, those that are known first. */
  possible(family: PortFamily): string[] {
    const published = dispysAt(family.nodeSide).flatMap(({ releases }) => releases);
    return [...new Set([...this.all, ...published])];
  }

  /** A node was found that has this version; whether that is news. */
  addOfNode(version: string): boolean {
    if (this.#ofNodes.has(version) || this.#ofNodes.size >= MAX_OF_NODES) return false;
    this.#ofNodes.add(version);
    return !this.#claimed.delete(version);
  }

  /** Somebody who may be anybody claims to have this version; whether that is news. */
  addClaimed(version: string): boolean {
    if (this.#ofNodes.has(version) || this.#claimed.has(version)) return false;
    if (!VERSION.test(version) || !this.#claims.take(this.nowMs())) return false;
    this.#claimed.add(version);
    if (this.#claimed.size > MAX_CLAIMED) {
      for (const oldest of this.#claimed) {
        this.#claimed.delete(oldest);
        break;
      }
    }
    return true;
  }
}
