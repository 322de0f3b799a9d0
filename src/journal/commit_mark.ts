/**
 * How many commits a journal has had, in a file beside it: a log that has lost its end looks like one
 * that never had it.
 *
 * It is written after each commit, before anybody is told of it, and is not brought to the disk for
 * itself: after a power failure it may be behind the journal, which does no harm.
 *
 * @module
 */

import { crc32 } from "node:zlib";

/** What has been committed, in numbers. */
export interface CommitCounts {
  readonly commits: number;
  /** How often a job was noted as being at a node. */
  readonly places: number;
}

/** Stands at the beginning of each slot. */
const MAGIC = 0x64636d31;

/** Magic, both counts, checksum. */
const SLOT_BYTES = 24;

/** One slot is written while the other stays; no two are in the same sector of a disk. */
const SLOT_DISTANCE_BYTES = 4096;

/** See the module's description. */
export class CommitMark {
  private constructor(
    private readonly file: Deno.FsFile,
    /** As of the last run; `null` = there is no mark, or none that can be read. */
    readonly found: CommitCounts | null,
  ) {}

  /** Opens the mark at `path`, which is made where there is none. */
  static open(path: string): CommitMark {
    const file = Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 });
    const slots = [0, 1].map((slot) => readSlot(file, slot)).filter((counts) => counts !== null);
    slots.sort((a, b) => b.commits - a.commits);
    return new CommitMark(file, slots[0] ?? null);
  }

  /** Notes what has been committed up to now. */
  write({ commits, places }: CommitCounts): void {
    const slot = new Uint8Array(SLOT_BYTES);
    const view = new DataView(slot.buffer);
    view.setUint32(0, MAGIC);
    view.setFloat64(4, commits);
    view.setFloat64(12, places);
    view.setUint32(20, crc32(slot.subarray(0, 20)));
    this.file.seekSync((commits % 2) * SLOT_DISTANCE_BYTES, Deno.SeekMode.Start);
    this.file.writeSync(slot);
  }

  close(): void {
    this.file.close();
  }
}

function readSlot(file: Deno.FsFile, slot: number): CommitCounts | null {
  const bytes = new Uint8Array(SLOT_BYTES);
  file.seekSync(slot * SLOT_DISTANCE_BYTES, Deno.SeekMode.Start);
  if (file.readSync(bytes) !== SLOT_BYTES) return null;
  const view = new DataView(bytes.buffer);
  if (view.getUint32(0) !== MAGIC) return null;
  if (view.getUint32(20) !== crc32(bytes.subarray(0, 20))) return null;
  return { commits: view.getFloat64(4), places: view.getFloat64(12) };
}
