/**
 * What a peer speaks: dispy's protocol as of the peer's release, and the pickles that its Python
 * can read.
 *
 * dispy never gave its protocol a number. Peers announce their release (`version` in `PING:`,
 * `PONG:`, `CLIENT:`), and what changed when is known; {@linkcode dialectOf} turns one into the
 * other. Whoever writes to a peer takes the {@linkcode Dialect} of that peer and hands it to the
 * encoder as its last argument:
 *
 * ```ts
 * import { dialectOf, encodeToNode } from "./mod.ts";
 * const dialect = dialectOf("4.10.6");
 * encodeToNode({ kind: "JOBS", computeId: 1, auth: "…" }, dialect);
 * ```
 *
 * An encoder that gets none writes for {@linkcode CURRENT_DIALECT}. Decoders need none: they take
 * what any release writes, and give it the one form that the rest of the program knows. A release
 * that is not known speaks like the nearest one before it.
 *
 * @module
 */

/** The pickle protocol that every Python 3 of the last ten years reads. */
export const PYTHON3_PICKLES = 4;

/** What a peer speaks. Plain data: it can be compared, copied with changes, and written down. */
export interface Dialect {
  /** The release that the peer announced, such as `4.10.6`; `null` where it has told none. */
  readonly release: string | null;
  /** Peers of one generation work together; the scheduler translates between their releases. */
  readonly generation: Generation;
  /** Highest pickle protocol that the peer's Python reads: 2 for Python 2.7, 4 up to 3.7, 5 after. */
  readonly pickleProtocol: number;
  /** What `_Compute.xfer_files` is. */
  readonly xferFiles: "list" | "set";
  /** What the entries of `node_allocs` in a client's `COMPUTE:` are. */
  readonly nodeAllocs: "dicts" | "tuples";
  /** `_Compute.setup` and `.cleanup`: names of functions, or `_Function` objects with arguments. */
  readonly functions: "names" | "objects";
  /**
   * The body of `SETUP:`: a dict with the arguments, or the bare id; nodes that want it where there
   * is a setup function only close the connection otherwise.
   */
  readonly setup: "dict" | "id" | "id_where_needed";
  /** What a node answers to `COMPUTE:`: all CPUs that it offers, or those that are free (also 0). */
  readonly computeAnswer: "all_cpus" | "free_cpus";
  /** Names of a job's slots: `_args` and `_kwargs`, or `args` and `kwargs`. */
  readonly jobSlots: "_args" | "args";
  /** How `PULSE:` travels: by TCP with an answer, or as datagrams to and fro. */
  readonly pulses: "tcp" | "datagram";
  /** Whether a client takes a reply without a result; all take one with the pickle of None. */
  readonly readsNoResult: boolean;
  /** The answer to a client's `SET_NODE_CPUS:`: a status, or the node's address with its CPUs. */
  readonly cpusAnswer: "status" | "pair";
  /** Whether a node answers `JOBS:`, which lets a scheduler ask instead of guess. */
  readonly tellsJobs: boolean;
  /** Whether a node's jobs live on when they get SIGTERM. */
  readonly jobsOutliveSigterm: boolean;
  /** Whether a client wants to hear that a node's CPUs have changed. */
  readonly hearsCpus: boolean;
  /** Shortest pulse interval, in seconds, that a client takes without an error. */
  readonly minPulseIntervalS: number;
}

/**
 * Releases whose clients and nodes can be mixed, as people call them. What was changed in
 * 4.11 goes beyond form: functions of a computation, its files, and where nodes reach the client.
 */
export type Generation = "dispy ≤ 4.10" | "dispy ≥ 4.11";

/** The release that is announced to peers that have not announced theirs. */
export const CURRENT_RELEASE = "4.15.2";

/** A release as numbers. */
export type ReleaseNumbers = readonly [major: number, minor: number, patch: number];

/** The numbers of a release; `null` where `release` is none of dispy's. */
export function parseRelease(release: string): ReleaseNumbers | null {
  const parts = /^(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?:\.\d{1,4})?$/.exec(release);
  return parts === null ? null : [Number(parts[1]), Number(parts[2]), Number(parts[3] ?? 0)];
}

/** The dialect of today's dispy, and that of peers that say nothing of themselves. */
export const CURRENT_DIALECT: Dialect = dialectOf(CURRENT_RELEASE);

/**
 * The dialect of a release.
 *
 * @param release As the peer announced it; one that cannot be read counts as today's.
 * @param pickleProtocol What the peer's Python reads, where that is known.
 */
export function dialectOf(
  release: string | null,
  pickleProtocol: number = PYTHON3_PICKLES,
): Dialect {
  const numbers = release === null ? null : parseRelease(release);
  const since = (...first: ReleaseNumbers): boolean =>
    numbers === null || !isBefore(numbers, first);
  return {
    release,
    generation: since(4, 11, 0) ? "dispy ≥ 4.11" : "dispy ≤ 4.10",
    pickleProtocol,
    xferFiles: since(4, 11, 0) ? "list" : "set",
    nodeAllocs: since(4, 11, 0) ? "dicts" : "tuples",
    functions: since(4, 11, 0) ? "names" : "objects",
    setup: since(4, 11, 0) ? "dict" : since(4, 10, 0) ? "id" : "id_where_needed",
    computeAnswer: since(4, 15, 1) ? "all_cpus" : "free_cpus",
    jobSlots: since(4, 7, 0) ? "_args" : "args",
    pulses: since(4, 7, 0) ? "tcp" : "datagram",
    readsNoResult: since(4, 11, 0),
    cpusAnswer: since(4, 10, 1) && !since(4, 11, 0) ? "pair" : "status",
    tellsJobs: since(4, 7, 0),
    jobsOutliveSigterm: !since(4, 7, 0),
    hearsCpus: since(4, 11, 0),
    minPulseIntervalS: since(4, 12, 0) ? 0.1 : 1,
  };
}

/** Whether a release is older than another. */
export function isBefore(a: ReleaseNumbers, b: ReleaseNumbers): boolean {
  for (let i = 0; i < b.length; i++) {
    if (a[i] !== b[i]) return a[i]! < b[i]!;
  }
  return false;
}
