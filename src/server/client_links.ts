/**
 * The links to all clients.
 *
 * @module
 */

import type { Cluster } from "../core/mod.ts";
import { ClientLink } from "./client_link.ts";
import type { Context } from "./context.ts";

/** One {@linkcode ClientLink} for each computation. */
export class ClientLinks {
  readonly #byCluster = new Map<number, ClientLink>();

  constructor(private readonly context: Context) {}

  /** The link to the client of `cluster`. */
  of(cluster: Cluster): ClientLink {
    let link = this.#byCluster.get(cluster.id);
    if (link === undefined) {
      link = new ClientLink(this.context, this.context.computations.of(cluster));
      this.#byCluster.set(cluster.id, link);
    }
    return link;
  }

  /** Drops the link of a cluster that is gone. */
  delete(cluster: Cluster): void {
    this.#byCluster.delete(cluster.id);
  }
}
