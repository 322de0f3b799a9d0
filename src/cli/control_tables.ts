/**
 * What `status`, `nodes` and `cancel` print for people.
 *
 * @module
 */

import { escapeControls } from "../log/escape.ts";
import { duration, renderTable, seconds, type StatusTotals } from "./status_table.ts";

/** A node, as far as the tables show it. */
export interface ShownNode {
  readonly address: string;
  readonly name: string;
  readonly state: string;
  readonly platform: string;
  readonly dispyVersion: string;
  readonly cpus: number;
  readonly availCpus: number;
  readonly cpuLimit: number | null;
  readonly busyCpus: number;
  readonly jobsDone: number;
  readonly cpuTimeMs: number;
  readonly silentMs: number;
  readonly clusters: readonly number[];
}

/** A cluster, as far as the tables show it. */
export interface ShownCluster {
  readonly id: number;
  readonly name: string;
  readonly clientAddress: string;
  readonly state: string;
  readonly jobsPending: number;
  readonly jobsRunning: number;
  readonly jobsDone: number;
  readonly cpuTimeMs: number;
  readonly ageMs: number;
  readonly resultsUndelivered: number;
  /** Why no job of it can start. */
  readonly waits: readonly { readonly text: string }[];
}

/** A job, as far as the tables show it. */
export interface ShownJob {
  readonly uid: number;
  readonly state: string;
  readonly node: string | null;
  readonly ageMs: number;
  readonly runningMs: number | null;
}

/** Everything that `status` shows. */
export interface ShownStatus {
  readonly uptimeMs: number;
  readonly nodes: readonly ShownNode[];
  readonly clusters: readonly ShownCluster[];
  readonly totals: StatusTotals;
}

function nodeName({ address, name }: ShownNode): string {
  return name === "" || name === address ? address : `${address} (${name})`;
}

/** `ready`, `not answering`, … */
function stateText({ state }: ShownNode): string {
  return state.replaceAll("_", " ");
}

/** `2`; `1 of 2` where a limit is set; `drained`. */
function cpusText({ cpus, availCpus, cpuLimit }: ShownNode): string {
  if (cpuLimit === 0) return "drained";
  return cpus === availCpus ? String(cpus) : `${cpus} of ${availCpus}`;
}

/** The name of a cluster without the folders of a program. */
export function clusterName({ name, clientAddress }: ShownCluster): string {
  return `${name.slice(name.search(/[^/\\]*$/))} @ ${clientAddress}`;
}

function lines(...blocks: readonly (readonly string[])[]): string {
  return blocks.filter((block) => block.length > 0).map((block) => block.join("\n") + "\n")
    .join("\n");
}

/** What `status` prints: nodes (longest job time first), clusters, totals. */
export function renderControlStatus(status: ShownStatus): string {
  const nodes = [...status.nodes].sort((one, other) => other.cpuTimeMs - one.cpuTimeMs);
  const { totals } = status;
  return lines(
    nodes.length === 0 ? [] : renderTable(
      ["Node", "State", "CPUs", "Busy", "Jobs done", "Node time sec"],
      nodes.map((node) => [
        nodeName(node),
        stateText(node),
        cpusText(node),
        String(node.busyCpus),
        String(node.jobsDone),
        seconds(node.cpuTimeMs),
      ]),
    ),
    status.clusters.length === 0 ? [] : renderTable(
      ["Cluster", "Id", "State", "Pending", "Running", "Done", "Undelivered"],
      status.clusters.map((cluster) => [
        clusterName(cluster),
        String(cluster.id),
        cluster.state,
        String(cluster.jobsPending),
        String(cluster.jobsRunning),
        String(cluster.jobsDone),
        String(cluster.resultsUndelivered),
      ]),
    ),
    status.clusters.filter(({ jobsPending }) => jobsPending > 0).flatMap((cluster) =>
      cluster.waits.map(({ text }) =>
        escapeControls(`${clusterName(cluster)} (${cluster.id}) waits: ${text}`)
      )
    ),
    [
      `Total job time: ${seconds(totals.cpuTimeMs)} sec`,
      `Jobs: ${totals.jobsPending} pending, ${totals.jobsRunning} running, ${totals.jobsDone} done`,
      `Nodes: ${status.nodes.length}, clusters: ${status.clusters.length}` +
      (totals.clustersWaiting > 0 ? ` (${totals.clustersWaiting} waiting for nodes)` : "") +
      `, up ${duration(status.uptimeMs)}`,
    ],
  );
}

/** What `status CLUSTER` prints. */
export function renderJobs(cluster: ShownCluster, jobs: readonly ShownJob[]): string {
  const total = cluster.jobsPending + cluster.jobsRunning;
  return lines(
    [
      escapeControls(`Cluster ${clusterName(cluster)}, id ${cluster.id}, ${cluster.state}: `) +
      `${cluster.jobsPending} pending, ${cluster.jobsRunning} running, ${cluster.jobsDone} done`,
      ...cluster.waits.map(({ text }) => escapeControls(`Waits: ${text}`)),
    ],
    jobs.length === 0 ? [] : renderTable(
      ["Job", "State", "Node", "Submitted sec ago", "Runs sec"],
      jobs.map((job) => [
        String(job.uid),
        job.state,
        job.node ?? "",
        seconds(job.ageMs),
        job.runningMs === null ? "" : seconds(job.runningMs),
      ]),
    ),
    total > jobs.length && jobs.length > 0
      ? [`${total - jobs.length} more jobs; --limit shows more`]
      : [],
  );
}

/** What `nodes` prints. */
export function renderNodes(nodes: readonly ShownNode[]): string {
  if (nodes.length === 0) return "The scheduler knows no nodes.\n";
  return lines(renderTable(
    [
      "Node",
      "State",
      "CPUs",
      "Busy",
      "Clusters",
      "Jobs done",
      "Heard sec ago",
      "dispy",
      "Platform",
    ],
    nodes.map((node) => [
      nodeName(node),
      stateText(node),
      cpusText(node),
      String(node.busyCpus),
      String(node.clusters.length),
      String(node.jobsDone),
      String(Math.round(node.silentMs / 1000)),
      node.dispyVersion,
      node.platform,
    ]),
  ));
}
