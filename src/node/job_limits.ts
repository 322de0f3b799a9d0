/**
 * How long jobs may run and how much memory they may hold.
 *
 * @module
 */

import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import type { HeldJob } from "./held_computations.ts";
import { memoryOf } from "./process_tree.ts";

const log = getLogger("node");

/** How often the memory of all jobs is looked at. */
const MEMORY_CHECK_MS = 500;

/** Limits for every job; `null` = none. */
export interface JobLimitOptions {
  readonly jobTimeoutMs: number | null;
  readonly jobMemoryBytes: number | null;
}

/** See the module's description. */
export class JobLimits {
  readonly #watched = new Map<HeldJob, (reason: string) => void>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #isChecking = false;

  constructor(private readonly options: JobLimitOptions) {}

  /**
   * Watches a job.
   *
   * @param exceeded Called when it goes past a limit, with words for its client.
   * @returns a function that ends the watch.
   */
  watch(job: HeldJob, exceeded: (reason: string) => void): () => void {
    const { jobTimeoutMs, jobMemoryBytes } = this.options;
    const timeout = jobTimeoutMs === null ? undefined : setTimeout(() => {
      exceeded(`ended by the node: the job took longer than ${jobTimeoutMs / 1000} s`);
    }, jobTimeoutMs);
    if (jobMemoryBytes !== null) {
      this.#watched.set(job, exceeded);
      this.#timer ??= setInterval(() => void this.#checkMemory(jobMemoryBytes), MEMORY_CHECK_MS);
    }
    return () => {
      clearTimeout(timeout);
      this.#watched.delete(job);
      if (this.#watched.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  async #checkMemory(limitBytes: number): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    try {
      for (const [job, exceeded] of [...this.#watched]) {
        const pid = await job.running.findPid();
        const bytes = pid === null ? null : await memoryOf(pid);
        if (bytes === null || bytes <= limitBytes) continue;
        const limit = `${Math.ceil(limitBytes / (1024 * 1024))} MiB`;
        exceeded(`ended by the node: the job held more than ${limit} of memory`);
      }
    } catch (error) {
      log.error("the memory of jobs cannot be checked", { reason: messageOf(error) });
    } finally {
      this.#isChecking = false;
    }
  }
}
