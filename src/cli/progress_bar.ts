/**
 * A progress bar as one line of text.
 *
 * @module
 */

import { duration } from "./status_table.ts";

/** How far something is. */
export interface Progress {
  readonly done: number;
  /** Of those that are done. */
  readonly failed: number;
  readonly running: number;
  /** What is known to be done in all; `null` while more may come. */
  readonly total: number | null;
  readonly elapsedMs: number;
}

const BAR_WIDTH = 24;

/**
 * Renders `[######------------------]  25% 250 of 1000, 4 running, 3 failed, 12.5/s, 00:01:00 left`.
 *
 * @param columns Width of the terminal; a longer line is cut.
 */
export function renderProgress(progress: Progress, columns: number): string {
  const { done, failed, running, total, elapsedMs } = progress;
  const rate = elapsedMs > 0 ? done / elapsedMs : 0;
  const parts = [
    total === null ? `${done} done` : `${done} of ${total}`,
    `${running} running`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(done > 0 ? [`${(rate * 1000).toFixed(1)}/s`] : []),
    ...(done > 0 && total !== null && total > done
      ? [`${duration((total - done) / rate)} left`]
      : []),
  ].join(", ");
  if (total === null) return parts.slice(0, columns - 1);
  const part = total === 0 ? 1 : done / total;
  const filled = Math.floor(part * BAR_WIDTH);
  const bar = "#".repeat(filled) + "-".repeat(BAR_WIDTH - filled);
  const percent = String(Math.floor(part * 100)).padStart(3);
  // The last column stays free: a full line would make the terminal scroll.
  return `[${bar}] ${percent}% ${parts}`.slice(0, columns - 1);
}
