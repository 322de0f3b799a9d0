/**
 * SQLite's write-ahead log, read as its file format says, before SQLite opens it.
 *
 * SQLite stops at the first frame whose checksum is wrong, takes all behind it for what a power
 * failure has left, and overwrites it. That is right for a commit that was cut off, but a single bit
 * that has changed drops everything behind it without a word. So this looks on: a changed bit is found
 * again by means of the checksums, which leave no doubt about which it is, and commits behind frames
 * that cannot be mended are counted.
 *
 * @module
 */

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/** All but the lowest bit, which says whether checksums are made of big-endian words. */
const MAGIC = 0x377f0682;

const VERSION = 3007000;

/** Of a frame's header: page number and, at the end of a commit, the size of the database. */
const CHECKED_BYTES = 8;

/** A byte that was damaged, and what it must be. */
export interface Mend {
  readonly at: number;
  readonly byte: number;
}

/** What there is to say of a log. */
export interface LogFindings {
  readonly mends: readonly Mend[];
  /** From where it cannot be read any more, although more was written; `null` = there is no such. */
  readonly damagedAt: number | null;
  /** How many commits are whole behind that. */
  readonly commitsBehind: number;
}

/** A running checksum. */
type Sum = readonly [first: number, second: number];

const ZERO: Sum = [0, 0];

/**
 * A bit that may have changed: in which part of what is checked, -1 = in the checksum itself. Of the
 * high bits of words, several can explain the same checksum.
 */
interface ChangedBit {
  readonly part: number;
  readonly at: number;
  readonly mask: number;
}

/** No page has so high a number, nor a database so many pages: these would be 32 GiB. */
const MAX_PAGES = 2 ** 23;

/** Reads a log; what can be mended counts as if it was. */
export function examineLog(file: Deno.FsFile): LogFindings {
  const log = new Log(file);
  const header = log.bytes(0, HEADER_BYTES);
  if (header === null) return { mends: [], damagedAt: null, commitsBehind: 0 };
  if (!log.begin(header)) return { mends: [], damagedAt: 0, commitsBehind: 0 };
  let end = 0;
  while (log.take(end)) end++;
  const damaged = log.guessedInVain() ?? end;
  const commitsBehind = log.countCommits(damaged);
  const damagedAt = commitsBehind > 0 ? log.offsetOf(damaged) : null;
  const mends = log.mends.filter(({ at }) => at < log.offsetOf(damaged));
  return { mends, damagedAt, commitsBehind };
}

/** Writes into a log what {@linkcode examineLog} has found, and brings it to the disk. */
export function mendLog(file: Deno.FsFile, mends: readonly Mend[]): void {
  for (const { at, byte } of mends) {
    file.seekSync(at, Deno.SeekMode.Start);
    file.writeSync(Uint8Array.of(byte));
  }
  if (mends.length > 0) file.syncSync();
}

class Log {
  readonly mends: Mend[] = [];
  readonly #sizeBytes: number;
  #pageBytes = 0;
  #isLittleEndian = true;
  /** What stands in each frame of this run of the log: two random numbers. */
  #salts: Uint8Array = new Uint8Array(0);
  /** Over all frames up to now. */
  #sum: Sum = ZERO;
  /** Where each page stands for the last time, in commits that are whole. */
  readonly #lastOfPage = new Map<number, number>();
  readonly #uncommitted = new Map<number, number>();
  /** Frames in which one of several bits has changed. */
  readonly #guesses: { readonly index: number; readonly page: number }[] = [];

  constructor(private readonly file: Deno.FsFile) {
    this.#sizeBytes = file.statSync().size;
  }

