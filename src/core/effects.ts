/**
 * What the core wants done. It does nothing itself: after each event the server takes these
 * from the core and carries them out, and reports what came of it with another event.
 *
 * @module
 */

import type { Cluster, Delivery, Job, Node, Share } from "./entities.ts";

/** One thing to do. */
export type Effect =
  /** Send the computation, its files and `setup` → `onShareReady`, `onShareFailed`. */
  | { readonly kind: "setUpShare"; readonly share: Share }
  /** Send the job's files and the job → `onJobStarted`, `onJobRefused`. */
  | { readonly kind: "runJob"; readonly job: Job; readonly share: Share }
  /** Tell the node to end the job; its reply follows. */
  | { readonly kind: "terminateJob"; readonly job: Job; readonly node: Node }
  /** Tell the node to close the computation → `onShareClosed`. */
  | { readonly kind: "closeShare"; readonly share: Share; readonly terminatePending: boolean }
  /** Ask a node that has jobs and is silent whether it is there → `onNodeProbed`. */
  | { readonly kind: "probeNode"; readonly node: Node }
  /**
   * Look whether results leave a node with jobs that run for long, and see to it that they do →
   * `onNodeCheckedUp`.
   */
  | { readonly kind: "checkUpNode"; readonly node: Node }
  /**
   * Ask a node of an earlier run which jobs it runs, and to send again the results that it holds →
   * `onNodeInventoried`.
   */
  | { readonly kind: "inventoryNode"; readonly node: Node }
  /** Look whether a node of an earlier run that nobody used is there. */
  | { readonly kind: "greetNode"; readonly ipAddr: string; readonly port: number }
  /** Tell the client that its computation is scheduled → `onClusterAnnounced`, `onClusterLost`. */
  | { readonly kind: "announceCluster"; readonly cluster: Cluster }
  /** Tell the client that the job runs. */
  | { readonly kind: "tellJobRunning"; readonly job: Job; readonly node: Node }
  /** Bring the client a result → `onDelivered`, `onDeliveryFailed`. */
  | { readonly kind: "deliver"; readonly delivery: Delivery }
  /** Tell the client of one of its nodes. */
  | {
    readonly kind: "tellNodeStatus";
    readonly share: Share;
    readonly status: "initialized" | "stats" | "cpus" | "closed";
  }
  /** Say that the cluster does not use a node that its client has named. */
  | {
    readonly kind: "passOverNode";
    readonly cluster: Cluster;
    readonly node: Node;
    readonly reason: string;
  }
  /** Look for the nodes that the cluster's client named. */
  | { readonly kind: "discoverNodes"; readonly cluster: Cluster }
  /** The job will not be sent to a node again: what was kept for that can go. */
  | { readonly kind: "forgetJob"; readonly job: Job }
  /** The client has the result, or wants it no longer. */
  | { readonly kind: "forgetResult"; readonly delivery: Delivery }
  /** The cluster needs its files no longer. */
  | { readonly kind: "forgetClusterFiles"; readonly cluster: Cluster }
  /** Nothing is left of the cluster. */
  | { readonly kind: "forgetCluster"; readonly cluster: Cluster }
  /** The node is no longer used. It may live and not know; then these are what it still has. */
  | {
    readonly kind: "forgetNode";
    readonly node: Node;
    readonly shares: readonly Share[];
    readonly reason: string;
  };
