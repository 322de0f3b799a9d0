/**
 * The core's state as rows of the journal, and back.
 *
 * A commit writes what the core has noted as changed as it is at that moment, however often it
 * has changed since the last one. So the journal always holds the state of one moment, and a job
 * that comes and goes between two commits costs nothing.
 *
 * @module
 */

import {
  Cluster,
  type ClusterRecord,
  clusterRecord,
  type Core,
  type Delivery,
  type DeliveryRecord,
  deliveryRecord,
  Job,
  type JobPlaceRecord,
  jobPlaceRecord,
  jobRecord,
  Node,
  type NodeRecord,
  nodeRecord,
  Outcome,
  PROVISIONAL_STATUS,
  type Recorded,
  Share,
  type ShareRecord,
  shareRecord,
  type Snapshot,
} from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import type { Change, Database, Key, Row, Table } from "./database.ts";
import { pack, type Packable, unpack } from "./packing.ts";

const log = getLogger("journal");

/** So many ids are reserved at a time, so that no later run gives one out again. */
const RESERVED_IDS = 1_000_000;

/** Writes down what the server has put into the core's `unknown`s. */
export interface PayloadWriter {
  /** All that the server knows of a cluster. Asked for once. */
  computation(cluster: Cluster): Uint8Array;
  /** What a node of an allocation is set up with. */
  setup(setup: unknown): Uint8Array;
  /** What is needed to run a job: bytes, and what else there is to know. */
  job(payload: unknown): { readonly bytes: Uint8Array; readonly extra: Packable };
  /** A node's reply: bytes, and what else there is to know; `null` = it is too long for a row. */
  reply(payload: unknown): { readonly bytes: Uint8Array; readonly extra: Packable } | null;
}

/** Reads back what a {@linkcode PayloadWriter} has written. */
export interface PayloadReader {
  setup(bytes: Uint8Array): unknown;
  /** The payload need not be looked at: where there are many, they are better left alone. */
  job(row: Row, extra: Packable): unknown;
  /** The same of a result that has one. */
  reply(row: Row, extra: Packable): unknown;
}

type PackedJob = readonly [number, string, number, string | null, number, Packable];
type PackedPlace = readonly [string, string, boolean, number, boolean];
type PackedResult = readonly [
  clusterId: number,
  uid: number,
  hash: string,
  nodeIpAddr: string | null,
  status: number,
  reason: string | null,
  startTimeMs: number,
  createdMs: number,
  /** `null` = there is no payload. */
  extra: Packable,
];
type PackedCluster = Omit<ClusterRecord, "allocations"> & {
  readonly allocations: readonly {
    readonly pattern: string;
    readonly port: number | null;
    readonly cpus: number;
    readonly setup: Uint8Array;
  }[];
};

/** Turns what the core and the server note into changes of rows. */
export class CoreJournal {
  /** Keys that there are rows of, so that what was never written need not be deleted. */
  readonly #present = new Map<Table, Set<Key>>();
  #changes: Change[] = [];
  #reservedIds = 0;

  constructor(private readonly core: Core, private readonly write: PayloadWriter) {}

  /** Takes note of the rows that an earlier run has left. */
  adopt(snapshot: Snapshot): void {
    for (const { id } of snapshot.clusters) this.#keysOf("cluster").add(id);
    for (const { uid } of snapshot.jobs) this.#keysOf("job").add(uid);
    for (const { uid } of snapshot.places) this.#keysOf("job_place").add(uid);
    for (const { id } of snapshot.deliveries) this.#keysOf("result").add(id);
  }

  /** Notes a row that is not the core's. */
  put(table: Table, key: Key, record: Packable, payload: Uint8Array | null = null): void {
    this.#changes.push({ kind: "put", table, key, record: pack(record), payload });
  }

  /** Notes that such a row can go. */
  delete(table: Table, key: Key): void {
    this.#changes.push({ kind: "delete", table, key });
  }

  /** All changes since the last call. */
  collect(): Change[] {
    for (const thing of this.core.takeChanges()) this.#collect(thing);
    if (this.core.nextId > this.#reservedIds && this.#changes.length > 0) {
      this.#reservedIds = this.core.nextId + RESERVED_IDS;
      this.put("meta", "reserved_ids", this.#reservedIds);
    }
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  #collect(thing: Recorded): void {
    if (thing instanceof Job) this.#job(thing);
    else if (thing instanceof Cluster) this.#cluster(thing);
    else if (thing instanceof Share) this.#share(thing);
    else if (thing instanceof Node) this.#node(thing);
    else this.#result(thing);
  }

  #job(job: Job): void {
    const { uid } = job;
    const record = jobRecord(this.core, job);
    if (record === null) {
      this.#remove("job", uid);
      this.#remove("job_place", uid);
      return;
    }
    if (!this.#keysOf("job").has(uid)) {
      const { clusterId, hash, seq, pinnedTo, submitTimeMs } = record;
      const { bytes, extra } = this.write.job(job.payload);
      this.#set("job", uid, [clusterId, hash, seq, pinnedTo, submitTimeMs, extra], bytes);
    }
    const place = jobPlaceRecord(this.core, job);
    if (place === null) return this.#remove("job_place", uid);
    const { nodeIpAddr, runHash, isRunning, startTimeMs, cancelRequested } = place;
    this.#set("job_place", uid, [nodeIpAddr, runHash, isRunning, startTimeMs, cancelRequested]);
  }

