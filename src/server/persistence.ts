/**
 * How what the server knows is written into the journal, and taken up by a later run: clients'
 * computations and files, jobs, results, and nodes as far as the core keeps them.
 *
 * @module
 */

import { Core, earliestJob, onRestored, type Snapshot } from "../core/mod.ts";
import type { JournalLoss } from "../journal/completeness.ts";
import { CoreJournal, type PayloadReader, readSnapshot } from "../journal/core_journal.ts";
import type { Database, Key } from "../journal/database.ts";
import { pack, type Packable, unpack } from "../journal/packing.ts";
import { UnusableJournalError } from "../journal/sqlite_errors.ts";
import { messageOf } from "../log/error_message.ts";
import { dumpChunks, dumps } from "../pickle/mod.ts";
import type { DiskStore } from "../store/disk_store.ts";
import {
  decodeCompute,
  decodeNodeAllocSpec,
  decodePickle,
  decodeXferFile,
  dialectOf,
  encodeCompute,
  encodeNodeAllocSpec,
  encodeXferFile,
  type JobReply,
  type NodeAllocSpec,
  withoutFieldLimits,
  type XferFile,
} from "../wire/mod.ts";
import { asSafeInt, requireDict, toOptionalInt } from "../wire/fields.ts";
import type { Computation, Computations } from "./computation.ts";
import type { ClusterTerms } from "./cluster_terms.ts";
import { type ClientFile, type FileRecorder, FileSet } from "./file_set.ts";
import type { JobPayload } from "./job_payload.ts";
import {
  type FileReference,
  type KeptPayload,
  type PayloadForm,
  type PayloadKeeper,
  totalBytes,
} from "./kept_payload.ts";
import { computationSize, fileSize } from "./holding_sizes.ts";
import { COMPUTATION_FORM, headOf, JOB_FORM, RESULT_FORM } from "./payload_forms.ts";
import type { Quotas } from "./quotas.ts";

/** Where a scheduler's state is kept, and what an earlier run has left of it. */
export interface State {
  readonly database: Database;
  /** For files of clients. */
  readonly store: DiskStore;
  /** `null` once it was taken up. */
  legacy: Legacy | null;
}

/** What is kept of a computation beside the core's cluster. */
type PackedComputation = readonly [
  compute: Uint8Array,
  clientAuth: string,
  nodeAuth: string,
  hostname: string,
  port: number,
  schedulerIpAddr: string,
  terms: { readonly [K in keyof ClusterTerms]: number | null },
  /** The client's; absent in journals of versions of this program that knew of today's only. */
  release: string | null,
  /** Highest that the client's Python reads; absent there, too. */
  pickleProtocol: number,
  // What follows, the first version did not write.
  /** Where all of the computation is, if it is not here. */
  file: FileReference | null,
  /** Of one that is not: what is needed at any time. */
  head: Uint8Array | null,
  owner: string,
];

/** What a node of a node list is set up with. */
export interface SetupSpec extends NodeAllocSpec {
  /** Which of the arguments that are kept with the code are its; `null` = those that it has. */
  readonly argsAt: number | null;
}

/** What is kept of a file; its description is beside it. */
type PackedFile = readonly [
  clusterId: number,
  sizeBytes: number,
  permanent: boolean,
  sum: number | null,
];

/** What is kept of a job beside its arguments and the core's record. */
type PackedExtra = readonly [
  files: readonly number[],
  client: string,
  /** What the client is charged. */
  sizeBytes: number,
  /** How much memory the arguments would take. */
  keptBytes: number,
  /** Where the arguments are, if they are not here. */
  file: FileReference | null,
];

/** What is kept of a result beside the reply and the core's record. */
type PackedResultExtra = readonly [client: string, sizeBytes: number, file: FileReference | null];

