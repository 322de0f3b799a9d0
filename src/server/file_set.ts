/**
 * The files of one computation: what its client has sent, and who still needs it.
 *
 * A file that belongs to the computation stays as long as the computation does. A file that
 * came for a job stays while a job needs it, and for a while after it came or was asked for:
 * a client first sends the files of a job, then the job, and in between nothing but time says
 * that they are needed.
 *
 * @module
 */

import type { KeptFile } from "../store/file_store.ts";
import type { Holding } from "./memory_budget.ts";
import type { XferFile } from "../wire/mod.ts";

/** How long a job's file waits for the job. */
const UNCLAIMED_MS = 120_000;

/** So many jobs that are about to come for a file are told apart. */
const MAX_AWAITED = 1000;

/** Modification times that are this close count as the same, as with dispy itself. */
const SAME_MTIME_S = 1;

/** A file of a client. */
export interface ClientFile {
  /** As the client described it when it sent it. */
  readonly xfer: XferFile;
  readonly kept: KeptFile;
  /** What it takes here. */
  readonly holding: Holding;
  /** The computation itself needs it, not only jobs. */
  readonly permanent: boolean;
  /** Jobs that need it. */
  jobs: number;
  /** Jobs that are about to come for it: until when each of them may. */
  readonly awaitedUntilMs: number[];
}

/** Who keeps account of the files, for a later run. */
export interface FileRecorder {
  added(file: ClientFile): void;
  removed(file: ClientFile): void;
}

/** See the module's description. */
export class FileSet {
  /** By where nodes put them; a client may send a changed file under the same name. */
  readonly #byKey = new Map<string, ClientFile[]>();
  /** The computation is over. */
  #isOver = false;
  /** Why the last file that was not taken was not: what its client is told when it names it. */
  #lastRefusal: string | null = null;

  /** @param recorder `null` = nobody keeps account. */
  constructor(private readonly recorder: FileRecorder | null = null) {}

  /**
   * Keeps `kept` as the file that `xfer` describes. Returns whether it does: where the computation
   * has ended meanwhile, nobody would ever remove it.
   */
  add(
    xfer: XferFile,
    kept: KeptFile,
    holding: Holding,
    permanent: boolean,
    nowMs: number,
  ): boolean {
    if (this.#isOver) return false;
    const file = this.restore(xfer, kept, holding, permanent, nowMs);
    this.recorder?.added(file);
    return true;
  }

  /** Takes back a file of an earlier run. */
  restore(
    xfer: XferFile,
    kept: KeptFile,
    holding: Holding,
    permanent: boolean,
    nowMs: number,
  ): ClientFile {
    const key = fileKey(xfer);
    const files = this.#byKey.get(key) ?? [];
    const awaitedUntilMs = [nowMs + UNCLAIMED_MS];
    const file = { xfer, kept, holding, permanent, jobs: 0, awaitedUntilMs };
    files.push(file);
    this.#byKey.set(key, files);
    return file;
  }

  /** The file that `xfer` describes, if it is here: same place, size and modification time. */
  find(xfer: XferFile): ClientFile | undefined {
    return this.#byKey.get(fileKey(xfer))?.find(({ xfer: { stat } }) =>
      stat.sizeBytes === xfer.stat.sizeBytes &&
      Math.abs(stat.mtimeS - xfer.stat.mtimeS) <= SAME_MTIME_S
    );
  }

  /** The client was told that the file is here already: a job will come for it. */
  touch(file: ClientFile, nowMs: number): void {
    const { awaitedUntilMs, permanent } = file;
    if (permanent) return;
    awaitedUntilMs.push(nowMs + UNCLAIMED_MS);
    // A client that only ever asks would have them pile up; the latest one keeps the file.
    while (awaitedUntilMs.length > MAX_AWAITED) awaitedUntilMs.shift();
  }

  /** A file was not taken. */
  refused(reason: string): void {
    this.#lastRefusal = reason;
  }

  /** Why files of this computation are missing, where it is known, to be told behind that. */
  get refusal(): string {
    return this.#lastRefusal === null ? "" : `; the last that was refused: ${this.#lastRefusal}`;
  }

  /** A job needs these files. */
  claim(files: readonly ClientFile[]): void {
    for (const file of files) {
      file.jobs++;
      file.awaitedUntilMs.shift();
    }
  }

  /** The file that `xfer` describes is not what it should be: as if it had never come. */
  async discard(xfer: XferFile): Promise<void> {
    const file = this.find(xfer);
    if (file === undefined || file.jobs > 0) return;
    this.#forget(file);
    await file.kept.remove();
  }

  /** How many files somebody else has removed. */
  async countGone(): Promise<number> {
    let gone = 0;
    for (const { kept } of [...this.#byKey.values()].flat()) if (!await kept.isThere()) gone++;
    return gone;
  }

  /** A job needs these files no longer. */
  async release(files: readonly ClientFile[], nowMs: number): Promise<void> {
    for (const file of files) file.jobs--;
    await this.#removeUnneeded(files, nowMs);
  }

  /** Removes job files that no job has come for. */
  async sweep(nowMs: number): Promise<void> {
    await this.#removeUnneeded([...this.#byKey.values()].flat(), nowMs);
  }

  /** Removes all files; the computation is over, and none are added any more. */
  async clear(): Promise<void> {
    this.#isOver = true;
    const all = [...this.#byKey.values()].flat();
    this.#byKey.clear();
    for (const file of all) {
      file.holding.release();
      this.recorder?.removed(file);
    }
    await removeAll(all);
  }

  async #removeUnneeded(files: readonly ClientFile[], nowMs: number): Promise<void> {
    const unneeded = files.filter((file) => !isNeeded(file, nowMs) && this.#forget(file));
    await removeAll(unneeded);
  }

  /** Takes a file out; returns whether it was there. */
  #forget(file: ClientFile): boolean {
    const key = fileKey(file.xfer);
    const files = this.#byKey.get(key);
    const at = files?.indexOf(file) ?? -1;
    if (files === undefined || at < 0) return false;
    files.splice(at, 1);
    if (files.length === 0) this.#byKey.delete(key);
    file.holding.release();
    this.recorder?.removed(file);
    return true;
  }
}

function isNeeded({ permanent, jobs, awaitedUntilMs }: ClientFile, nowMs: number): boolean {
  return permanent || jobs > 0 || awaitedUntilMs.some((untilMs) => untilMs > nowMs);
}

/**
 * Removes files; those that can be, where others cannot.
 *
 * @throws what the first of these has thrown
 */
async function removeAll(files: readonly ClientFile[]): Promise<void> {
  const failures: unknown[] = [];
  for (const { kept } of files) await kept.remove().catch((error) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

/** Where a node puts the file, below its folder for the computation. */
function fileKey(xfer: XferFile): string {
  const baseName = xfer.name.slice(xfer.name.lastIndexOf(xfer.sep) + 1);
  return `${xfer.destPath.replaceAll(xfer.sep, "/")}/${baseName}`;
}
