/**
 * What the journal holds, as records, beside what it should hold: after each commit it must be
 * the core's state of that moment.
 *
 * @module
 */

import * as core from "../../src/core/mod.ts";
import { readSnapshot } from "../../src/journal/core_journal.ts";
import type { Change, Key, Row, Table } from "../../src/journal/database.ts";
import type { Disk } from "./disk.ts";
import { PAYLOAD_READER } from "./payloads.ts";

/** Numbers for people to look at, which may lag behind. */
const STATISTICS = new Set(["jobsDone", "cpuTimeS"]);

/** See the module's description. */
export class Mirror {
  readonly #nodes = new Map<Key, core.NodeRecord>();
  readonly #clusters = new Map<Key, core.ClusterRecord>();
  readonly #shares = new Map<Key, core.ShareRecord>();
  readonly #jobs = new Map<Key, core.JobRecord>();
  readonly #places = new Map<Key, core.JobPlaceRecord>();
  readonly #deliveries = new Map<Key, core.DeliveryRecord>();

  /** What was found to be lost since the last look. */
  readonly #lost: string[] = [];

  constructor(private readonly disk: Disk) {}

  /** Reads all that is there. */
  reset(): void {
    for (const map of this.#maps.values()) map.clear();
    this.#take(readSnapshot(this.disk, PAYLOAD_READER));
  }

  /** Reads again what has changed. */
  update(changes: readonly Change[]): void {
    const changed = new Map<Table, Map<Key, Row>>();
    for (const { table, key } of changes) {
      const row = this.disk.row(table, key);
      if (row === undefined) {
        this.#maps.get(table)?.delete(key);
        changed.get(table)?.delete(key);
        continue;
      }
      let rows = changed.get(table);
      if (rows === undefined) changed.set(table, rows = new Map());
      rows.set(key, row);
      const hasPayload = table === "cluster" || table === "job";
      if (hasPayload && row.payload === null) {
        this.#lost.push(`the payload of ${table} ${key} is lost`);
      }
    }
    const rows = (table: Table) => changed.get(table)?.values() ?? [];
    this.#take(readSnapshot({ rows }, PAYLOAD_READER));
  }

  /** Where it is not the state of `live`. */
  problems(live: core.Core): string[] {
    const problems = this.#lost.splice(0);
    const compare = <T>(what: string, map: Map<Key, T>, key: Key, record: T | null) => {
      const written = map.get(key);
      if (record === null) throw new Error(`${what} ${key} is there and has no record`);
      if (written === undefined) problems.push(`${what} ${key} is not in the journal`);
      else if (!isSame(written, record)) {
        const [is, should] = [written, record].map((value) => JSON.stringify(value));
        problems.push(`${what} ${key} is in the journal as ${is}, not as ${should}`);
      }
    };
    const count = (what: string, map: Map<Key, unknown>, should: number) => {
      if (map.size !== should) problems.push(`the journal has ${map.size} ${what}, not ${should}`);
    };
    for (const [key, node] of live.nodes) {
      compare("node", this.#nodes, key, core.nodeRecord(live, node));
    }
    let [shares, placed, deliveries] = [0, 0, 0];
    for (const cluster of live.clusters.values()) {
      compare("cluster", this.#clusters, cluster.id, core.clusterRecord(live, cluster));
      for (const share of cluster.shares.values()) {
        const key = `${cluster.id} ${share.node.ipAddr}`;
        compare("share", this.#shares, key, core.shareRecord(live, share));
        shares++;
      }
      for (const delivery of cluster.deliveries.values()) {
        compare("result", this.#deliveries, delivery.id, core.deliveryRecord(live, delivery));
        deliveries++;
      }
    }
    for (const jobs of [live.jobs, live.offered]) {
      for (const job of jobs.values()) {
        compare("job", this.#jobs, job.uid, core.jobRecord(live, job));
        if (job.share === null) continue;
        compare("place of job", this.#places, job.uid, core.jobPlaceRecord(live, job));
        placed++;
      }
    }
    count("nodes", this.#nodes, live.nodes.size);
    count("clusters", this.#clusters, live.clusters.size);
    count("shares", this.#shares, shares);
    count("jobs", this.#jobs, live.jobs.size + live.offered.size);
    count("places of jobs", this.#places, placed);
    count("results", this.#deliveries, deliveries);
    return problems;
  }

  get #maps(): Map<Table, Map<Key, unknown>> {
    return new Map<Table, Map<Key, unknown>>([
      ["node", this.#nodes],
      ["cluster", this.#clusters],
      ["share", this.#shares],
      ["job", this.#jobs],
      ["job_place", this.#places],
      ["result", this.#deliveries],
    ]);
  }

  #take({ nodes, clusters, shares, jobs, places, deliveries }: core.Snapshot): void {
    for (const node of nodes) this.#nodes.set(node.info.ipAddr, node);
    for (const cluster of clusters) this.#clusters.set(cluster.id, cluster);
    for (const share of shares) this.#shares.set(`${share.clusterId} ${share.nodeIpAddr}`, share);
    for (const job of jobs) this.#jobs.set(job.uid, job);
    for (const place of places) this.#places.set(place.uid, place);
    for (const delivery of deliveries) this.#deliveries.set(delivery.id, delivery);
  }
}

/** Whether all that `record` says is in `written`, too, but for statistics. */
function isSame(written: unknown, record: unknown): boolean {
  if (written === record) return true;
  if (typeof record !== "object" || record === null) return false;
  if (typeof written !== "object" || written === null) return false;
  if (Array.isArray(record) && record.length !== (written as unknown[]).length) return false;
  for (const key in record) {
    if (STATISTICS.has(key)) continue;
    const [a, b] = [written, record] as Record<string, unknown>[];
    if (!isSame(a![key], b![key])) return false;
  }
  return true;
}
