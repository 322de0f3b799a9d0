/**
 * A scene as the next run finds it.
 *
 * @module
 */

import * as core from "../../../src/core/mod.ts";
import { Scene } from "./scene.ts";

/** All that survives of `core`, as its journal would hold it. */
export function snapshotOf(c: core.Core): core.Snapshot {
  const clusters = [...c.clusters.values()];
  const jobs = [...c.jobs.values(), ...c.offered.values()];
  const known = <T>(records: readonly (T | null)[]) => records.filter((record) => record !== null);
  return structuredClone({
    nodes: known([...c.nodes.values()].map((node) => core.nodeRecord(c, node))),
    clusters: known(clusters.map((cluster) => core.clusterRecord(c, cluster))),
    shares: known(
      clusters.flatMap(({ shares }) => [...shares.values()]).map((share) => {
        return core.shareRecord(c, share);
      }),
    ),
    jobs: known(jobs.map((job) => core.jobRecord(c, job))).map((job) => ({
      ...job,
      payload: null,
    })),
    places: known(jobs.map((job) => core.jobPlaceRecord(c, job))),
    deliveries: known(
      clusters.flatMap(({ deliveries }) => [...deliveries.values()]).map((delivery) => {
        return core.deliveryRecord(c, delivery);
      }),
    ).map((delivery) => ({ ...delivery, payload: `result of ${delivery.uid}` })),
  });
}

/** The next run, right after it has taken up what `scene` has left; `effects` is what came of it. */
export function restarted(scene: Scene, options: Partial<core.CoreOptions> = {}): Scene {
  return restoredFrom(snapshotOf(scene.core), scene.nowMs + 5_000, options);
}

/**
 * A run that takes up `snapshot`.
 *
 * @param lostStarts How many jobs may have been sent to nodes since.
 */
export function restoredFrom(
  snapshot: core.Snapshot,
  nowMs: number,
  options: Partial<core.CoreOptions> = {},
  lostStarts: number = 0,
): Scene {
  const next = new Scene({ isJournaled: true, ...options });
  next.nowMs = nowMs;
  next.on((c, now) => core.onRestored(c, snapshot, now, () => {}, lostStarts));
  return next;
}

/** The cluster of a scene that has one. */
export function onlyCluster(scene: Scene): core.Cluster {
  return [...scene.core.clusters.values()][0]!;
}

/** The job with the uid of another run's. */
export function sameJob(scene: Scene, { uid }: core.Job): core.Job {
  return scene.core.jobs.get(uid)!;
}
