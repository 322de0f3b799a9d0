/**
 * What the scheduler is doing, as plain data: for the console, and later for the web page.
 *
 * @module
 */

import { type Cluster, type Core, describeWait, waitsOf } from "../core/mod.ts";
import type { Computations } from "./computation.ts";

/** The state of nodes and clusters at one moment. */
export function snapshot(core: Core, computations: Computations, uptimeMs: number) {
  const clusters = [...core.clusters.values()].filter(({ state }) => state !== "closed");
  const shown = clusters.map((cluster) => clusterStatus(core, cluster, computations));
  return {
    uptimeMs,
    nodes: [...core.nodes.values()].map((node) => ({
      address: node.ipAddr,
      name: node.name,
      cpus: node.cpus,
      busyCpus: node.busy,
      jobsDone: node.jobsDone,
      cpuTimeMs: node.cpuTimeS * 1000,
    })),
    clusters: shown,
    totals: totalsOf(core, shown),
  };
}

/** Sums over `clusters`, and over nodes and clusters that are gone too. */
export function totalsOf(
  core: Core,
  clusters: readonly { readonly jobsPending: number; readonly jobsRunning: number }[],
) {
  const sum = (key: "jobsPending" | "jobsRunning") =>
    clusters.reduce((total, cluster) => total + cluster[key], 0);
  return {
    jobsPending: sum("jobsPending"),
    jobsRunning: sum("jobsRunning"),
    jobsDone: core.totals.jobsDone,
    cpuTimeMs: core.totals.cpuTimeS * 1000,
    clustersWaiting: core.waiting.length,
  };
}

function clusterStatus(core: Core, cluster: Cluster, computations: Computations) {
  let jobsRunning = 0;
  for (const share of cluster.shares.values()) jobsRunning += share.busy;
  const { compute, client } = computations.of(cluster);
  const jobsPending = cluster.jobs.size - jobsRunning;
  const isWaiting = jobsPending > 0 && jobsRunning === 0;
  return {
    name: compute.name,
    clientAddress: client.hostname,
    jobsPending,
    jobsRunning,
    jobsDone: cluster.jobsDone,
    waits: isWaiting ? waitsOf(core, cluster).map(describeWait) : [],
  };
}
