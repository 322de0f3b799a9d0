/**
 * Computations of clients: what the wire needs to know of them beside the core's cluster.
 *
 * @module
 */

import type { Cluster } from "../core/mod.ts";
import { authMatches, type Compute, type Dialect } from "../wire/mod.ts";
import type { ClusterTerms } from "./cluster_terms.ts";
import type { FileSet } from "./file_set.ts";
import type { KeptPayload } from "./kept_payload.ts";
import type { Holding } from "./memory_budget.ts";
import type { ComputationPayload } from "./payload_forms.ts";

const ENCODER = new TextEncoder();

/** A client's computation. */
export interface Computation {
  readonly cluster: Cluster;
  /** As the client sent it, without what may be large: see {@linkcode Computation.kept}. */
  readonly compute: Compute;
  /** What the client speaks. */
  readonly dialect: Dialect;
  /** All of it. */
  readonly kept: KeptPayload<ComputationPayload>;
  /** The address that it came from, which is charged for all that it has us keep. */
  readonly owner: string;
  /** What its description takes in memory: more, once its client names more nodes. */
  holding: Holding;
  /** What the client proves with that it is its own. A secret. */
  readonly clientAuth: string;
  /** The same towards nodes; clients never see it. A secret. */
  readonly nodeAuth: string;
  /** Where the client takes our messages. */
  readonly client: { readonly hostname: string; readonly port: number };
  /** The address at which the client reaches us: the "node" of jobs that no node had. */
  readonly schedulerIpAddr: string;
  readonly files: FileSet;
  readonly terms: ClusterTerms;
}

/** All computations, by their cluster's id. */
export class Computations {
  readonly #byId = new Map<number, Computation>();

  /** Adds one. */
  add(computation: Computation): void {
    this.#byId.set(computation.cluster.id, computation);
  }

  /** The computation of a cluster that the core knows. */
  of(cluster: Cluster): Computation {
    const computation = this.#byId.get(cluster.id);
    if (computation === undefined) throw new Error(`cluster ${cluster.id} has no computation`);
    return computation;
  }

  /** The computation with this id, if the asker knows its auth. */
  find(id: number, auth: string): Computation | undefined {
    const computation = this.#byId.get(id);
    if (computation === undefined) return undefined;
    const isIts = authMatches(ENCODER.encode(computation.clientAuth), ENCODER.encode(auth));
    return isIts ? computation : undefined;
  }

  /** The computation with this id. */
  get(id: number): Computation | undefined {
    return this.#byId.get(id);
  }

  /** Removes one. */
  delete(cluster: Cluster): void {
    this.#byId.delete(cluster.id);
  }

  [Symbol.iterator](): IterableIterator<Computation> {
    return this.#byId.values();
  }
}
