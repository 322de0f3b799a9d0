/** Several clients at once share the nodes. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import type { Client } from "./harness/client.ts";
import { jobSpans, mostAtOnce, shares, type Span } from "./harness/jobs.ts";
import { type Lab, NODE_CPUS } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

/** Clients `a`, `b`, … with a cluster each, which wait for the test before they submit. */
async function startRivals(lab: Lab, jobs: readonly number[], seconds: number): Promise<Client[]> {
  const rivals: Client[] = [];
  for (const [index, count] of jobs.entries()) {
    const tag = String.fromCharCode("a".charCodeAt(0) + index);
    const rival = await lab.startClient("many.py", {
      name: `client ${tag}`,
      args: ["--tag", tag, "--jobs", count, "--seconds", seconds, "--wait-nodes", 2, "--go"],
    });
    await rival.event("ready");
    rivals.push(rival);
  }
  return rivals;
}

/** Waits for the clients' ends, checks that each got all of its own results, and returns all. */
async function spansOf(rivals: readonly Client[]): Promise<Span[]> {
  const spans: Span[] = [];
  for (const rival of rivals) {
    const run = await rival.succeeded();
    const jobs = run.events.filter((line) => line.event === "job");
    const tag = rival.process.name.at(-1);
    equal(jobs.map((job) => job.result.tag), jobs.map(() => tag));
    equal(jobs.map((job) => job.result.number), jobs.map((_, number) => number));
    equal(jobs.map((job) => job.id), jobs.map((_, number) => number));
    spans.push(...jobSpans(jobs));
  }
  return spans;
}

function checkNodesNotOverloaded(spans: readonly Span[]): void {
  for (const address of new Set(spans.map((span) => span.node))) {
    const there = spans.filter((span) => span.node === address);
    ok(mostAtOnce(there) <= NODE_CPUS, `${address} ran ${mostAtOnce(there)} jobs at once`);
  }
}

function checkShares(spans: readonly Span[], atLeast: number): void {
  for (const [tag, share] of shares(spans)) {
    ok(share >= atLeast, `client ${tag} got ${(share * 100).toFixed()} % of the starts`);
  }
}

// Jobs run in the order of submission; a client that is slow to submit on a busy machine gets less.
for (const [count, atLeast] of [[2, 0.1], [4, 0.03]] as const) {
  scenario(
    `${count} clients at once get all of their own results and a sane share`,
    { tier: "core" },
    async (lab) => {
      await lab.startScheduler();
      await lab.startNodes(2);
      const rivals = await startRivals(lab, Array(count).fill(80 / count), 0.1);
      await Promise.all(rivals.map((rival) => rival.go()));
      const spans = await spansOf(rivals);
      equal(spans.length, 80);
      checkNodesNotOverloaded(spans);
      checkShares(spans, atLeast);
    },
  );
}

for (const [count, atLeast] of [[2, 0.38], [4, 0.15]] as const) {
  scenario(
    `--fair_cluster_scheduler: ${count} clients share fairly, though one submitted first`,
    { tier: "core" },
    async (lab) => {
      await lab.startScheduler({ args: ["--fair_cluster_scheduler"] });
      await lab.startNodes(2);
      const rest = Math.round(80 / count);
      const rivals = await startRivals(lab, [80, ...Array(count - 1).fill(rest)], 0.1);
      for (const rival of rivals) {
        await rival.go();
        await rival.event("submitted");
      }
      const spans = await spansOf(rivals);
      checkNodesNotOverloaded(spans);
      checkShares(spans, atLeast);
    },
  );
}

scenario(
  "--early_cluster_scheduler: the cluster created first goes first",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler({ args: ["--early_cluster_scheduler"] });
    await lab.startNode(1, { cpus: 1 });
    const start = async (tag: string) => {
      const client = await lab.startClient("many.py", {
        name: `client ${tag}`,
        args: ["--tag", tag, "--jobs", 12, "--seconds", 0.1, "--wait-nodes", 1, "--go"],
      });
      await client.event("ready");
      return client;
    };
    const first = await start("a");
    const second = await start("b");
    await second.go();
    await second.event("submitted");
    await first.go();
    const submitted = await first.event("submitted");
    const spans = await spansOf([first, second]);

    const late = spans.filter((span) => span.start > submitted.at);
    const lastOfFirst = Math.max(...late.filter((span) => span.tag === "a").map((s) => s.start));
    const between = late.filter((span) => span.tag === "b" && span.start < lastOfFirst);
    // One job of the other may have been on its way to the node already.
    ok(between.length <= 1, `${between.length} jobs of the later cluster went before`);
    ok(late.filter((span) => span.tag === "b").length >= 5, "the later cluster had to wait");
  },
);