  #cluster(cluster: Cluster): void {
    const { id } = cluster;
    const record = clusterRecord(this.core, cluster);
    if (record === null) return this.#remove("cluster", id);
    const allocations = record.allocations.map(({ pattern, port, cpus, setup }) => ({
      pattern,
      port,
      cpus,
      setup: this.write.setup(setup),
    }));
    const isNew = !this.#keysOf("cluster").has(id);
    const terms = { ...record.terms };
    const packed = { ...record, terms, allocations };
    this.#set("cluster", id, packed, isNew ? this.write.computation(cluster) : null);
  }

  #share(share: Share): void {
    const key = `${share.cluster.id} ${share.node.ipAddr}`;
    const record = shareRecord(this.core, share);
    if (record !== null) this.#set("share", key, { ...record });
    // Another share of the same node may have taken its place.
    else if (!share.cluster.shares.has(share.node.ipAddr)) this.#remove("share", key, false);
    else if (!this.core.clusters.has(share.cluster.id)) this.#remove("share", key, false);
  }

  #node(node: Node): void {
    const record = nodeRecord(this.core, node);
    if (record !== null) this.#set("node", node.ipAddr, { ...record, info: { ...record.info } });
    else if (!this.core.nodes.has(node.ipAddr)) this.#remove("node", node.ipAddr, false);
  }

  #result(delivery: Delivery): void {
    const { id } = delivery;
    const record = deliveryRecord(this.core, delivery);
    if (record === null) return this.#remove("result", id);
    if (this.#keysOf("result").has(id)) return;
    const { clusterId, uid, hash, nodeIpAddr, startTimeMs, createdMs } = record;
    let { status, reason } = record;
    const reply = delivery.payload === null ? null : this.write.reply(delivery.payload);
    if (delivery.payload !== null && reply === null) {
      if (status === PROVISIONAL_STATUS) return;
      reason = "its result was too large to be kept over a restart";
      log.warning("a result is lost if the scheduler ends now", { job: uid, reason });
      status = Outcome.Abandoned;
    }
    const packed: PackedResult = [
      ...[clusterId, uid, hash, nodeIpAddr, status, reason, startTimeMs, createdMs] as const,
      reply?.extra ?? null,
    ];
    this.#set("result", id, packed, reply?.bytes ?? null);
  }

  #set(table: Table, key: Key, record: Packable, payload: Uint8Array | null = null): void {
    this.#keysOf(table).add(key);
    this.put(table, key, record, payload);
  }

  #remove(table: Table, key: Key, onlyPresent = true): void {
    if (this.#keysOf(table).delete(key) || !onlyPresent) this.delete(table, key);
  }

  #keysOf(table: Table): Set<Key> {
    let keys = this.#present.get(table);
    if (keys === undefined) this.#present.set(table, keys = new Set());
    return keys;
  }
}

/** Reads what an earlier run has left of the core's state. */
export function readSnapshot(database: Pick<Database, "rows">, read: PayloadReader): Snapshot {
  return {
    nodes: rowsOf<NodeRecord>(database, "node"),
    clusters: rowsOf<PackedCluster>(database, "cluster").map((packed) => ({
      ...packed,
      allocations: packed.allocations.map((allocation) => ({
        ...allocation,
        setup: read.setup(allocation.setup),
      })),
    })),
    shares: rowsOf<ShareRecord>(database, "share"),
    jobs: Array.from(database.rows("job"), (row) => {
      const { key, record } = row;
      const [clusterId, hash, seq, pinnedTo, submitTimeMs, extra] = unpack<PackedJob>(record);
      const job = { uid: key as number, clusterId, hash, seq, pinnedTo, submitTimeMs };
      return { ...job, payload: read.job(row, extra) };
    }),
    places: Array.from(database.rows("job_place"), ({ key, record }): JobPlaceRecord => {
      const [nodeIpAddr, runHash, isRunning, startTimeMs, cancelRequested] = unpack<PackedPlace>(
        record,
      );
      return { uid: key as number, nodeIpAddr, runHash, isRunning, startTimeMs, cancelRequested };
    }),
    deliveries: Array.from(database.rows("result"), (row) => {
      const [clusterId, uid, hash, nodeIpAddr, status, reason, startTimeMs, createdMs, extra] =
        unpack<PackedResult>(row.record);
      const delivery: DeliveryRecord = {
        ...{ id: row.key as number, clusterId, uid, hash, nodeIpAddr },
        ...{ status, reason, startTimeMs, createdMs },
      };
      return { ...delivery, payload: extra === null ? null : read.reply(row, extra) };
    }),
  };
}

function rowsOf<T>(database: Pick<Database, "rows">, table: Table): T[] {
  return Array.from(database.rows(table), ({ record }) => unpack<T>(record));
}
