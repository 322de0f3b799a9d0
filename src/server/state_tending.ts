/**
 * Sees now and then that what the scheduler keeps on disk is still there, and writes it anew where
 * somebody has removed it.
 *
 * @module
 */

import type { Core } from "../core/mod.ts";
import type { Journal } from "../journal/journal.ts";
import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import { type FileStore, StoreError } from "../store/file_store.ts";
import type { Computations } from "./computation.ts";
import type { JobPayload } from "./job_payload.ts";
import type { KeptPayload } from "./kept_payload.ts";

const log = getLogger("store");

const WARNING_INTERVAL_MS = 60_000;

/** What is tended. */
export interface Tended {
  readonly core: Core;
  readonly computations: Computations;
  readonly store: FileStore;
  readonly journal: Journal | null;
}

/** See the module's description. */
export class StateTending {
  readonly #warnings = new RepeatLimiter(log, { intervalMs: WARNING_INTERVAL_MS });
  #isUnderWay = false;

  constructor(private readonly tended: Tended) {}

  /** Called every few seconds. */
  async tend(): Promise<void> {
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    try {
      const { journal } = this.tended;
      const isRenewed = journal === null ? await this.#renewStore() : await journal.tend();
      if (isRenewed) await this.#rewriteFiles();
    } finally {
      this.#isUnderWay = false;
    }
  }

  /** @returns whether the folder was gone, and is there again. */
  async #renewStore(): Promise<boolean> {
    const { store } = this.tended;
    if (store.isInPlace()) return false;
    const folder = store.description;
    try {
      await store.renew();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      const fields = { folder, reason: error.message };
      this.#warnings.error("renew", "the folder for files of clients is gone", fields);
      return false;
    }
    log.error("the folder for files of clients was gone; it was made anew", { folder });
    return true;
  }

  /** Writes what is in memory, and says how much is not. */
  async #rewriteFiles(): Promise<void> {
    let payloads = 0;
    for (const kept of this.#payloads()) if (!await this.#rewritten(kept)) payloads++;
    let files = 0;
    for (const computation of this.tended.computations) {
      files += await computation.files.countGone();
    }
    if (payloads === 0 && files === 0) return;
    log.error("what was only in files that are gone is lost", {
      arguments_and_results: payloads,
      files_of_clients: files,
      effect: "jobs that need them end, and their clients are told",
    });
  }

  *#payloads(): Iterable<KeptPayload<unknown>> {
    const { core } = this.tended;
    for (const { payload } of [...core.jobs.values(), ...core.offered.values()]) {
      if (payload !== null) yield (payload as JobPayload).kept;
    }
    for (const { deliveries } of [...core.clusters.values()]) {
      for (const { payload } of [...deliveries.values()]) {
        if (payload !== null) yield payload as KeptPayload<unknown>;
      }
    }
  }

  async #rewritten(kept: KeptPayload<unknown>): Promise<boolean> {
    try {
      return await kept.rewrite();
    } catch (error) {
      // It stays in memory, for as long as this run lasts.
      const fields = { reason: messageOf(error) };
      this.#warnings.warning("rewrite", "a payload cannot be written anew", fields);
      return true;
    }
  }
}