  /** Reads the log's header; tells whether it is one. */
  begin(header: Uint8Array): boolean {
    if (this.#isHeader(header)) return true;
    // The bit that has changed may be the one that says how words are read.
    for (const isLittleEndian of [true, false]) {
      this.#isLittleEndian = isLittleEndian;
      const body = header.subarray(0, HEADER_BYTES - 8);
      for (const { part, at, mask } of this.#changedBits([body], ZERO, sumIn(header, 24))) {
        const mended = header.slice();
        const byteAt = part === -1 ? 24 + at : at;
        mended[byteAt]! ^= mask;
        // Of several, it is the one that the first frame fits.
        if (!this.#isHeader(mended) || !this.#isNext(0, this.#sum)) continue;
        this.mends.push({ at: byteAt, byte: mended[byteAt]! });
        return true;
      }
    }
    return false;
  }

  #isHeader(header: Uint8Array): boolean {
    const view = viewOf(header);
    const magic = view.getUint32(0);
    if (magic >>> 1 !== MAGIC >>> 1 || view.getUint32(4) !== VERSION) return false;
    this.#isLittleEndian = (magic & 1) === 0;
    this.#sum = sumIn(header, 24);
    this.#pageBytes = view.getUint32(8);
    this.#salts = header.slice(16, 24);
    return isEqual(this.#sumOf([header.subarray(0, HEADER_BYTES - 8)], ZERO), this.#sum);
  }

  offsetOf(index: number): number {
    return HEADER_BYTES + index * (FRAME_HEADER_BYTES + this.#pageBytes);
  }

  /** Takes the next frame into account; tells whether it is one of this run, and whole. */
  take(index: number): boolean {
    const frame = this.#frame(index);
    if (frame === null) return false;
    const salts = frame.subarray(8, 16);
    const saltBits = differingBits(salts, this.#salts);
    const stored = sumIn(frame, 16);
    const sum = this.#sumOf(partsOf(frame), this.#sum);
    const offset = this.offsetOf(index);
    if (isEqual(sum, stored)) {
      if (saltBits > 1) return false;
      if (saltBits === 1) {
        const at = salts.findIndex((byte, at) => byte !== this.#salts[at]);
        this.mends.push({ at: offset + 8 + at, byte: this.#salts[at]! });
      }
    } else {
      if (saltBits > 0) return false;
      const bit = this.#changedBitOf(index, frame, sum);
      if (bit === null) return false;
      const at = bit.at + [16, 0, FRAME_HEADER_BYTES][bit.part + 1]!;
      frame[at]! ^= bit.mask;
      this.mends.push({ at: offset + at, byte: frame[at]! });
    }
    this.#sum = sumIn(frame, 16);
    const view = viewOf(frame);
    this.#uncommitted.set(view.getUint32(0), index);
    if (view.getUint32(4) !== 0) {
      for (const [page, at] of this.#uncommitted) this.#lastOfPage.set(page, at);
      this.#uncommitted.clear();
    }
    return true;
  }

  /** The bit of a frame that has changed; `null` where it was more than one. */
  #changedBitOf(index: number, frame: Uint8Array, sum: Sum): ChangedBit | null {
    const stored = sumIn(frame, 16);
    const bits = this.#changedBits(partsOf(frame), this.#sum, stored);
    const page = viewOf(frame).getUint32(0);
    const isPlausible = page < MAX_PAGES && viewOf(frame).getUint32(4) < MAX_PAGES;
    const ofData = bits.filter(({ part, at, mask }) => {
      if (part === 1) return isPlausible;
      // A mend must not make a number implausible; only high bits have rivals.
      return part === 0 && (bits.length === 1 || (!isPlausible && (frame[at]! & mask) !== 0));
    });
    const ofSum = bits.filter(({ part }) => part === -1);
    // The next frame goes on from the sum as it is, or as it was.
    if (ofSum.length > 0 && (ofData.length === 0 || this.#isNext(index + 1, sum))) return ofSum[0]!;
    if (ofSum.length > 0 && !this.#isNext(index + 1, stored)) return null;
    // Which of several it is does not matter, if the page has come again.
    if (ofData.length > 1) this.#guesses.push({ index, page });
    return ofData[0] ?? null;
  }

  /** The first frame of which it is not known how to mend it, although a mend was made. */
  guessedInVain(): number | null {
    const vain = this.#guesses.find(({ index, page }) => !(this.#lastOfPage.get(page)! > index));
    return vain?.index ?? null;
  }

  /** Whether the frame at `index` is the next one behind such a sum. */
  #isNext(index: number, sum: Sum): boolean {
    const frame = this.#frame(index);
    return frame !== null && differingBits(frame.subarray(8, 16), this.#salts) === 0 &&
      isEqual(this.#sumOf(partsOf(frame), sum), sumIn(frame, 16));
  }

  /** How many commits of this run end behind the frame at `index`, with frames that are whole. */
  countCommits(index: number): number {
    let commits = 0;
    let before = this.#frame(index);
    while (before !== null) {
      const frame = this.#frame(++index);
      if (
        frame !== null && viewOf(frame).getUint32(4) !== 0 &&
        differingBits(frame.subarray(8, 16), this.#salts) === 0 &&
        isEqual(this.#sumOf(partsOf(frame), sumIn(before, 16)), sumIn(frame, 16))
      ) commits++;
      before = frame;
    }
    return commits;
  }

  /** So many bytes; `null` where there are not so many. */
  bytes(at: number, count: number): Uint8Array | null {
    if (at + count > this.#sizeBytes) return null;
    const bytes = new Uint8Array(count);
    this.file.seekSync(at, Deno.SeekMode.Start);
    for (let got = 0; got < count;) {
      const more = this.file.readSync(bytes.subarray(got));
      if (more === null) return null;
      got += more;
    }
    return bytes;
  }

  #frame(index: number): Uint8Array | null {
    return this.bytes(this.offsetOf(index), FRAME_HEADER_BYTES + this.#pageBytes);
  }

  /** All bits of which one has changed, if it was one. */
  #changedBits(parts: readonly Uint8Array[], before: Sum, stored: Sum): ChangedBit[] {
    const sum = this.#sumOf(parts, before);
    const difference: Sum = [(stored[0] - sum[0]) | 0, (stored[1] - sum[1]) | 0];
    const found = changedBitOfSum(sum, stored);
    // What 1 more in the first, and in the second word of a pair makes of the sum at the end.
    let ofFirst: Sum = [1, 1];
    let ofSecond: Sum = [0, 1];
    for (let part = parts.length - 1; part >= 0; part--) {
      const bytes = parts[part]!;
      const view = viewOf(bytes);
      for (let at = bytes.length - 8; at >= 0; at -= 8) {
        for (const [wordAt, effect] of [[at, ofFirst], [at + 4, ofSecond]] as const) {
          const bit = bitOf(effect, difference, view.getInt32(wordAt, this.#isLittleEndian));
          if (bit === null) continue;
          const byte = this.#isLittleEndian ? bit >> 3 : 3 - (bit >> 3);
          found.push({ part, at: wordAt + byte, mask: 1 << (bit & 7) });
        }
        ofFirst = next(ofFirst);
        ofSecond = next(ofSecond);
      }
    }
    return found;
  }

  #sumOf(parts: readonly Uint8Array[], [first, second]: Sum): Sum {
    for (const bytes of parts) {
      const view = viewOf(bytes);
      for (let at = 0; at < bytes.length; at += 8) {
        first = (first + view.getInt32(at, this.#isLittleEndian) + second) | 0;
        second = (second + view.getInt32(at + 4, this.#isLittleEndian) + first) | 0;
      }
    }
    return [first, second];
  }
}

/** What two more words of zero make of a sum, and so of a difference. */
function next([first, second]: Sum): Sum {
  const sum = (first + second) | 0;
  return [sum, (sum + second) | 0];
}

/** The bit of `word` whose change makes that difference; `null` = none does. */
function bitOf(effect: Sum, difference: Sum, word: number): number | null {
  for (let bit = 0; bit < 32; bit++) {
    const isSet = (word >>> bit & 1) === 1;
    const [first, second] = isSet ? [-effect[0], -effect[1]] : effect;
    if (first << bit === difference[0] && second << bit === difference[1]) return bit;
  }
  return null;
}

/** The bit in which the stored checksum, which is big-endian, differs, if it is one. */
function changedBitOfSum(sum: Sum, stored: Sum): ChangedBit[] {
  const [expected, found] = [sum, stored].map((each) => {
    const bytes = new Uint8Array(8);
    for (const index of [0, 1] as const) viewOf(bytes).setInt32(4 * index, each[index]);
    return bytes;
  }) as [Uint8Array, Uint8Array];
  if (differingBits(expected, found) !== 1) return [];
  const at = expected.findIndex((byte, at) => byte !== found[at]);
  return [{ part: -1, at, mask: expected[at]! ^ found[at]! }];
}

function differingBits(a: Uint8Array, b: Uint8Array): number {
  let bits = 0;
  for (let at = 0; at < a.length; at++) {
    for (let left = a[at]! ^ b[at]!; left !== 0; left &= left - 1) bits++;
  }
  return bits;
}

/** What a frame's checksum covers. */
function partsOf(frame: Uint8Array): readonly [Uint8Array, Uint8Array] {
  return [frame.subarray(0, CHECKED_BYTES), frame.subarray(FRAME_HEADER_BYTES)];
}

/** The checksum that stands at such a place. */
function sumIn(bytes: Uint8Array, at: number): Sum {
  const view = viewOf(bytes);
  return [view.getInt32(at), view.getInt32(at + 4)];
}

function isEqual(a: Sum, b: Sum): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