/** Writes down what changes. */
export function journalOf(core: Core, computations: Computations): CoreJournal {
  return new CoreJournal(core, {
    computation: (cluster) => packComputation(computations.of(cluster)),
    setup: (setup) => {
      const spec = setup as SetupSpec;
      return dumps(encodeNodeAllocSpec(spec).set("args_at", toOptionalInt(spec.argsAt)));
    },
    job: (payload) => {
      const { kept, files, client, sizeBytes } = payload as JobPayload;
      const numbers = files.map(({ kept }) => kept.number);
      const { record } = kept;
      // Of that much, no job is taken without a file.
      if (record === null) throw new Error("a job is too long for the journal");
      const { bytes, file } = record;
      const extra: PackedExtra = [numbers, client, sizeBytes, kept.item.sizeBytes, file];
      return { bytes, extra };
    },
    reply: (payload) => {
      const { item, record } = payload as KeptPayload<JobReply>;
      if (record === null) return null;
      const extra: PackedResultExtra = [item.client, item.sizeBytes, record.file];
      return { bytes: record.bytes, extra };
    },
  });
}

/** Keeps account of the files of one computation. */
export function fileRecorder(journal: CoreJournal, clusterId: number): FileRecorder {
  return {
    added: ({ xfer, kept, permanent }) => {
      const packed: PackedFile = [clusterId, kept.sizeBytes, permanent, kept.sum];
      journal.put("file", kept.number, packed, dumps(encodeXferFile(xfer)));
    },
    removed: ({ kept }) => journal.delete("file", kept.number),
  };
}

/** What an earlier run has left of a computation beside the core's cluster and the files. */
type LegacyComputation =
  & Omit<Computation, "cluster" | "files" | "kept" | "holding">
  & { readonly keptBytes: number; readonly file: FileReference | null };

/** A file of a client, as an earlier run has left it. */
interface LegacyFile {
  readonly number: number;
  readonly clusterId: number;
  readonly sizeBytes: number;
  readonly permanent: boolean;
  readonly sum: number | null;
  readonly xfer: XferFile;
}

/** A job's payload, or that of a result (which has no files), left where it is. */
interface LegacyPayload {
  readonly key: Key;
  readonly client: string;
  readonly chargedBytes: number;
  readonly keptBytes: number;
  readonly file: FileReference | null;
  readonly fileNumbers: readonly number[];
}

/** What an earlier run has left, read and not taken up yet. */
export interface Legacy {
  /** Our sign, which peers know us by; `null` where there was no earlier run. */
  readonly sign: string | null;
  /** No id as high as this was given out. */
  readonly reservedIds: number;
  /** Addresses that nodes have. */
  readonly knownHosts: readonly string[];
  /** How many CPUs are used of nodes at most that somebody has limited, by address. */
  readonly cpuLimits: { readonly [ipAddr: string]: number };
  readonly files: readonly LegacyFile[];
  readonly computations: ReadonlyMap<number, LegacyComputation>;
  /** Payloads are {@linkcode LegacyPayload}s. */
  readonly snapshot: Snapshot;
  /** How many jobs may have been sent to nodes after that, as records are missing. */
  readonly lostStarts: number;
}

/**
 * Reads what an earlier run has left.
 *
 * @param loss What is missing of it.
 * @throws {UnusableJournalError} where it is not what this program writes
 */
export function readLegacy(database: Database, loss: JournalLoss | null = null): Legacy {
  // Earlier versions had no such limits: what they have taken is read as it is.
  return withoutFieldLimits(() => ({ ...readAll(database), lostStarts: loss?.places ?? 0 }));
}

function readAll(database: Database): Omit<Legacy, "lostStarts"> {
  try {
    const meta = new Map(
      Array.from(database.rows("meta"), ({ key, record }) => [key, unpack<Packable>(record)]),
    );
    const snapshot = readSnapshot(database, READER);
    tryOut(snapshot);
    return {
      sign: (meta.get("sign") ?? null) as string | null,
      reservedIds: (meta.get("reserved_ids") ?? 0) as number,
      knownHosts: (meta.get("known_hosts") ?? []) as string[],
      cpuLimits: (meta.get("cpu_limits") ?? {}) as Record<string, number>,
      files: Array.from(database.rows("file"), ({ key, record, payload }) => {
        // Earlier versions have written no checksum.
        const [clusterId, sizeBytes, permanent, sum = null] = unpack<PackedFile>(record);
        const xfer = decodeXferFile(decodePickle(payload!, "file in the journal"));
        return { number: key as number, clusterId, sizeBytes, permanent, sum, xfer };
      }),
      computations: new Map(
        Array.from(database.rows("cluster"), ({ key, payload }) => [
          key as number,
          unpackComputation(payload!),
        ]),
      ),
      snapshot,
    };
  } catch (error) {
    throw new UnusableJournalError(`what it holds cannot be read: ${messageOf(error)}`);
  }
}

