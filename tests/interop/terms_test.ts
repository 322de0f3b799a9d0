/** Priorities, weights and limits of clusters, asked for by unchanged clients or given by rules. */

import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import type { Client } from "./harness/client.ts";
import { jobSpans, mostAtOnce, shares, type Span } from "./harness/jobs.ts";
import type { Lab } from "./harness/lab.ts";
import { SCHEDULER } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

/** What the original has none of is not asked of it. */
const only = SCHEDULER === "ours" ? scenario : () => {};

/** A client that waits for the test before it submits. */
async function start(
  lab: Lab,
  tag: string,
  jobs: number,
  ...args: (string | number)[]
): Promise<Client> {
  const client = await lab.startClient("many.py", {
    name: `client ${tag}`,
    args: ["--tag", tag, "--jobs", jobs, "--seconds", 0.1, "--wait-nodes", 1, "--go", ...args],
  });
  await client.event("ready");
  return client;
}

async function spansOf(...clients: Client[]): Promise<Span[]> {
  const runs = await Promise.all(clients.map((client) => client.succeeded()));
  return runs.flatMap(({ events }) => jobSpans(events.filter((line) => line.event === "job")));
}

async function rulesFile(lab: Lab, text: string): Promise<string[]> {
  const path = `${await lab.folder("rules")}/rules.toml`;
  await Deno.writeTextFile(path, text);
  return ["--cluster_rules", path];
}

/** Jobs of `a` that started between the submission of `b`'s jobs and the start of its last. */
function overtaken(spans: readonly Span[], submitted: number): Span[] {
  const last = Math.max(...spans.filter(({ tag }) => tag === "b").map(({ start }) => start));
  return spans.filter(({ tag, start }) => tag === "a" && start > submitted && start < last);
}

only(
  "a client that asks for priority in its node list overtakes the jobs that wait",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1, { cpus: 1 });
    const low = await start(lab, "a", 25);
    const high = await start(lab, "b", 8, "--nodes", '["127.0.0.*?priority=5"]');
    await low.go();
    await low.event("submitted");
    await high.go();
    const { at } = await high.event("submitted");
    const spans = await spansOf(low, high);
    equal(spans.length, 33);
    // One may have been on its way to the node already.
    ok(overtaken(spans, at).length <= 1, `${overtaken(spans, at).length} jobs went before`);
  },
);

only(
  "--cluster_rules: rules by computation and client give priority and limit CPUs",
  { tier: "core" },
  async (lab) => {
    const rules = await rulesFile(
      lab,
      `
[[cluster]]
computation = "other*"
max_cpus = 4

[[cluster]]
computation = "wor*"
client = "127.0.0.1"
max_cpus = 2
`,
    );
    await lab.startScheduler({ args: rules });
    await lab.startNodes(2);
    const spans = await spansOf(
      ...await Promise.all([start(lab, "a", 12)].map(async (client) => {
        await (await client).go();
        return await client;
      })),
    );
    equal(spans.length, 12);
    equal(mostAtOnce(spans), 2);
  },
);

only(
  "--fair_cluster_scheduler: a cluster of weight 3 gets three times as much",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler({ args: ["--fair_cluster_scheduler"] });
    await lab.startNodes(2);
    const light = await start(lab, "a", 60);
    const heavy = await start(lab, "b", 60, "--nodes", '["*?weight=3"]');
    await Promise.all([light.go(), heavy.go()]);
    const share = shares(await spansOf(light, heavy)).get("b") ?? 0;
    ok(share > 0.65 && share < 0.85, `it got ${(share * 100).toFixed()} % of the starts`);
  },
);

only(
  "--max_client_jobs: a job beyond the limit is refused, and the client's log says why",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler({ args: ["--max_client_jobs", "5"] });
    await lab.startNode(1, { cpus: 1 });
    const client = await start(lab, "a", 9);
    await client.go();
    const { code, output } = await client.ended();
    equal(code, 1);
    match(output, /job refused by dispyscheduler: client 127·0·0·1 has 5 jobs here already/);
    match(output, /job 5 was not accepted/);
  },
);

only(
  "a wish that there is not is refused, and the client is told what there is",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    const client = await lab.startClient("many.py", { args: ["--nodes", '["*?prio=5"]'] });
    const { error } = await client.event("refused");
    match(String(error), /prio in the node list: give priority, weight or max_cpus/);
  },
);
