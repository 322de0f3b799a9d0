import { assert } from "@std/assert/assert.js";
import { assertEquals } from "@std/assert/equals.js";
import * as core from "../../../src/core/mod.ts";
import { ALL_NODES, Scene } from "./scene.ts";

/** Counts each time that one of `properties` of `object` is read or written. */
function count(object: object, properties: readonly string[], touched: () => void): void {
  for (const property of properties) {
    let value = Reflect.get(object, property);
    Object.defineProperty(object, property, {
      get: () => (touched(), value),
      set: (changed) => (touched(), value = changed),
    });
  }
}

/**
 * How often nodes and shares are looked at while 100 jobs are submitted, started and answered
 * on `nodeCount` nodes of 4 CPUs, every third job pinned, for two clusters.
 */
function touches(nodeCount: number): number {
  // Without the scene's checks, which look at everything.
  const { core: c } = new Scene();
  const nowMs = 1;
  const options = { allocations: [ALL_NODES], reentrant: false, exclusive: false };
  const clusters = [1, 2].map(() => {
    const cluster = core.onClusterReceived(c, "test", options, nowMs);
    core.onScheduleRequested(c, cluster, nowMs);
    core.onClusterAnnounced(c, cluster, nowMs);
    return cluster;
  });
  const scene = new Scene();
  for (let i = 0; i < nodeCount; i++) {
    core.onNodeFound(c, scene.info(`10.0.${i >> 8}.${i & 255}`, 4), nowMs);
  }
  let touched = 0;
  const touch = () => void touched++;
  for (const cluster of clusters) {
    for (const share of cluster.shares.values()) {
      core.onShareReady(c, share, 4, nowMs);
      count(share, ["state", "busy", "maxCpus", "next", "previous", "list", "pinned"], touch);
      count(share.pinnedEntry, ["next", "previous", "list"], touch);
    }
  }
  for (const node of c.nodes.values()) {
    count(node, ["busy", "cpus", "pausedUntilMs", "shares", "jobs", "lastPulseMs"], touch);
  }
  touched = 0;
  const jobs: core.Job[] = [];
  for (let i = 0; i < 100; i++) {
    const uid = c.newId();
    const pinnedTo = i % 3 === 0 ? `10.0.0.${i % 10}` : null;
    const request = { uid, hash: "", pinnedTo, payload: null };
    core.onJobSubmitted(c, core.onJobOffered(c, clusters[i % 2]!, request, nowMs), nowMs);
    const job = c.jobs.get(uid)!;
    jobs.push(job);
  }
  for (const job of jobs) {
    if (job.share === null) continue;
    const nodeIpAddr = job.share.node.ipAddr;
    core.onJobStarted(c, job, job.share, nowMs);
    const { uid, hash } = job;
    const times = { startTimeS: 0, endTimeS: 0 };
    const reply = {
      uid,
      hash,
      nodeIpAddr,
      status: 11,
      provisional: false,
      payload: null,
      ...times,
    };
    assert(core.onJobReply(c, reply, nowMs));
  }
  return touched;
}

Deno.test("choosing the next job and node costs the same with 10 nodes as with 10,000", () => {
  const [few, many] = [touches(10), touches(10_000)];
  assert(few > 1_000, `the count counts: ${few}`);
  assert(many < 2 * few, `${few} looks at nodes and shares with 10 nodes, ${many} with 10,000`);
});

Deno.test("jobs go to a node that only one cluster may use though another's job is first", () => {
  const s = new Scene();
  s.node("10.0.0.1", 1);
  s.node("10.0.0.2", 1);
  const limited = s.cluster({ allocations: [{ ...ALL_NODES, pattern: "10.0.0.1" }] });
  const free = s.cluster();
  s.submit(limited);
  const waiting = s.submit(limited);
  const job = s.submit(free);
  assertEquals([waiting.state, job.share?.node.ipAddr], ["queued", "10.0.0.2"]);
});
