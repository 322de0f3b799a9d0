/**
 * What our peers speak: nodes tell their release when they are found, clients when they greet.
 *
 * @module
 */

import type { Node, NodeInfo } from "../core/mod.ts";
import { CURRENT_DIALECT, type Dialect, dialectOf, isBefore, parseRelease } from "../wire/mod.ts";

const ofNodes = new WeakMap<NodeInfo, Dialect>();

/** What a node speaks. */
export function dialectOfNode({ info }: Node): Dialect {
  let dialect = ofNodes.get(info);
  if (dialect === undefined) {
    ofNodes.set(info, dialect = dialectOf(info.version, info.pickleProtocol));
  }
  return dialect;
}

/** Whether two peers read what the other writes, without us in between. */
export function haveSamePickles(one: Dialect, other: Dialect): boolean {
  return one.pickleProtocol === other.pickleProtocol;
}

/** Clients of so many machines are remembered; the machine that greeted first is forgotten first. */
const MAX_HOSTS = 4096;

/** Of one machine, so many releases are remembered. */
const MAX_RELEASES = 8;

/**
 * The releases of clients that have greeted. A computation comes over another connection, and does
 * not name its client's release: it is one that its machine has greeted with, and the latest one
 * that the computation can be of.
 */
export class ClientReleases {
  /** By address, the latest first. */
  readonly #releases = new Map<string, readonly string[]>();

  /** A client at `host` has greeted. */
  note(host: string, release: string): void {
    const others = (this.#releases.get(host) ?? []).filter((each) => each !== release);
    this.#releases.delete(host);
    this.#releases.set(host, [release, ...others].slice(0, MAX_RELEASES));
    for (const oldest of this.#releases.keys()) {
      if (this.#releases.size <= MAX_HOSTS) break;
      this.#releases.delete(oldest);
    }
  }

  /**
   * What the client speaks that has sent a computation.
   *
   * @param oldestRelease The oldest that it can be of, as far as the computation tells.
   * @param pickleProtocol Highest that its Python reads, where that is known.
   */
  dialectFor(host: string, oldestRelease: string, pickleProtocol?: number): Dialect {
    const oldest = parseRelease(oldestRelease)!;
    const { generation } = dialectOf(oldestRelease);
    const greeted = this.#releases.get(host)?.find((release) => {
      const numbers = parseRelease(release);
      if (numbers === null || isBefore(numbers, oldest)) return false;
      return dialectOf(release).generation === generation;
    });
    const isCurrent = generation === CURRENT_DIALECT.generation;
    const supposed = isCurrent ? CURRENT_DIALECT.release : oldestRelease;
    return dialectOf(greeted ?? supposed, pickleProtocol);
  }
}
