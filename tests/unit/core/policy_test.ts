import { assertEquals } from "@std/assert/equals.js";
import {
  type Cluster,
  earliestJob,
  earlyCluster,
  fairCluster,
  type Policy,
} from "../../../src/core/mod.ts";
import { Scene } from "./scene.ts";

/** Two clusters whose jobs wait for one CPU, and the order in which they get it. */
class Contest {
  readonly scene: Scene;
  readonly clusters: Cluster[];
  readonly #names = new Map<number, string>();

  constructor(policy: Policy) {
    this.scene = new Scene({ policy });
    this.scene.node("10.0.0.1", 1);
    this.clusters = [this.scene.cluster(), this.scene.cluster()];
    // Takes the only CPU, so that what is submitted next has to wait.
    this.scene.submit(this.clusters[0]!);
  }

  submit(name: string, cluster: number, pinnedTo: string | null = null): void {
    this.#names.set(this.scene.submitUid(this.clusters[cluster]!, pinnedTo), name);
  }

  /** Names of the waiting jobs, in the order in which they run. */
  order(): string[] {
    const names: string[] = [];
    for (;;) {
      const running = [...this.scene.core.nodes.get("10.0.0.1")!.jobs][0];
      if (running === undefined) return names;
      this.scene.reply(running);
      for (const { job } of this.scene.effectsOf("runJob")) {
        names.push(this.#names.get(job.uid)!);
      }
    }
  }
}

function contest(policy: Policy, pinned: string[] = []): string[] {
  const test = new Contest(policy);
  // b1 is of the second cluster, and so on.
  for (const name of ["b1", "b2", "a1", "b3", "a2", "a3"]) {
    const pinnedTo = pinned.includes(name) ? "10.0.0.1" : null;
    test.submit(name, name.startsWith("a") ? 0 : 1, pinnedTo);
  }
  return test.order();
}

Deno.test("by default the job that was submitted first goes first", () => {
  assertEquals(contest(earliestJob), ["b1", "b2", "a1", "b3", "a2", "a3"]);
});

Deno.test("by default a pinned job waits its turn like any other", () => {
  assertEquals(contest(earliestJob, ["b2", "a2"]), ["b1", "b2", "a1", "b3", "a2", "a3"]);
});

Deno.test("fair: the cluster goes first that was given a CPU longest ago", () => {
  assertEquals(contest(fairCluster), ["b1", "a1", "b2", "a2", "b3", "a3"]);
});

Deno.test("fair: pinned jobs count for their cluster", () => {
  // Pinned and unpinned jobs of one cluster go in the order of their submission.
  assertEquals(contest(fairCluster, ["b1", "a2"]), ["b1", "a1", "b2", "a2", "b3", "a3"]);
});

Deno.test("early: the cluster that was created first goes first", () => {
  assertEquals(contest(earlyCluster), ["a1", "a2", "a3", "b1", "b2", "b3"]);
});

Deno.test("early: a pinned job of an early cluster goes before all jobs of a later one", () => {
  assertEquals(contest(earlyCluster, ["a3", "b1"]), ["a1", "a2", "a3", "b1", "b2", "b3"]);
});

Deno.test("a returned job goes back to its place in the order of submission", () => {
  const scene = new Scene();
  scene.node("10.0.0.1", 1);
  const cluster = scene.cluster();
  const [first, second, third] = [1, 2, 3].map(() => scene.submit(cluster));
  scene.refused(first!, "busy");
  assertEquals([...cluster.queue].map(({ uid }) => uid), [first!.uid, second!.uid, third!.uid]);
  scene.pass(1_000);
  assertEquals([first!.state, second!.state], ["assigned", "queued"]);
});

Deno.test("the least loaded node gets the job, equally loaded ones take turns", () => {
  const scene = new Scene();
  scene.node("10.0.0.1", 2);
  scene.node("10.0.0.2", 4);
  const cluster = scene.cluster();
  const order = Array.from({ length: 6 }, () => scene.submit(cluster).share!.node.ipAddr.at(-1));
  // Loads before each: 0 0, ½ 0, ½ ¼, ½ ½ (the first has been so for longer), 1 ½, 1 ¾.
  assertEquals(order.join(""), "122122");
});

Deno.test("a pinned job waits for its node while others are free", () => {
  const scene = new Scene();
  scene.node("10.0.0.1", 1);
  scene.node("10.0.0.2", 1);
  const cluster = scene.cluster();
  const first = scene.submit(cluster, "10.0.0.1");
  const second = scene.submit(cluster, "10.0.0.1");
  const free = scene.submit(cluster);
  assertEquals([first.state, second.state, free.share?.node.ipAddr], [
    "assigned",
    "queued",
    "10.0.0.2",
  ]);
  scene.reply(first);
  assertEquals(second.share?.node.ipAddr, "10.0.0.1");
});
