/**
 * A cluster without a scheduler that others share.
 *
 * @module
 */

import { type ClusterParts, openParts } from "./cluster_parts.ts";
import type { EmbeddedScheduler } from "./embedded_scheduler.ts";
import { JobClusterUnavailableError } from "./errors.ts";
import type { CloseOptions, JobClusterOptions } from "./options.ts";
import { SharedJobCluster } from "./shared_job_cluster.ts";

/**
 * A cluster that has its nodes for itself, with no scheduler beside it: the program itself is
 * one, as it is with dispy's `JobCluster`. There can be only one at a time on a machine (and port),
 * and no scheduler beside it.
 *
 * Needs Deno, as the scheduler does, with `--allow-net`; with `--allow-sys=networkInterfaces` it
 * finds nodes in all networks that the machine is in.
 */
export class JobCluster<Args extends readonly unknown[], Result>
  extends SharedJobCluster<Args, Result> {
  readonly #scheduler: EmbeddedScheduler;
  #stopped: Promise<void> | null = null;

  private constructor(parts: ClusterParts<Args, Result>, scheduler: EmbeddedScheduler) {
    super(parts);
    this.#scheduler = scheduler;
  }

  /**
   * Starts a scheduler, and opens a cluster at it.
   *
   * @throws {JobClusterUnavailableError} In Node.js.
   * @throws {ListenError} Where the ports are taken, by another scheduler most likely.
   * @throws As `SharedJobCluster.open` does.
   */
  static override async open<Args extends readonly unknown[], Result>(
    options: JobClusterOptions<Args, Result>,
  ): Promise<JobCluster<Args, Result>> {
    if (!("Deno" in globalThis)) {
      throw new JobClusterUnavailableError(
        "JobCluster brings its own scheduler, which needs Deno; " +
          "in Node.js, start dispyscheduler and use SharedJobCluster",
      );
    }
    options.signal?.throwIfAborted();
    // Loaded only here: programs with a SharedJobCluster need no scheduler.
    const { startScheduler } = await import("./embedded_scheduler.ts");
    const scheduler = await startScheduler(options);
    try {
      const parts = await openParts({
        ...options,
        scheduler: scheduler.host,
        schedulerPort: scheduler.port,
        clusterSecret: scheduler.clusterSecret,
        tls: options.nodeTls,
        host: scheduler.replyHost,
      });
      return new JobCluster(parts, scheduler);
    } catch (error) {
      await scheduler.stop();
      throw error;
    }
  }

  /** As `SharedJobCluster.close`; then the scheduler ends as well. */
  override close(options: CloseOptions = {}): Promise<void> {
    return this.#stopped ??= super.close(options).finally(() => this.#scheduler.stop());
  }
}