/**
 * Restores a core that nobody uses: where records contradict each other, that shows before anything
 * depends on them.
 *
 * @throws where they do
 */
function tryOut(snapshot: Snapshot): void {
  const core = new Core({
    policy: earliestJob,
    pulseIntervalMs: null,
    zombieIntervalMs: null,
    cooperative: false,
    firstId: 1,
  });
  onRestored(core, snapshot, 0);
}

const READER: PayloadReader = {
  setup: (bytes): SetupSpec => {
    const what = "setup in the journal";
    const dict = requireDict(decodePickle(bytes, what), what);
    return { ...decodeNodeAllocSpec(dict), argsAt: asSafeInt(dict.get("args_at")) ?? null };
  },
  job: ({ key }, extra): LegacyPayload => {
    const [fileNumbers, client, chargedBytes, keptBytes, file] = extra as unknown as PackedExtra;
    return { key, client, chargedBytes, keptBytes, file, fileNumbers };
  },
  reply: ({ key }, extra): LegacyPayload => {
    const [client, keptBytes, file] = extra as unknown as PackedResultExtra;
    return { key, client, chargedBytes: 0, keptBytes, file, fileNumbers: [] };
  },
};

/** What an earlier run's state is taken up into. */
export interface Heir {
  readonly journal: CoreJournal;
  readonly computations: Computations;
  readonly quotas: Quotas;
  readonly payloads: PayloadKeeper;
  readonly store: DiskStore;
}

/** The numbers of all files of the store that `legacy` names and that are of any use. */
export function filesOf({ files, snapshot, computations }: Legacy): Set<number> {
  const isWanted = wantedIn(snapshot);
  const numbers = new Set(files.filter(isWanted).map(({ number }) => number));
  const kept = [...snapshot.jobs, ...snapshot.deliveries].map(({ payload }) =>
    payload as LegacyPayload | null
  );
  for (const each of [...kept, ...computations.values()]) {
    if (each?.file) numbers.add(each.file[0]);
  }
  return numbers;
}

/**
 * Which files have a computation that may still need them: the run may have ended between the end
 * of a computation and that of its files.
 */
function wantedIn({ clusters }: Snapshot): (file: LegacyFile) => boolean {
  const going = new Set(clusters.filter(({ state }) => state !== "closed").map(({ id }) => id));
  return ({ clusterId }) => going.has(clusterId);
}

/**
 * Fills a new core, and all that goes with it, with what an earlier run has left.
 *
 * @param files Those of the earlier run's that are there.
 */
