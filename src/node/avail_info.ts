/**
 * What a machine has to spare, as dispy's nodes tell it.
 *
 * @module
 */

import { statfs } from "node:fs/promises";
import { cpus } from "node:os";
import type { AvailInfo } from "../wire/mod.ts";

/** CPU time spent since the machine's start, in whatever unit the system has. */
interface CpuTimes {
  readonly idle: number;
  readonly total: number;
}

/** Tells what the machine has to spare. */
export class Availability {
  #before: CpuTimes = readCpuTimes();

  /** @param folder Where files are kept: its disk is the one that counts. */
  constructor(private readonly folder: string) {}

  /** The state now; the share of idle CPUs is that since the last time. */
  async read(): Promise<AvailInfo> {
    const memory = Deno.systemMemoryInfo();
    const { bavail, bsize } = await statfs(this.folder);
    return {
      cpuPercent: this.#idlePercent(),
      memoryBytes: memory.available,
      diskBytes: bavail * bsize,
      swapPercent: memory.swapTotal === 0 ? 100 : 100 * memory.swapFree / memory.swapTotal,
      extra: null,
    };
  }

  #idlePercent(): number {
    const now = readCpuTimes();
    const total = now.total - this.#before.total;
    const idle = now.idle - this.#before.idle;
    if (total <= 0) return 100;
    this.#before = now;
    return Math.min(100, Math.max(0, 100 * idle / total));
  }
}

function readCpuTimes(): CpuTimes {
  let idle = 0;
  let total = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.idle + times.user + times.nice + times.sys + times.irq;
  }
  return { idle, total };
}
