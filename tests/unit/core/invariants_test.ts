import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { checkEffects, checkInvariants } from "../../../src/core/invariants.ts";
import {
  type Cluster,
  DEFAULT_TERMS,
  type Job,
  type Node,
  type Share,
} from "../../../src/core/mod.ts";
import { Scene } from "./scene.ts";

interface Parts {
  readonly scene: Scene;
  readonly node: Node;
  readonly cluster: Cluster;
  readonly share: Share;
  readonly running: Job;
  readonly queued: Job;
  readonly pinned: Job;
}

/** A healthy core with one of everything. */
function parts(): Parts {
  const scene = new Scene();
  const node = scene.node("10.0.0.1", 1);
  const cluster = scene.cluster({ terms: { ...DEFAULT_TERMS } });
  const running = scene.running(cluster);
  const queued = scene.submit(cluster);
  const pinned = scene.submit(cluster, "10.0.0.1");
  const share = scene.share(cluster, "10.0.0.1");
  return { scene, node, cluster, share, running, queued, pinned };
}

/** What is broken, and what is to be said of it. */
const BREAKAGES: Array<[string, (parts: Parts) => void, RegExp]> = [
  ["a node's count is wrong", ({ node }) => node.busy++, /has 2 busy CPUs and 1 jobs/],
  ["a share's count is wrong", ({ share }) => share.busy--, /counts 0 busy CPUs, not 1/],
  ["a node forgets a job", ({ node }) => node.jobs.clear(), /not among its node's jobs/],
  ["a job is lost", ({ scene, running }) => scene.core.jobs.delete(running.uid), /but there are 2/],
  ["a cluster forgets a job", (p) => p.cluster.jobs.delete(p.queued.uid), /among its cluster's/],
  ["a job falls out of its queue", (p) => p.cluster.queue.remove(p.queued), /in a wrong queue/],
  ["a job is in a wrong queue", ({ share, cluster, pinned }) => {
    share.pinned.remove(pinned);
    cluster.queue.push(pinned);
  }, /queued in a wrong queue/],
  ["a queue is out of order", ({ cluster, queued, scene }) => {
    scene.submit(cluster);
    cluster.queue.remove(queued);
    cluster.queue.push(queued);
  }, /out of order/],
  ["a done job is kept", ({ running }) => running.state = "done", /done and yet there/],
  ["a queued job is on a node", (p) => p.queued.share = p.share, /queued and on 10.0.0.1/],
  ["a job runs nowhere", ({ running }) => running.share = null, /running nowhere/],
  ["a cancelled job waits", ({ queued }) => queued.cancelRequested = true, /was cancelled/],
  ["a cancelled job runs on", (p) => p.running.cancelRequested = true, /is not being terminated/],
  ["a cluster is not runnable", (p) => p.scene.core.runnable.clear(), /wrongly runnable, or not/],
  ["a node is gone", ({ scene }) => scene.core.nodes.clear(), /which is gone/],
  ["a cluster is gone", ({ scene }) => scene.core.clusters.clear(), /has no cluster/],
  [
    "a free CPU is not used",
    (p) => p.node.cpus = p.node.availCpus = p.share.maxCpus = 2,
    /has a free CPU/,
  ],
  [
    "a free share is not indexed",
    (p) => p.node.cpus = p.node.availCpus = p.share.maxCpus = 2,
    /free: missing/,
  ],
  ["a pinned job cannot run", ({ share }) => share.state = "drained", /and yet job \d+ waits/],
  ["jobs on their way are miscounted", ({ share }) => share.underWay = 2, /2 jobs on their way/],
  ["a close is held for nothing", ({ share }) => share.isCloseHeld = true, /is not closed/],
  ["more CPUs than there are", ({ node }) => node.cpus = 2, /uses 2 of its 1 CPUs/],
  ["a cluster waits nowhere", (p) => p.cluster.state = "waiting", /in the wrong line/],
  ["a closed cluster is busy", (p) => p.cluster.state = "closed", /closed and yet there/],
];

Deno.test("nothing is said of a healthy core", () => {
  assertEquals(checkInvariants(parts().scene.core), []);
});

for (const [what, breakIt, problem] of BREAKAGES) {
  Deno.test(`it is noticed that ${what}`, () => {
    const scene = parts();
    breakIt(scene);
    assertMatch(checkInvariants(scene.scene.core).join("\n"), problem);
  });
}

Deno.test("it is noticed that a result is forgotten, kept for nobody or there twice", () => {
  const broken = (breakIt: (cluster: Cluster) => void) => {
    const { scene, cluster, running } = parts();
    scene.reply(running);
    breakIt(cluster);
    return checkInvariants(scene.core).join("\n");
  };
  const first = (cluster: Cluster) => [...cluster.deliveries.values()][0]!;
  assertMatch(broken((cluster) => first(cluster).inFlight = false), /is forgotten/);
  assertMatch(broken((cluster) => cluster.wantsResults = false), /does not want/);
  assertMatch(
    broken((cluster) => cluster.deliveries.set(-1, { ...first(cluster) })),
    /two final results/,
  );
  assertMatch(broken((cluster) => cluster.overdue.add(first(cluster))), /under way and overdue/);
});

Deno.test("it is noticed that a step at a node does not wait for its jobs", () => {
  const { share, running } = parts();
  const setUp = [{ kind: "setUpShare", share }] as const;
  const close = [{ kind: "closeShare", share, terminatePending: true }] as const;
  const run = [{ kind: "runJob", job: running, share }] as const;
  assertEquals(checkEffects(close), []);
  assertMatch(checkEffects(setUp).join(), /was set up while it had jobs/);
  share.underWay = 1;
  assertMatch(checkEffects(close).join(), /was closed while jobs were on their way/);
  share.state = "dropped";
  assertMatch(checkEffects(run).join(), /whose share is dropped/);
});

Deno.test("it is noticed that a job starts where there is no CPU for it", () => {
  const { node, cluster, share, running } = parts();
  const effects = [{ kind: "runJob", job: running, share }] as const;
  assertEquals(checkEffects(effects), []);
  node.busy = 2;
  assertMatch(checkEffects(effects).join(), /beyond its CPUs/);
  node.busy = 1;
  node.cpuLimit = 0;
  assertMatch(checkEffects(effects).join(), /beyond its CPUs/);
  node.cpuLimit = 1;
  Object.assign(cluster.terms, { maxCpus: 0 });
  assertMatch(checkEffects(effects).join(), /beyond its cluster's limit of 0 CPUs/);
  Object.assign(cluster.terms, { maxCpus: null });
  share.maxCpus = 0;
  assertMatch(checkEffects(effects).join(), /beyond its cluster's CPUs/);
});

Deno.test("it is noticed that a job ends without a result for a client that wants one", () => {
  const { scene, cluster, running } = parts();
  scene.reply(running);
  const effects = [{ kind: "forgetJob", job: running }] as const;
  assertEquals(checkEffects(effects), []);
  cluster.deliveries.clear();
  assertMatch(checkEffects(effects).join(), /ended with 0 results/);
});