export function takeUp(
  core: Core,
  legacy: Legacy,
  files: ReadonlySet<number>,
  heir: Heir,
  nowMs: number,
): void {
  const { journal, computations, quotas, payloads, store } = heir;
  const ownerOf = (clusterId: number) => legacy.computations.get(clusterId)!.owner;
  const fileSets = new Map<number, FileSet>();
  const filesOf = (clusterId: number) => {
    const files = fileSets.get(clusterId) ?? new FileSet(fileRecorder(journal, clusterId));
    fileSets.set(clusterId, files);
    return files;
  };
  const fileOf = new Map<number, ClientFile>();
  const needed = new Set(legacy.snapshot.jobs.flatMap(({ payload }) => fileNumbersOf(payload)));
  const isWanted = wantedIn(legacy.snapshot);
  for (const file of legacy.files) {
    const { number, clusterId, sizeBytes, permanent, sum, xfer } = file;
    if (!isWanted(file) || (!files.has(number) && !permanent && !needed.has(number))) {
      // It was removed, or about to be, and the run has ended before that was noted.
      journal.delete("file", number);
      continue;
    }
    const kept = store.reopen(number, sizeBytes, sum);
    const size = fileSize(sizeBytes, totalBytes(dumpChunks(encodeXferFile(xfer))));
    const holding = payloads.budget.hold(ownerOf(clusterId), size);
    fileOf.set(number, filesOf(clusterId).restore(xfer, kept, holding, permanent, nowMs));
  }
  const { snapshot } = legacy;
  const restored = <T>(
    form: PayloadForm<T>,
    payload: Pick<LegacyPayload, "key" | "keptBytes" | "file">,
    client: string,
  ) => {
    const { key, keptBytes: sizeBytes, file } = payload;
    if (file === null) return payloads.restore(form, { client, sizeBytes }, key, null);
    const [number, fileBytes, sum = null] = file;
    const kept = store.reopen(number, fileBytes);
    return payloads.restore(form, { client, sizeBytes }, key, { kept, sum });
  };
  const jobs = snapshot.jobs.map((record) => {
    const payload = record.payload as LegacyPayload;
    const { fileNumbers, client, chargedBytes: sizeBytes } = payload;
    const files = fileNumbers.flatMap((number) => fileOf.get(number) ?? []);
    for (const file of files) file.jobs++;
    quotas.add(client, sizeBytes);
    const kept = restored(JOB_FORM, payload, ownerOf(record.clusterId));
    return { ...record, payload: { kept, files, client, sizeBytes } satisfies JobPayload };
  });
  const deliveries = snapshot.deliveries.map((delivery) => ({
    ...delivery,
    payload: delivery.payload &&
      restored(RESULT_FORM, delivery.payload as LegacyPayload, ownerOf(delivery.clusterId)),
  }));
  journal.adopt(snapshot);
  onRestored(core, { ...snapshot, jobs, deliveries }, nowMs, (cluster) => {
    const { keptBytes, file, ...computation } = legacy.computations.get(cluster.id)!;
    const size = computationSize(computation.compute, cluster.allocations);
    computations.add({
      ...computation,
      cluster,
      files: filesOf(cluster.id),
      kept: restored(COMPUTATION_FORM, { key: cluster.id, keptBytes, file }, computation.owner),
      holding: payloads.budget.hold(computation.owner, size),
    });
  }, legacy.lostStarts);
}

function fileNumbersOf(payload: unknown): readonly number[] {
  return (payload as LegacyPayload).fileNumbers;
}

function packComputation(computation: Computation): Uint8Array {
  const { compute, kept, clientAuth, nodeAuth, client, schedulerIpAddr, terms, dialect } =
    computation;
  const { record } = kept;
  // Of that much, none is taken without a file.
  if (record === null) throw new Error("a computation is too long for the journal");
  const packed: PackedComputation = [
    record.bytes,
    clientAuth,
    nodeAuth,
    client.hostname,
    client.port,
    schedulerIpAddr,
    { ...terms },
    dialect.release,
    dialect.pickleProtocol,
    record.file,
    record.file === null ? null : dumps(encodeCompute(compute)),
    computation.owner,
  ];
  return pack(packed);
}

function unpackComputation(payload: Uint8Array): LegacyComputation {
  const packed = unpack<PackedComputation>(payload);
  const [all, clientAuth, nodeAuth, hostname, port, schedulerIpAddr, terms] = packed;
  const [, , , , , , , release, pickleProtocol, file = null, head = null, owner = hostname] =
    packed;
  // All of it is left where it is until a node needs it.
  const compute = head === null
    ? headOf(COMPUTATION_FORM.decode(all).compute)
    : decodeCompute(decodePickle(head, "computation in the journal"));
  return {
    compute,
    clientAuth,
    nodeAuth,
    client: { hostname, port },
    owner,
    schedulerIpAddr,
    terms: terms as unknown as ClusterTerms,
    dialect: dialectOf(release ?? null, pickleProtocol),
    keptBytes: file === null ? all.length : file[1],
    file,
  };
}
