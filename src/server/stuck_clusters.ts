/**
 * Says of clusters whose jobs wait, with nothing under way that would change that, why they wait.
 *
 * @module
 */

import { type Cluster, describeWait, isStuck, waitsOf } from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import type { Context } from "./context.ts";

const log = getLogger("clusters");

/** The same is not said again of a cluster within this time. */
const WARNING_INTERVAL_MS = 10 * 60_000;

/** So many reasons are named. */
const MAX_REASONS = 3;

/** See the module's description. */
export class StuckClusters {
  readonly #warnings = new RepeatLimiter(log, { intervalMs: WARNING_INTERVAL_MS });
  /** Those that were stuck at the last look. */
  #before = new Set<Cluster>();

  constructor(private readonly context: Context) {}

  /** To be called every few seconds: who is stuck twice in a row is told of. */
  look(): void {
    const { core } = this.context.engine;
    const stuck = [...core.clusters.values()].filter((cluster) => isStuck(core, cluster));
    for (const cluster of stuck) if (this.#before.has(cluster)) this.#tell(cluster);
    this.#before = new Set(stuck);
  }

  #tell(cluster: Cluster): void {
    const waits = waitsOf(this.context.engine.core, cluster);
    const kinds = waits.map(({ kind }) => kind).join(" ");
    this.#warnings.warning(`${cluster.id} ${kinds}`, "jobs wait, and no node can run them", {
      computation: cluster.name,
      client: this.context.computations.of(cluster).client.hostname,
      jobs: cluster.jobs.size,
      reason: waits.slice(0, MAX_REASONS).map(describeWait).join("; "),
    });
  }
}
