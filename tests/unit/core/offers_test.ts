import { assertEquals } from "@std/assert/equals.js";
import {
  type Cluster,
  clusterRecord,
  type Job,
  jobRecord,
  onClusterCancelled,
  onJobCancelled,
  onJobOffered,
  onJobSubmitted,
  onJobWithdrawn,
  Outcome,
} from "../../../src/core/mod.ts";
import { restarted } from "./restarted.ts";
import { Scene } from "./scene.ts";

function offered(scene: Scene, cluster: Cluster): Job {
  const uid = scene.core.newId();
  const request = { uid, hash: `hash ${uid}`, pinnedTo: null, payload: null };
  return scene.on((core, nowMs) => onJobOffered(core, cluster, request, nowMs));
}

Deno.test("a cluster that was closed is there until its client has confirmed its last uid, or not", () => {
  for (const isConfirmed of [true, false]) {
    const scene = new Scene();
    const cluster = scene.cluster();
    const job = offered(scene, cluster);
    scene.close(cluster);
    assertEquals(clusterRecord(scene.core, cluster)?.state, "closed");
    scene.on((core, nowMs) =>
      isConfirmed ? onJobSubmitted(core, job, nowMs) : onJobWithdrawn(core, job)
    );
    assertEquals(clusterRecord(scene.core, cluster), null);
    assertEquals(jobRecord(scene.core, job), null);
    assertEquals(scene.kinds, ["forgetJob", "forgetCluster"]);
  }
});

Deno.test("a job whose cluster was ended before its uid was confirmed has a result that is kept", () => {
  const scene = new Scene();
  const cluster = scene.cluster();
  const job = offered(scene, cluster);
  scene.on((core, nowMs) => onClusterCancelled(core, cluster, true, nowMs));
  scene.on((core, nowMs) => onJobSubmitted(core, job, nowMs));
  assertEquals(scene.results, [[job.uid, Outcome.Terminated]]);
  assertEquals([...scene.core.clusters.values()], [cluster]);
});

Deno.test("a node whose client has left it while it was set up is not tried again by the next run", () => {
  const scene = new Scene({ isJournaled: true });
  const cluster = scene.cluster();
  const node = scene.found("10.0.0.2", 1);
  const share = scene.share(cluster, node.ipAddr);
  assertEquals(share.state, "setting_up");
  scene.deallocate(cluster, node.ipAddr);
  const next = restarted(scene);
  next.pass(60_000);
  assertEquals(next.effectsOf("setUpShare").map(({ share }) => share.node.ipAddr), []);
});

Deno.test("a job that is cancelled before its uid was confirmed does not run", () => {
  const scene = new Scene();
  scene.node("10.0.0.2", 1);
  const [cluster, other] = [scene.cluster(), scene.cluster()];
  const job = offered(scene, cluster);
  const cancel = (by: Cluster) =>
    scene.on((core, nowMs) => onJobCancelled(core, by, job.uid, nowMs));
  assertEquals([cancel(other), job.cancelRequested], [false, false]);
  assertEquals(cancel(cluster), true);
  assertEquals(scene.kinds, []);
  scene.on((core, nowMs) => onJobSubmitted(core, job, nowMs));
  assertEquals(scene.results, [[job.uid, Outcome.Cancelled]]);
  assertEquals(scene.core.jobs.size, 0);
});
